package compose

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// write writes files into a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReplacements(t *testing.T) {
	dir := write(t, map[string]string{
		"a/go.mod": `module example.com/a

replace (
	github.com/meltemi-mesh/meltemi => ../somewhere
	example.com/b => ../elsewhere
	example.com/dep => ../dep
	example.com/fork v1.0.0 => example.com/ours v1.0.1
)
`,
		"b/go.mod": "module example.com/b\n\nreplace example.com/dep => ../dep\n",
	})
	o := &Options{Host: &Hosts()[0], Add: []Addition{
		{Package: "example.com/a", Module: "example.com/a", Folder: filepath.Join(dir, "a")},
		{Package: "example.com/b", Module: "example.com/b", Folder: filepath.Join(dir, "b")},
		{Package: "example.com/c", Version: "v1.0.0"},
	}}
	want := "\nreplace example.com/dep => \"" + filepath.Join(dir, "dep") + "\"\n\nreplace example.com/fork v1.0.0 => \"example.com/ours\" v1.0.1\n"
	if got, err := o.replacements(); err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

// TestModulesAreBuiltAsTheyWereTested has a module with a dependency beside it, and one
// whose go.sum says that another dependency has been tampered with.
func TestModulesAreBuiltAsTheyWereTested(t *testing.T) {
	here, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	for want, files := range map[string]map[string]string{
		"package example.com/m: filter " + strconv.Itoa(len((*Options).OwnFilters(nil))) + " has no name or no constructor": {
			"m/go.mod":   "module example.com/m\n\ngo 1.26.0\n\nrequire example.com/dep v0.0.0\n\nreplace example.com/dep => ../dep\n",
			"m/m.go":     "package m\n\nimport \"example.com/dep\"\n\nvar Definition = dep.Incomplete\n",
			"dep/go.mod": "module example.com/dep\n\ngo 1.26.0\n",
			"dep/dep.go": "package dep\n\nimport \"github.com/meltemi-mesh/meltemi/sdk/filter\"\n\nfunc Incomplete() (d filter.Definition) { return d }\n",
		},
		"checksum mismatch": {
			"m/go.mod": "module example.com/m\n\ngo 1.26.0\n\nrequire golang.org/x/mod v0.41.0\n",
			"m/go.sum": "golang.org/x/mod v0.41.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
			"m/m.go":   "package m\n\nimport \"golang.org/x/mod/semver\"\n\nfunc Definition() string { return semver.Major(\"v1.0.0\") }\n",
		},
	} {
		dir := write(t, files)
		a, err := ParseAddition(filepath.Join(dir, "m"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Build(t.Context(), &Options{Host: &Hosts()[0], SDK: here, Add: []Addition{a}, Output: filepath.Join(dir, "x.so"), Log: io.Discard})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
