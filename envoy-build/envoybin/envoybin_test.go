package envoybin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// script writes an executable that prints a line.
func script(t *testing.T, line string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "envoy")
	text := "#!/bin/sh\necho '" + line + "'\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheck(t *testing.T) {
	tests := map[string]struct {
		path, want string
	}{
		"fit":       {script(t, "envoy  version: 0a1b/1.41.2/Clean/RELEASE/BoringSSL"), ""},
		"too old":   {script(t, "envoy  version: 0a1b/1.38.9/Clean/RELEASE/BoringSSL"), "Envoy 1.38.9 is too old: Meltemi needs 1.39.0 or newer"},
		"no Envoy":  {script(t, "hello"), `is not an Envoy: --version says "hello"`},
		"a program": {"/bin/true", "is not an Envoy"},
		"nothing":   {filepath.Join(t.TempDir(), "none"), "cannot be run as an Envoy"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Check(t.Context(), tt.path)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var unfit *UnfitError
			if !errors.As(err, &unfit) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestBinaryWithoutDynamicModules(t *testing.T) {
	if name, known := missingCallback("/bin/true"); !known || name == "" {
		t.Errorf("/bin/true has all callbacks: %q, %t", name, known)
	}
}

func TestFindNamesTheWaysOut(t *testing.T) {
	t.Setenv(Variable, "")
	t.Setenv("PATH", t.TempDir())
	_, err := Find(t.Context(), "", "")
	if err == nil || !strings.Contains(err.Error(), "make envoy") {
		t.Errorf("got %v", err)
	}
	t.Setenv(Variable, script(t, "envoy  version: 0a1b/1.40.0/Clean/RELEASE/BoringSSL"))
	b, err := Find(t.Context(), "", "")
	if err != nil || b.Version != (Version{1, 40, 0}) {
		t.Errorf("got %+v, %v", b, err)
	}
}
