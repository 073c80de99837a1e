package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestReplacedByAFolder compiles a program as `meltemi build` compiles a library: with a
// module whose sources go.mod names.
func TestReplacedByAFolder(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "quota")
	for name, text := range map[string]string{
		"main/go.mod":    "module composed\n\nrequire example.com/quota v0.0.0\n\nreplace example.com/quota => " + folder + "\n",
		"main/main.go":   "package main\n\nimport _ \"example.com/quota\"\n\nfunc main() {}\n",
		"quota/go.mod":   "module example.com/quota\n",
		"quota/quota.go": "package quota\n",
		"quota/LICENSE":  string(readFile(t, filepath.Join(root(t), "LICENSE"))),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "linux_"+runtime.GOARCH, "composed")
	build := exec.Command("go", "build", "-trimpath", "-o", program, ".")
	build.Dir = filepath.Join(dir, "main")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	uses, err := dependenciesOf(program)
	if err != nil {
		t.Fatal(err)
	}
	want := []dependency{{path: standard, version: runtime.Version()}, {path: "example.com/quota", version: "v0.0.0", folder: folder}}
	if !slices.Equal(uses, want) {
		t.Fatalf("%+v, want %+v", uses, want)
	}
	r := &release{version: testVersion, date: testDate, root: root(t)}
	if r.folders, err = findGoFolders(t.Context()); err != nil {
		t.Fatal(err)
	}
	files := []file{{"composed", program, uses}}
	if _, err := r.entries(files); err != nil {
		t.Error(err)
	}
	text, err := r.bom("composed", files)
	if err != nil || !strings.Contains(string(text), `"pkg:golang/example.com/quota@v0.0.0"`) || strings.Contains(string(text), dir) {
		t.Errorf("%v\n%s", err, text)
	}
	if err := os.Remove(filepath.Join(folder, "LICENSE")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.entries(files); err == nil || err.Error() != "example.com/quota v0.0.0: it has no file with its licence" {
		t.Errorf("without a licence: %v", err)
	}
}
