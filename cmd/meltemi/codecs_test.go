package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/compose"
)

// TestEveryCodecIsCarried compares the codecs of this program, of the shared library, and
// of the libraries that `meltemi build` builds, with those that there are.
func TestEveryCodecIsCarried(t *testing.T) {
	folders, err := filepath.Glob("../../codecs/*")
	if err != nil {
		t.Fatal(err)
	}
	var codecs []string
	for _, folder := range folders {
		codecs = append(codecs, filepath.Base(folder))
	}
	library, err := os.ReadFile("../libmeltemi/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, carried := range map[string][]string{
		"builtinCodecs": codecNames(builtinCodecs()), "compose": (*compose.Options).Own(nil), "cmd/libmeltemi": definitions(string(library)),
	} {
		if got, want := strings.Join(carried, " "), strings.Join(codecs, " "); got != want {
			t.Errorf("%s carries %q, there are %q", name, got, want)
		}
	}
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
