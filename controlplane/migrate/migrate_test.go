package migrate_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/meltemi-mesh/meltemi/controlplane/migrate"
)

// TestTwice migrates what was migrated: there is nothing left to do.
func TestTwice(t *testing.T) {
	made, err := filepath.Glob("testdata/*.out.yaml")
	if err != nil || len(made) == 0 {
		t.Fatalf("nothing was made: %v", err)
	}
	for _, file := range made {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var in migrate.Input
		if err := in.Read(file, bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
		result, err := migrate.Migrate(&in, migrate.Options{Codecs: codecs})
		if err != nil || len(result.Manifests) > 0 {
			t.Errorf("%s: %d manifests, error %v", file, len(result.Manifests), err)
		}
	}
}

// FuzzMigrate: whatever the input, there is no panic, and what is made can be read.
func FuzzMigrate(f *testing.F) {
	cases, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(cases) == 0 {
		f.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		var in migrate.Input
		_ = in.Read("in", bytes.NewReader(content))
		result, _ := migrate.Migrate(&in, migrate.Options{Codecs: codecs})
		for _, m := range result.Manifests {
			var again migrate.Input
			if err := again.Read("out", bytes.NewReader(m.Text)); err != nil {
				t.Errorf("%v in\n%s", err, m.Text)
			}
		}
	})
}
