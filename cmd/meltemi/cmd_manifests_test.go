package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
)

// Inputs of the packages' own tests, in which several things are wrong.
const (
	migrateInput = "../../controlplane/migrate/testdata/wrong.in.yaml"
	lintInput    = "../../controlplane/lint/testdata/policies.in.yaml"
	goodInput    = "../../controlplane/lint/testdata/gateway.in.yaml"
)

func TestHelpOfManifestCommands(t *testing.T) {
	for _, name := range []string{"migrate", "lint", "translate"} {
		t.Run(name, func(t *testing.T) { golden(t, name+"_help", meltemi(t, "", name, "--help")) })
	}
}

func TestMigrateAndLint(t *testing.T) {
	golden(t, "migrate_wrong", meltemi(t, "", "migrate", "-f", migrateInput))
	golden(t, "lint_text", meltemi(t, "", "lint", "-f", lintInput))
	golden(t, "lint_json", meltemi(t, "", "lint", "-f", lintInput, "-o", "json"))
	if r := meltemi(t, "", "lint", "-f", "-", "-o", "json"); r.code != cli.Good || r.stdout != "{\n  \"findings\": []\n}\n" {
		t.Errorf("nothing to find: %+v", r)
	}
}

// TestLintOfMigrated reads what migrate printed.
func TestLintOfMigrated(t *testing.T) {
	content, err := os.ReadFile("../../controlplane/migrate/testdata/attributes.in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	migrated := meltemi(t, string(content), "migrate", "-f", "-")
	if migrated.code != cli.Good || migrated.stderr != "" {
		t.Fatalf("migrate: %+v", migrated)
	}
	rules := meltemi(t, string(content), "lint", "-f", "-")
	if rules.code != cli.Good {
		t.Errorf("lint knows Aeraki's kinds: %+v", rules)
	}
	rule := "---\napiVersion: networking.istio.io/v1alpha3\nkind: DestinationRule\nmetadata: {name: subsets}\n" +
		"spec: {host: org.apache.dubbo.samples.basic.api.demoservice, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}\n"
	if r := meltemi(t, migrated.stdout+rule, "lint", "-f", "-"); r.code != cli.Good || r.stdout != "" {
		t.Errorf("lint: %+v", r)
	}
	if r := meltemi(t, migrated.stdout, "lint", "-f", "-"); r.code != cli.Failed || !strings.Contains(r.stdout, "subset-missing") {
		t.Errorf("lint without subsets: %+v", r)
	}
}

func TestMigrateIntoAFolder(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "new")
	copyTo := func(name string) {
		content, err := os.ReadFile("../../controlplane/migrate/testdata/split.in.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(in, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(in, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	copyTo("a.yaml")
	if r := meltemi(t, "", "migrate", "-f", in, "-o", out); r.code != cli.Good || r.stdout != "" {
		t.Fatalf("%+v", r)
	}
	got, err := os.ReadFile(filepath.Join(out, "a.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../controlplane/migrate/testdata/split.out.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got\n%s", got)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(in, link); err != nil {
		t.Fatal(err)
	}
	if r := meltemi(t, "", "migrate", "-f", in, "-o", link); r.code != cli.Usage || !strings.Contains(r.stderr, "is a file of the input") {
		t.Errorf("by another path: %+v", r)
	}
	if r := meltemi(t, "", "migrate", "-f", in, "-o", in); r.code != cli.Usage || !strings.Contains(r.stderr, "is a file of the input") {
		t.Errorf("over the input: %+v", r)
	}
	copyTo("b/a.yaml")
	if r := meltemi(t, "", "migrate", "-f", in, "-o", out); r.code != cli.Usage || !strings.Contains(r.stderr, "would be one file") {
		t.Errorf("two of a name: %+v", r)
	}
}

// TestTranslatePrintsAllOrNothing has a document that cannot be read among good ones.
func TestTranslatePrintsAllOrNothing(t *testing.T) {
	good, err := os.ReadFile("../../controlplane/translate/testdata/service.in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if r := meltemi(t, string(good), "translate", "-f", "-"); r.code != cli.Good || !strings.Contains(r.stdout, "name: meltemi-outbound-20880") {
		t.Errorf("good: %+v", r)
	}
	if r := meltemi(t, string(good)+"---\nkind: [", "translate", "-f", "-"); r.code != cli.Failed || r.stdout != "" || !strings.Contains(r.stderr, "document 3") {
		t.Errorf("with a wrong one: %+v", r)
	}
	refused := strings.Replace(string(good), "name: dubbo}", "name: pigeon}", 1)
	if r := meltemi(t, refused, "translate", "-f", "-"); r.code != cli.Failed || !strings.Contains(r.stderr, "1 of 1 are not accepted") {
		t.Errorf("refused: %+v", r)
	}
}

func TestUsageOfManifestCommands(t *testing.T) {
	for _, args := range [][]string{
		{"migrate"},
		{"lint"},
		{"migrate", "-f", "nowhere"},
		{"lint", "-f", "nowhere"},
		{"lint", "-f", goodInput, "-o", "xml"},
		{"migrate", "-f", goodInput, "more"},
		{"lint", "-f", t.TempDir()},
		{"translate"},
		{"translate", "-f", "nowhere"},
		{"translate", "-f", goodInput, "more"},
		{"translate", "-f", goodInput, "--client-namespaces", ""},
	} {
		if r := meltemi(t, "", args...); r.code != cli.Usage {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

func TestCompletionOfManifestCommands(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"lint", "-o", ""}, "text\njson\n:4\n"},
		{[]string{"lint", "-f", ""}, "yaml\nyml\njson\n:8\n"}, // files of these kinds
		{[]string{"migrate", "-f", ""}, "yaml\nyml\njson\n:8\n"},
		{[]string{"migrate", "-o", ""}, ":16\n"}, // folders
		{[]string{"migrate", ""}, ":4\n"},
	} {
		r := meltemi(t, "", append([]string{"__complete"}, test.args...)...)
		if r.code != cli.Good || !strings.HasSuffix(r.stdout, test.want) {
			t.Errorf("%q: got %q, want %q at the end", test.args, r.stdout, test.want)
		}
	}
}
