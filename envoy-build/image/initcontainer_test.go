package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// unpackImage unpacks the files of an image into a folder, as a container's root.
func unpackImage(t *testing.T, image v1.Image) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("only root can run a program in a root of its own")
	}
	dir := t.TempDir()
	content := mutate.Extract(image)
	defer func() { _ = content.Close() }()
	untar := exec.Command("tar", "-x", "-C", dir)
	untar.Stdin = content
	if out, err := untar.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// TestInitContainer runs the library's image as Kubernetes does: its entry point with its
// arguments, as its user, with an empty volume.
func TestInitContainer(t *testing.T) {
	host := startRegistry(t)
	mustExecute(t, t.TempDir(), "library", "--platform", "linux/amd64", "--push", host)
	index, _ := pull(t, host+"/meltemi-library:"+testVersion)
	image := platforms(t, index)["linux/amd64"]
	dir := unpackImage(t, image)
	config := configOf(t, image).Config

	run := func() (string, error) {
		cmd := exec.Command(config.Entrypoint[0], append(config.Entrypoint[1:], config.Cmd...)...)
		cmd.Dir, cmd.Env = "/", []string{}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if said, err := run(); err == nil || !strings.Contains(said, "/var/lib/meltemi is not a folder: mount the volume there") {
		t.Errorf("without a volume: %v\n%s", err, said)
	}
	volume := filepath.Join(dir, "var", "lib", "meltemi")
	if err := os.MkdirAll(volume, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(volume, 0o777); err != nil { // as an emptyDir has it
		t.Fatal(err)
	}
	for range 2 { // a container may be started again
		if said, err := run(); err != nil || said != "installed /var/lib/meltemi/libmeltemi.so\n" {
			t.Fatalf("%v\n%s", err, said)
		}
	}
	if !bytes.Equal(readFile(t, filepath.Join(volume, "libmeltemi.so")), readFile(t, filepath.Join(dir, "libmeltemi.so"))) {
		t.Error("the volume has another library")
	}
}
