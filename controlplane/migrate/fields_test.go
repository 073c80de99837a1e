package migrate_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/controlplane/migrate"
)

// TestFieldsAreAerakis compares the table with Aeraki's own proto files.
func TestFieldsAreAerakis(t *testing.T) {
	text, err := os.ReadFile("testdata/aeraki-fields.txt")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			want = append(want, strings.TrimSpace(line))
		}
	}
	for _, f := range migrate.Fields {
		got = append(got, f.Kind+" "+f.Path)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the table has\n%s\nAeraki has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// page is where people read the table.
const page = "../../docs/migrate-from-aeraki.md"

// TestPage compares the tables in the page with Fields.
func TestPage(t *testing.T) {
	const begin, end = "<!-- made of migrate.Fields: go test ./controlplane/migrate -update -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the tables", page)
	}
	golden(t, page, []byte(before+begin+migrate.Table()+"\n"+end+after))
}
