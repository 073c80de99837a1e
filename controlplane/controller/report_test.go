package controller

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestCut keeps characters whole: half of one would come back from the API server as
// another text, and be written again each time.
func TestCut(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("x", 10), strings.Repeat("é", 20), strings.Repeat("€", 20)} {
		got := cut(text, 10)
		switch {
		case !utf8.ValidString(got):
			t.Errorf("%q is cut to %q", text, got)
		case len(text) <= 10 && got != text, len(text) > 10 && (!strings.HasSuffix(got, "...") || len(got) > 13):
			t.Errorf("%q is cut to %q", text, got)
		}
	}
}
