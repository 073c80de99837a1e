package main

import (
	"debug/elf"
	"maps"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestLibraryForArm64 compares the library for arm64, which cannot be run here, with the
// one for amd64, which can: what it exports to Envoy, what it wants of it, what it tells
// of itself.
func TestLibraryForArm64(t *testing.T) {
	arm := openLibrary(t, "arm64")
	amd := openLibrary(t, "amd64")
	if arm.Machine != elf.EM_AARCH64 || arm.Type != elf.ET_DYN || arm.Class != elf.ELFCLASS64 || arm.Data != elf.ELFDATA2LSB {
		t.Errorf("%v", arm.FileHeader)
	}
	want := symbols(t, amd)
	if len(want) < 100 {
		t.Fatalf("there are %d symbols of Envoy's: the test looks at the wrong thing", len(want))
	}
	if got := symbols(t, arm); !maps.Equal(got, want) {
		t.Errorf("symbols %v, want %v", got, want)
	}
	out, err := exec.Command(filepath.Join(binaries(t), "linux_"+runtime.GOARCH, commandFile), "codecs", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*elf.File{arm, amd} {
		section := f.Section(".meltemi.codecs")
		if section == nil || section.Flags&elf.SHF_ALLOC != 0 {
			t.Fatalf("%v: section %+v", f.Machine, section)
		}
		if text, err := section.Data(); err != nil || string(text) != string(out) {
			t.Errorf("%v: it carries %s, %v, and the command line %s", f.Machine, text, err, out)
		}
	}
}

// symbols are the functions that a library has for Envoy and wants of it, each with what
// it is: wanted or defined, weak or not.
func symbols(t *testing.T, f *elf.File) map[string]string {
	t.Helper()
	list, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, s := range list {
		if strings.HasPrefix(s.Name, "envoy_dynamic_module_") {
			all[s.Name] = elf.ST_BIND(s.Info).String() + " " + strconv.FormatBool(s.Section != elf.SHN_UNDEF)
		}
	}
	return all
}

// TestLibraryRunsOnOldGlibc holds what docs/images.md promises: Envoy's own images are of
// Ubuntu 22.04, with glibc 2.35. And Envoy's callbacks are resolved when they are called.
func TestLibraryRunsOnOldGlibc(t *testing.T) {
	for _, architecture := range []string{"amd64", "arm64"} {
		f := openLibrary(t, architecture)
		imported, err := f.ImportedSymbols()
		if err != nil {
			t.Fatal(err)
		}
		versions := 0
		for _, s := range imported {
			version, ok := strings.CutPrefix(s.Version, "GLIBC_2.")
			if !ok {
				continue
			}
			versions++
			minor, err := strconv.ParseFloat(version, 64)
			if err != nil || minor > 35 {
				t.Errorf("%s: %s is of %s", architecture, s.Name, s.Version)
			}
		}
		if versions == 0 {
			t.Errorf("%s: no symbol of glibc was found", architecture)
		}
		flags, err := f.DynValue(elf.DT_FLAGS)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range flags {
			if elf.DynFlag(value)&elf.DF_BIND_NOW != 0 {
				t.Errorf("%s: all symbols are resolved at once", architecture)
			}
		}
	}
}

func openLibrary(t *testing.T, architecture string) *elf.File {
	t.Helper()
	f, err := elf.Open(filepath.Join(binaries(t), "linux_"+architecture, libraryFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}
