package v1alpha1_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestConditionsAreDocumented compares the types and reasons of conditions with the tables
// of docs/troubleshooting-istio.md.
func TestConditionsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/troubleshooting-istio.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Conditions\n")
	section, _, closed := strings.Cut(section, "\n## ")
	types, reasons, both := strings.Cut(section, "\n| reason |")
	if !found || !closed || !both {
		t.Fatal("docs/troubleshooting-istio.md has no section Conditions with two tables")
	}
	for prefix, table := range map[string]string{"Condition": types, "Reason": reasons} {
		var named []string
		for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
			named = append(named, row[1])
		}
		if want := constants(t, prefix); !slices.Equal(named, want) {
			t.Errorf("the documentation has %q, conditions.go %q", named, want)
		}
	}
}

// constants are the values of the constants of conditions.go whose names begin with some
// text.
func constants(t *testing.T, prefix string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, prefix) {
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			t.Fatalf("%s is no literal", spec.Names[0].Name)
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
		return true
	})
	if len(values) == 0 {
		t.Fatalf("conditions.go has no constant %s...", prefix)
	}
	return values
}
