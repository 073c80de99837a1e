package moduleinfo

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestWasm puts a description into a module that the Go toolchain has made.
func TestWasm(t *testing.T) {
	dir := t.TempDir()
	source, module := filepath.Join(dir, "main.go"), filepath.Join(dir, "m.wasm")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", module, source)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := Read(module); !errors.Is(err, ErrNone) {
		t.Errorf("%v", err)
	}
	info, err := Describe([]sdk.Definition{testcodec.Definition()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	if err := AddToWasm(module, text); err != nil {
		t.Fatal(err)
	}
	got, err := Read(module)
	if err != nil || got.Names()[0] != "toy" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWasmRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.wasm")
	for sections, want := range map[string]string{
		"":                         ErrNone.Error(),
		"\x00\x02\x01x":            ErrNone.Error(), // another's
		"\x00\x0f\x01x":            ErrNone.Error(), // ends too early
		"\x01":                     errWasm.Error(),
		"\x01\xff\xff\xff\xff\x7f": errWasm.Error(),
		"\x00\x90\x80\x80\x10" + string(sectionName): "are too many",
		"\x00\x20" + string(sectionName):             "EOF",
		"\x00\x10" + string(sectionName):             "unexpected end of JSON",
	} {
		if err := os.WriteFile(path, []byte(wasmMagic+sections), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", sections, err, want)
		}
	}
	if err := AddToWasm(path, nil); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("#!"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := AddToWasm(path, nil); !errors.Is(err, errWasm) {
		t.Errorf("%v", err)
	}
}
