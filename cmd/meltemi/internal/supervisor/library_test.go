package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// empty makes an empty file and returns its path.
func empty(t *testing.T, elements ...string) string {
	t.Helper()
	path := filepath.Join(elements...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindLibrary(t *testing.T) {
	named, other := empty(t, t.TempDir(), "named.so"), empty(t, t.TempDir(), "other.so")
	t.Chdir(t.TempDir())
	t.Setenv(LibraryVariable, "")
	if got, err := FindLibrary(""); got != "" || err != nil {
		t.Errorf("without a library: %q, %v", got, err)
	}
	empty(t, "bin", libraryName)
	if got, err := FindLibrary(""); err != nil || !filepath.IsAbs(got) || !strings.HasSuffix(got, filepath.Join("bin", libraryName)) {
		t.Errorf("in ./bin: %q, %v", got, err)
	}
	t.Setenv(LibraryVariable, other)
	if got, err := FindLibrary(""); got != other || err != nil {
		t.Errorf("by the variable: %q, %v", got, err)
	}
	if got, err := FindLibrary(named); got != named || err != nil {
		t.Errorf("by name: %q, %v", got, err)
	}
	if _, err := FindLibrary("missing.so"); err == nil {
		t.Error("a library that was named and is missing is no error")
	}
	if _, err := FindLibrary("bin"); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
}

func TestSearchPathLinksOtherNames(t *testing.T) {
	folder := t.TempDir()
	library := empty(t, t.TempDir(), libraryName)
	if got, err := searchPath(library, folder); err != nil || got != filepath.Dir(library) {
		t.Errorf("got %q, %v; want the library's own folder", got, err)
	}
	odd := empty(t, t.TempDir(), "odd.so")
	got, err := searchPath(odd, folder)
	if err != nil || got != folder {
		t.Fatalf("got %q, %v; want the private folder", got, err)
	}
	if target, err := filepath.EvalSymlinks(filepath.Join(folder, libraryName)); err != nil || filepath.Base(target) != "odd.so" {
		t.Errorf("the link leads to %q, %v", target, err)
	}
}
