package mesh

import (
	"fmt"
	"strings"
	"testing"
)

func TestAliasesCannotGrowWithoutBound(t *testing.T) {
	var file strings.Builder
	file.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&file, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	_, err := Parse([]byte(file.String()), Check{})
	if err == nil || !strings.Contains(err.Error(), "aliases expand to more than") {
		t.Errorf("got %v", err)
	}
}

func TestSuggestion(t *testing.T) {
	known := []string{"route_config", "rds", "tracing"}
	for name, want := range map[string]string{
		"route_confg": ` (did you mean "route_config"?)`,
		"sdr":         "",
		"rd":          ` (did you mean "rds"?)`,
		"x":           "",
		"":            "",
	} {
		if got := suggestion(name, known); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
