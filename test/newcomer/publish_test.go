package newcomer

import (
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const path = "github.com/meltemi-mesh/meltemi"

// publish puts the repository's module into a folder as a module proxy has it, makes the
// go command ask there first, and returns its version. The version is new each time: the
// go command keeps what it has fetched.
func publish(t *testing.T) string {
	t.Helper()
	var unique [6]byte
	_, _ = rand.Read(unique[:])
	version := module.Version{Path: path, Version: fmt.Sprintf("v0.0.1-test.x%x", unique)}
	proxy := t.TempDir()
	dir := filepath.Join(proxy, filepath.FromSlash(path), "@v")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"list": version.Version + "\n", version.Version + ".mod": string(mod),
		version.Version + ".info": fmt.Sprintf(`{"Version": %q}`, version.Version),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := os.Create(filepath.Join(dir, version.Version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if err := zip.Create(archive, version, sources(t)); err != nil {
		t.Fatal(err)
	}
	upstream, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOPROXY", "file://"+proxy+","+strings.TrimSpace(string(upstream)))
	t.Setenv("GONOSUMDB", path)
	t.Cleanup(func() { forget(t, version) })
	return version.Version
}

// sources are the files of the module, without those of the modules in it.
func sources(t *testing.T) (files []zip.File) {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "--", ":!test")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSuffix(name, "\n")
		if _, err := os.Stat(filepath.Join(root(t), name)); err == nil {
			files = append(files, source{root(t), name})
		}
	}
	return files
}

// source is a file of the module.
type source struct{ root, name string }

func (s source) Path() string                 { return s.name }
func (s source) Lstat() (fs.FileInfo, error)  { return os.Lstat(filepath.Join(s.root, s.name)) }
func (s source) Open() (io.ReadCloser, error) { return os.Open(filepath.Join(s.root, s.name)) }

// forget removes what the go command has kept of the version.
func forget(t *testing.T, version module.Version) {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Error(err)
		return
	}
	cache := strings.TrimSpace(string(out))
	unpacked := filepath.Join(cache, path+"@"+version.Version)
	_ = filepath.WalkDir(unpacked, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(p, 0o700) // the go command writes it read-only
		}
		return err
	})
	kept, _ := filepath.Glob(filepath.Join(cache, "cache", "download", path, "@v", version.Version+".*"))
	for _, p := range append(kept, unpacked) {
		if err := os.RemoveAll(p); err != nil {
			t.Error(err)
		}
	}
}
