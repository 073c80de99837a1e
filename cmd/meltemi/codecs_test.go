package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/compose"
)

// TestAllIsCarried compares the codecs and filters of this program, of the shared
// library, and of the libraries that `meltemi build` builds, with those that there are.
func TestAllIsCarried(t *testing.T) {
	there := append(folders(t, "../../codecs/*"), folders(t, "../../filters/*")...)
	library, err := os.ReadFile("../libmeltemi/main.go")
	if err != nil {
		t.Fatal(err)
	}
	builtin := codecNames(builtinCodecs())
	for _, d := range builtinFilters() {
		builtin = append(builtin, d.Name)
	}
	for name, carried := range map[string][]string{
		"this program": builtin, "cmd/libmeltemi": definitions(string(library)),
		"compose": append((*compose.Options).Own(nil), (*compose.Options).OwnFilters(nil)...),
	} {
		if got, want := strings.Join(carried, " "), strings.Join(there, " "); got != want {
			t.Errorf("%s carries %q, there are %q", name, got, want)
		}
	}
}

// folders are the names of the folders that match a pattern.
func folders(t *testing.T, pattern string) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return names
}

// definitions are the packages whose Definition a source calls.
func definitions(source string) (packages []string) {
	for _, piece := range strings.SplitAfter(source, ".Definition()") {
		if before, ok := strings.CutSuffix(piece, ".Definition()"); ok {
			packages = append(packages, before[strings.LastIndexAny(before, " \t(,")+1:])
		}
	}
	return packages
}
