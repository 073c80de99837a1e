package engine

import (
	"math"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func TestParsePath(t *testing.T) {
	for _, pair := range [][2]string{
		{"com.foo.Bar", "baz"}, {"a/b", "c?d#e"}, {"..", "."}, {"%41", "~41"}, {"ü", "\x00"}, {"a$b", "c-d_e"},
	} {
		path := AppendPath(nil, []byte(pair[0]), []byte(pair[1]))
		service, method, err := ParsePath(path)
		if err != nil || service != pair[0] || method != pair[1] {
			t.Errorf("%q: %q, %q, %v", path, service, method, err)
		}
	}
	// What the far edge refuses must not look like a call to a filter either.
	for _, path := range []string{
		"", "/", "a/b", "/a", "/a/", "//b", "/a/b/", "/a/b/c", "/a//b", "/a/b?c", "/a/b#c", "/a/..", "/a/~4", "/a/~41", "/a/~2f", "/%41/b", "/a/b~",
	} {
		if service, method, err := ParsePath([]byte(path)); err == nil {
			t.Errorf("%q is read as %q, %q", path, service, method)
		}
	}
}

func TestParseTimeout(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5m": 5 * time.Millisecond, "1S": time.Second, "2M": 2 * time.Minute, "99999999H": math.MaxInt64, "7u": 7 * time.Microsecond,
		"8n": 8, "": 0, "m": 0, "5": 0, "-5m": 0, "5x": 0, "123456789m": 0,
	} {
		if got := ParseTimeout([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestCausesOfFilters reads the cause of a filter's reply where Envoy's details stand.
func TestCausesOfFilters(t *testing.T) {
	for _, cause := range sdk.Causes() {
		for _, text := range []string{"200 - " + OwnDetails(cause, "limit"), "- - meltemi_" + cause.String(), "503 UF,URX " + OwnDetails(cause, "a[b")} {
			if got := causeOf(text, 0, sdk.Unknown); got != cause {
				t.Errorf("%q is %v, want %v", text, got, cause)
			}
		}
	}
	for text, want := range map[string]sdk.Cause{
		"503 UF via_upstream": sdk.CauseConnectFailure, "403 - meltemi_nonsense[x]": sdk.CauseDenied,
	} {
		if got := causeOf(text, 0, sdk.Unknown); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}
