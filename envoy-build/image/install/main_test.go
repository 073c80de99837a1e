package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestInstallReplacesInOneStep holds the old library open, as an Envoy does.
func TestInstallReplacesInOneStep(t *testing.T) {
	from, into := t.TempDir(), t.TempDir()
	write(t, filepath.Join(from, library), "new")
	write(t, filepath.Join(into, library), "old")
	old, err := os.Open(filepath.Join(into, library))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }()

	target, err := install(from, into)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(target); err != nil || string(text) != "new" {
		t.Errorf("%s has %q, %v", target, text, err)
	}
	if info, err := os.Stat(target); err != nil || info.Mode() != 0o755 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	loaded := make([]byte, 3)
	if _, err := old.Read(loaded); err != nil || string(loaded) != "old" {
		t.Errorf("who has loaded the library reads %q, %v", loaded, err)
	}
	if files, err := os.ReadDir(into); err != nil || len(files) != 1 {
		t.Errorf("files are left: %v, %v", files, err)
	}
}

func TestInstallRefuses(t *testing.T) {
	from, into := t.TempDir(), t.TempDir()
	for want, args := range map[string][]string{
		"usage: install FOLDER":                   {},
		"/none is not a folder: mount the volume": {filepath.Join(into, "none")},
		"libmeltemi.so: no such file":             {into},
	} {
		if err := run(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
	write(t, filepath.Join(from, library), "new")
	if _, err := install(from, filepath.Join(from, library)); err == nil || !strings.Contains(err.Error(), "is not a folder") {
		t.Errorf("a file as the folder: %v", err)
	}
	if files, err := os.ReadDir(into); err != nil || len(files) != 0 {
		t.Errorf("files are left: %v, %v", files, err)
	}
}
