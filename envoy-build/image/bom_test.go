package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// bomSchema is CycloneDX's own schema, which knows SPDX's names of licences too.
func bomSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	for file, names := range map[string][]string{
		"bom-1.6.schema.json": {"bom-1.6.schema.json"}, "spdx.schema.json": {"spdx.schema.json"}, "jsf-0.82.schemax.json": {"jsf-0.82.schema.json"},
	} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "schema", file))
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := compiler.AddResource("http://cyclonedx.org/schema/"+name, document); err != nil {
				t.Fatal(err)
			}
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// checkBOM compares a bill of materials with the schema, with compiled files, and with
// what the go command says of them.
func checkBOM(t *testing.T, text []byte, platform string, names []string) {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := bomSchema(t).Validate(document); err != nil {
		t.Errorf("%v", err)
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(text), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	components := map[string]cdx.Component{}
	for _, c := range *bom.Components {
		components[c.BOMRef] = c
		if c.Licenses == nil || len(*c.Licenses) == 0 {
			t.Errorf("%s has no licence", c.BOMRef)
		}
	}
	uses := map[string][]string{}
	for _, d := range *bom.Dependencies {
		uses[d.Ref] = *d.Dependencies
	}
	all := map[string]bool{}
	for _, name := range names {
		path := filepath.Join(binaries(t), strings.ReplaceAll(platform, "/", "_"), name)
		want := fmt.Sprintf("%x", sha256.Sum256(readFile(t, path)))
		if hashes := components["file:"+name].Hashes; hashes == nil || (*hashes)[0] != (cdx.Hash{Algorithm: cdx.HashAlgoSHA256, Value: want}) {
			t.Errorf("%s has hash %v", name, hashes)
		}
		all["file:"+name] = true
		modules := modulesOf(t, path)
		if got := uses["file:"+name]; !slices.Equal(slices.Sorted(slices.Values(got)), modules) {
			t.Errorf("%s uses %v, and the go command says %v", name, got, modules)
		}
		for _, m := range modules {
			all[m] = true
			if purl := components[m].PackageURL; purl != m {
				t.Errorf("the component of %s is %q", m, purl)
			}
		}
	}
	if len(components) != len(all) {
		t.Errorf("%d components, want %d", len(components), len(all))
	}
}

// modulesOf asks the go command which modules a file has in it.
func modulesOf(t *testing.T, path string) []string {
	t.Helper()
	out, err := exec.Command("go", "version", "-m", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i, line := range strings.Split(string(out), "\n") {
		fields := strings.Fields(line)
		switch {
		case i == 0:
			all = append(all, "pkg:golang/std@"+strings.TrimPrefix(fields[len(fields)-1], "go"))
		case len(fields) == 4 && fields[0] == "dep":
			all = append(all, "pkg:golang/"+fields[1]+"@"+fields[2])
		}
	}
	slices.Sort(all)
	return all
}

// TestIdentify takes licences of modules that this very test is made of.
func TestIdentify(t *testing.T) {
	folders, err := findGoFolders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		d    dependency
		want string
	}{
		{dependency{path: standard}, "BSD-3-Clause"},
		{dependency{path: "github.com/spf13/cobra", version: "v1.10.2"}, "Apache-2.0"},
		{dependency{path: "github.com/CycloneDX/cyclonedx-go", version: "v0.12.0"}, "Apache-2.0"}, // a NOTICE beside it
		{dependency{path: "golang.org/x/mod", version: "v0.41.0"}, "BSD-3-Clause"},                // PATENTS beside it
	} {
		notices, err := folders.notices(test.d)
		if err != nil {
			t.Fatal(err)
		}
		if got := identify(notices); !slices.Equal(got, []string{test.want}) {
			t.Errorf("%s: %v", test.d.path, got)
		}
	}
	mit := notice{"LICENSE", []byte("Permission is hereby granted to look at this text, and at nothing else.")}
	if got := identify([]notice{mit}); len(got) != 0 {
		t.Errorf("a licence that nobody knows is %v", got)
	}
	if _, err := folders.notices(dependency{path: "example.com/none", version: "v1.0.0"}); err == nil {
		t.Error("a module that is not there has licences")
	}
	if notices, err := folders.notices(dependency{path: "example.com/ours", folder: root(t)}); err != nil || !slices.Equal(identify(notices), []string{"Apache-2.0"}) {
		t.Errorf("a folder: %v, %v", notices, err)
	}
	own := goFolders{modules: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(own.modules, "example.com", "!bare@v1.0.0"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := own.noticesOf([]dependency{{path: "example.com/Bare", version: "v1.0.0"}}); err == nil || err.Error() != "example.com/Bare v1.0.0: it has no file with its licence" {
		t.Errorf("a module without a licence: %v", err)
	}
}

func TestPurl(t *testing.T) {
	for want, d := range map[string]dependency{
		"pkg:golang/std@1.26.8":                                   {path: standard, version: "go1.26.8"},
		"pkg:golang/github.com/docker/cli@v29.7.2%2Bincompatible": {path: "github.com/docker/cli", version: "v29.7.2+incompatible"},
	} {
		if got := d.purl(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
