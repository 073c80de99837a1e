package supervisor

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	write := func(t *testing.T, path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(t *testing.T, path string){
		"written": func(t *testing.T, path string) {
			t.Helper()
			write(t, path, "new")
		},
		"replaced": func(t *testing.T, path string) {
			t.Helper()
			write(t, path+"~", "new")
			if err := os.Rename(path+"~", path); err != nil {
				t.Fatal(err)
			}
		},
		"written where it links to": func(t *testing.T, path string) {
			t.Helper()
			target, err := filepath.EvalSymlinks(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, target, "new")
		},
	} {
		t.Run(name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "target.yaml")
			path := filepath.Join(t.TempDir(), "mesh.yaml")
			write(t, target, "old")
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			seen := make(chan struct{}, 1)
			watcher, err := watch(path, func() { notify(seen) })
			if err != nil {
				t.Fatal(err)
			}
			defer watcher.Close()
			change(t, path)
			select {
			case <-seen:
			case <-time.After(10 * time.Second):
				t.Error("the change was not seen")
			}
		})
	}
}

func TestWatchOfMissingFolder(t *testing.T) {
	if _, err := watch(filepath.Join(t.TempDir(), "none", "mesh.yaml"), func() {}); err == nil {
		t.Error("no error")
	}
}
