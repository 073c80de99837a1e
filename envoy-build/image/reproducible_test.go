package main

import (
	"crypto/sha256"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// TestTwoBuildsAreEqual compiles a copy of the sources in another folder, without git,
// packs both, and compares each file: programs, libraries, layers, configurations,
// indices, bills of materials, archives, hashes.
func TestTwoBuildsAreEqual(t *testing.T) {
	checkout := t.TempDir()
	copySources(t, root(t), checkout)
	again := t.TempDir()
	if err := compileAll(checkout, again); err != nil {
		t.Fatal(err)
	}
	base := startRegistry(t) + "/istio/proxyv2:1.31.0"
	pushIndex(t, base, textImage(t, "amd64", v1.Config{}), textImage(t, "arm64", v1.Config{}))
	var results []map[string][32]byte
	for _, folder := range []string{binaries(t), again} {
		out := t.TempDir()
		for _, args := range [][]string{{"library"}, {"proxy", base}, {"controller", "--platform", "linux/amd64"}, {"archives", "--platform", "linux/amd64"}} {
			mustExecute(t, out, append(args, "--binaries", folder)...)
		}
		hashes := hashesOf(t, out)
		maps.Copy(hashes, hashesOf(t, folder))
		results = append(results, hashes)
	}
	if len(results[0]) < 30 {
		t.Fatalf("there are %d files: the test looks at the wrong thing", len(results[0]))
	}
	for name, hash := range results[0] {
		if results[1][name] != hash {
			t.Errorf("%s differs, or is not there", name)
		}
	}
	if len(results[0]) != len(results[1]) {
		t.Errorf("the second build has %v", slices.Sorted(maps.Keys(results[1])))
	}
}

// hashesOf are the hashes of all files below a folder.
func hashesOf(t *testing.T, folder string) map[string][32]byte {
	t.Helper()
	hashes := map[string][32]byte{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		hashes[strings.TrimPrefix(path, folder)] = sha256.Sum256(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hashes
}

// copySources copies a checkout but for what is made in it.
func copySources(t *testing.T, from, into string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch target := filepath.Join(into, relative); {
		case slices.Contains([]string{".git", ".cache", "bin", "dist"}, relative) && d.IsDir():
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o700)
		case !d.Type().IsRegular() || relative == ".git": // a link, or a worktree
			return nil
		default:
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			return os.WriteFile(target, text, info.Mode())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
