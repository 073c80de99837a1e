package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestArchives(t *testing.T) {
	out := t.TempDir()
	printed := mustExecute(t, out, "archives", "--platform", "linux/amd64")
	const name = "meltemi_v1.2.3_linux_amd64"
	if want := name + ".tar.gz\n" + name + ".cdx.json\nSHA256SUMS\n"; printed != want {
		t.Errorf("it prints %q, want %q", printed, want)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = out
	if said, err := check.CombinedOutput(); err != nil || strings.Count(string(said), ": OK\n") != 2 {
		t.Errorf("sha256sum: %v\n%s", err, said)
	}
	gz, err := gzip.NewReader(bytes.NewReader(readFile(t, filepath.Join(out, name+".tar.gz"))))
	if err != nil {
		t.Fatal(err)
	}
	if gz.Name != "" || !gz.ModTime.IsZero() {
		t.Errorf("gzip's header has %+v", gz.Header)
	}
	files := []string{"meltemi", "meltemi-controller", "libmeltemi.so"}
	got := unpack(t, gz)
	checkFiles(t, got, name+"/", "linux/amd64", files, "README.md")
	if got[name+"/README.md"].text != string(readFile(t, filepath.Join(root(t), "README.md"))) {
		t.Error("README.md is another one")
	}
	checkBOM(t, readFile(t, filepath.Join(out, name+".cdx.json")), "linux/amd64", files)

	// The programs tell what they are.
	folder := t.TempDir()
	if said, err := exec.Command("tar", "-xzf", filepath.Join(out, name+".tar.gz"), "-C", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for want, args := range map[string][]string{
		"commit   " + testRevision + "\n": {"meltemi", "version"},
		"meltemi  v1.2.3\n":               {"meltemi", "version"},
		"version v1.2.3\n":                {"meltemi-controller", "--version"},
		"dubbo":                           {"meltemi", "codecs", "--lib", filepath.Join(folder, name, "libmeltemi.so")},
	} {
		said, err := exec.Command(filepath.Join(folder, name, args[0]), args[1:]...).Output()
		if err != nil || !strings.Contains(string(said), want) {
			t.Errorf("%v: %v\n%s, want %q", args, err, said, want)
		}
	}
}

// TestCompiledForAnother has the files of one in the folder of another.
func TestCompiledForAnother(t *testing.T) {
	folder := t.TempDir()
	if err := os.Symlink(filepath.Join(binaries(t), "linux_arm64"), filepath.Join(folder, "linux_amd64")); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"linux_amd64/libmeltemi.so: it is for EM_AARCH64, not for amd64": {"library", "--platform", "linux/amd64"},
		"linux_arm64/libmeltemi.so: no such file":                        {"library", "--platform", "linux/arm64"},
	} {
		_, err := execute(t, t.TempDir(), append(args, "--binaries", folder)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
