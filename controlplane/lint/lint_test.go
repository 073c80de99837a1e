package lint_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/controlplane/library"
	"github.com/meltemi-mesh/meltemi/controlplane/lint"
	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

var update = flag.Bool("update", false, "write what is made into testdata")

func options(tb testing.TB) translate.Options {
	tb.Helper()
	known, err := library.Parse(library.Builtin)
	if err != nil {
		tb.Fatal(err)
	}
	var o translate.Options
	known.Options(&o)
	o.Filters = []string{"arguments"}
	return o
}

func read(tb testing.TB, name string, content []byte) (*manifest.Reader, error) {
	tb.Helper()
	r, err := manifest.NewReader()
	if err != nil {
		tb.Fatal(err)
	}
	return r, r.Read(name, bytes.NewReader(content))
}

// TestLint compares the findings about each testdata/CASE.in.yaml with CASE.out.txt.
func TestLint(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	seen := map[lint.Code]bool{}
	for _, in := range cases {
		name := strings.TrimSuffix(filepath.Base(in), ".in.yaml")
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			r, err := read(t, name+".in.yaml", content)
			if err != nil || len(r.Unknown) > 0 {
				t.Fatalf("error %v, unknown %v", err, r.Unknown)
			}
			var got strings.Builder
			for _, f := range lint.Lint(r, options(t)) {
				seen[f.Code] = true
				got.WriteString(f.String() + "\n")
			}
			golden(t, "testdata/"+name+".out.txt", got.String())
		})
	}
	for _, c := range lint.Codes {
		if !seen[c.Code] {
			t.Errorf("no case has a finding %s", c.Code)
		}
		delete(seen, c.Code)
	}
	if len(seen) > 0 {
		t.Errorf("not in the list: %v", seen)
	}
}

// TestPage compares the table in the page for people with Codes.
func TestPage(t *testing.T) {
	const page, begin, end = "../../docs/lint.md", "<!-- made of lint.Codes: go test ./controlplane/lint -update -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the table", page)
	}
	var table strings.Builder
	table.WriteString("\n| code | about |\n| --- | --- |\n")
	for _, c := range lint.Codes {
		table.WriteString("| `" + string(c.Code) + "` | " + c.About + " |\n")
	}
	golden(t, page, before+begin+table.String()+"\n"+end+after)
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./controlplane/lint -update)", err)
	}
	if string(want) != got {
		t.Errorf("%s differs (go test ./controlplane/lint -update); got:\n%s", file, got)
	}
}

// TestMigratedIsGood lints what migration makes of Aeraki's own examples: nothing in it
// waits for what no call has.
func TestMigratedIsGood(t *testing.T) {
	made, err := filepath.Glob("../migrate/testdata/*.out.yaml")
	if err != nil || len(made) == 0 {
		t.Fatalf("nothing was made: %v", err)
	}
	for _, file := range made {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := read(t, file, content)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range lint.Lint(r, options(t)) {
			if f.Severity == lint.Warning {
				continue // a note of the migration tells it
			}
			switch f.Code {
			case lint.SubsetMissing: // the case leaves the DestinationRule out
			case lint.Invalid, lint.Unsupported, lint.TargetNotFound, lint.NoBinding: // package migrate tests verdicts
			default:
				t.Error(f)
			}
		}
	}
}

// FuzzLint: whatever the input, there is no panic.
func FuzzLint(f *testing.F) {
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
	o := options(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		r, _ := read(t, "in", content)
		for _, finding := range lint.Lint(r, o) {
			if finding.Code == "" || finding.Message == "" || finding.Do == "" || finding.Field == "" {
				t.Errorf("unfinished: %#v", finding)
			}
		}
	})
}
