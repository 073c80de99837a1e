package envoytest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var (
	comment = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	hook    = regexp.MustCompile(`\b(envoy_dynamic_module_on_(?:program_init|network_filter|upstream_http_tcp_bridge|listener_filter|http_filter)\w*)\s*\(`)
)

// hooksOfHeader returns the names of the event hooks in the vendored header, for the
// extension points that the library implements.
func hooksOfHeader(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(t), "sdk", "abi", "abi.h"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range hook.FindAllSubmatch(comment.ReplaceAll(text, nil), -1) {
		names = append(names, string(m[1]))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
