// Package docs has the pages for people, and tests of what they say of the repository.
package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestFeatures reads the tables of aeraki-features.md. Each test that they name has to
// exist, and where no test shows a feature, the row has to say so.
func TestFeatures(t *testing.T) {
	rows := features(t)
	for _, cells := range rows {
		if len(cells) != 4 {
			t.Errorf("a row has %d cells, want 4: %q", len(cells), cells)
			continue
		}
		what, here, tests := cells[0], cells[2], cells[3]
		if tests == "-" {
			if !strings.HasPrefix(here, "Not done") && !strings.HasPrefix(here, "Not tested") {
				t.Errorf("%s: no test shows it, and the row does not say so", what)
			}
			continue
		}
		for place := range strings.SplitSeq(tests, "; ") {
			found := named.FindStringSubmatch(place)
			if found == nil {
				t.Errorf("%s: %q is no `folder` with tests", what, place)
				continue
			}
			there := testsIn(t, found[1])
			for name := range strings.SplitSeq(found[2], ", ") {
				test, part, isPart := strings.Cut(name, "/")
				if !there.names[test] || isPart && !there.texts[part] {
					t.Errorf("%s: %s has no %s", what, found[1], name)
				}
			}
		}
	}
	if len(rows) < 40 {
		t.Errorf("%d rows were found; where are the others?", len(rows))
	}
}

// named is a folder, and tests in it, or parts of tests.
var named = regexp.MustCompile("^`([a-z0-9/-]+)` (Test[A-Za-z0-9]+(?:/[A-Za-z0-9 -]+)?(?:, Test[A-Za-z0-9]+(?:/[A-Za-z0-9 -]+)?)*)$")

// features are the cells of the rows, without those of the heads.
func features(t *testing.T) [][]string {
	t.Helper()
	text, err := os.ReadFile("aeraki-features.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(text)) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), "| ")
		if !ok || strings.HasPrefix(line, "---") || strings.HasSuffix(line, "| tests |") {
			continue
		}
		rows = append(rows, strings.Split(strings.TrimSuffix(line, " |"), " | "))
	}
	return rows
}

// tests are the functions of a folder's tests, and the texts in them: the names of parts of
// tests are among these.
type tests struct {
	names, texts map[string]bool
}

func testsIn(t *testing.T, folder string) tests {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	there := tests{map[string]bool{}, map[string]bool{}}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil {
					there.names[n.Name.Name] = true
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					there.texts[text] = true
				}
			}
			return true
		})
	}
	return there
}
