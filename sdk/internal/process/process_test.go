package process

import (
	"math"
	"testing"
)

func TestMemoryLimit(t *testing.T) {
	for text, want := range map[string]int64{
		"": defaultMemoryLimit, "off": math.MaxInt64, "1000": 1000, "256MiB": 256 << 20, "2GiB": 2 << 30, "4KiB": 4096,
	} {
		if got, ok := parseMemoryLimit(text); !ok || got != want {
			t.Errorf("%q: %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{"x", "-1", "0", "99999999999GiB", "MiB"} {
		if got, ok := parseMemoryLimit(text); ok || got != defaultMemoryLimit {
			t.Errorf("%q: %d, %t", text, got, ok)
		}
	}
}

func TestPanicsAreToldOnce(t *testing.T) {
	var p Panics
	if got := p.Tell("a hook", "why", []byte("its stack")); got != "panic in a hook: why (logged once)\nits stack" {
		t.Errorf("got %q", got)
	}
	if got := p.Tell("a hook", "why", []byte("its stack")); got != "" {
		t.Errorf("got %q the second time", got)
	}
	for i := range 2 * maxLogged {
		p.Tell("a hook", i, nil)
	}
	if n := len(p.seen); n != maxLogged {
		t.Errorf("%d panics are remembered, want %d", n, maxLogged)
	}
}
