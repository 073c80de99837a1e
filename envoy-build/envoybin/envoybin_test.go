package envoybin

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script writes an executable shell script into a folder of its own.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "envoy")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// claims is a script that prints the version line of an Envoy.
func claims(t *testing.T, version string) string {
	t.Helper()
	return script(t, "echo 'envoy  version: 0a1b/"+version+"/Clean/RELEASE/BoringSSL'")
}

// compiled builds a program that prints the version line: a binary without dynamic
// modules.
func compiled(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	program := `package main

func main() { println("envoy  version: 0a1b/` + version + `/Clean/RELEASE/BoringSSL") }
`
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "envoy")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func TestCheckRefuses(t *testing.T) {
	notExecutable := filepath.Join(t.TempDir(), "envoy")
	if err := os.WriteFile(notExecutable, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path, want string
	}{
		"too old":           {claims(t, "1.38.9"), "Envoy 1.38.9 is too old: Meltemi needs 1.39.0 or newer"},
		"no modules":        {compiled(t, "1.39.3"), "Envoy 1.39.3 was built without the dynamic modules that Meltemi needs"},
		"not an Envoy":      {script(t, "echo hello; echo there"), `is not an Envoy: --version says "hello"`},
		"another program":   {"/bin/true", "is not an Envoy"},
		"fails":             {script(t, "exit 7"), "cannot be run as an Envoy: exit status 7"},
		"endless output":    {script(t, "while :; do echo nonsense nonsense nonsense; [ $((i += 1)) -lt 5000 ] || exit 0; done"), `says "nonsense nonsense nonsense"`},
		"not there":         {filepath.Join(t.TempDir(), "none"), "no such file"},
		"not on PATH":       {"envoy-that-is-not-there", "executable file not found"},
		"a folder":          {t.TempDir(), "is a directory"},
		"not executable":    {notExecutable, "permission denied"},
		"impossible number": {claims(t, "1.99999999999999999999.0"), "out of range"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := Check(t.Context(), tt.path)
			unfit, ok := errors.AsType[*UnfitError](err)
			if !ok || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %+v, %v, want an UnfitError with %q", b, err, tt.want)
			}
			if unfit.Path != tt.path {
				t.Errorf("the error names %q, not %q", unfit.Path, tt.path)
			}
		})
	}
}

func TestCheckAcceptsAScriptByItsVersion(t *testing.T) {
	for _, version := range []Version{{1, 39, 0}, {1, 41, 2}, {2, 0, 0}} {
		path := claims(t, version.String())
		b, err := Check(t.Context(), path)
		if err != nil || *b != (Binary{path, version}) {
			t.Errorf("got %+v, %v", b, err)
		}
	}
}

func TestErrorUnwraps(t *testing.T) {
	_, err := Check(t.Context(), filepath.Join(t.TempDir(), "none"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	// The script's child keeps the output open after the script is killed.
	_, err := Check(ctx, script(t, "sleep 10"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestFindOrder takes the places away one by one, best first.
func TestFindOrder(t *testing.T) {
	flag := claims(t, "1.39.1")
	variable := claims(t, "1.39.2")
	cache := t.TempDir()
	fetched := filepath.Join(cache, Default, "envoy")
	if err := os.MkdirAll(filepath.Dir(fetched), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(claims(t, "1.39.3"), fetched); err != nil {
		t.Fatal(err)
	}
	onPath := claims(t, "1.39.4")
	t.Setenv(Variable, variable)
	t.Setenv("PATH", filepath.Dir(onPath))

	find := func(path, cache, want string) {
		t.Helper()
		if b, err := Find(t.Context(), path, cache); err != nil || b.Path != want {
			t.Errorf("found %+v, %v, want %s", b, err, want)
		}
	}
	find(flag, cache, flag)
	find("", cache, variable)
	t.Setenv(Variable, "")
	find("", cache, fetched)
	find("", "", onPath)
	find("", t.TempDir(), onPath)
	find("envoy", cache, onPath) // a bare name is looked for on PATH

	t.Setenv("PATH", t.TempDir())
	_, err := Find(t.Context(), "", "")
	unfit, ok := errors.AsType[*UnfitError](err)
	if !ok || unfit.Path != "" || !strings.Contains(err.Error(), "make envoy") {
		t.Errorf("got %v", err)
	}
}

func TestFindDoesNotPassOverWhatIsNamed(t *testing.T) {
	t.Setenv("PATH", filepath.Dir(claims(t, "1.40.0")))
	t.Setenv(Variable, claims(t, "1.20.0"))
	if b, err := Find(t.Context(), "", ""); err == nil {
		t.Errorf("found %+v", b)
	}
}
