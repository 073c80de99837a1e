package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/machine"
)

// TestVersionsAreDocumented compares the versions that tests run with those that
// docs/versions.md names.
func TestVersionsAreDocumented(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(read(t, "docs/versions.md"), "\n## What was tested\n")
	section, _, found := strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("docs/versions.md has no section on what was tested")
	}
	var versions []string
	envoys, err := filepath.Glob(filepath.Join(machine.Root(t), "envoy-build", "requirements-*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range envoys {
		versions = append(versions, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "requirements-"), ".txt"))
	}
	parts, err := os.ReadDir(filepath.Join(machine.Root(t), "test", "mesh", "parts"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if !part.IsDir() {
			continue
		}
		pin := regexp.MustCompile(`(?m)^require \S+ v(\S+)$`).FindStringSubmatch(read(t, filepath.Join("test", "mesh", "parts", part.Name(), "go.mod")))
		if pin == nil {
			t.Fatalf("%s pins nothing", part.Name())
		}
		version := pin[1]
		if pseudo := regexp.MustCompile(`\d{14}-([0-9a-f]{12})$`).FindStringSubmatch(version); pseudo != nil {
			version = pseudo[1] // the commit
		}
		versions = append(versions, version)
	}
	if len(versions) < 6 {
		t.Errorf("found the versions %q only", versions)
	}
	for _, version := range versions {
		if !strings.Contains(section, version) {
			t.Errorf("%s is run, and not told", version)
		}
	}
}
