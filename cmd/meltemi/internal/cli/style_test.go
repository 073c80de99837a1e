package cli

import (
	"bytes"
	"os"
	"testing"
)

func TestStyleForWritesNoEscapesOutsideTerminals(t *testing.T) {
	pipe, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	for name, style := range map[string]Style{"file": StyleFor(pipe), "buffer": StyleFor(&bytes.Buffer{})} {
		if got := style.Bad("x"); got != "x" {
			t.Errorf("%s: got %q, want the bare text", name, got)
		}
	}
}

// TestStyleForAsksTheUser has a character device, which a terminal is.
func TestStyleForAsksTheUser(t *testing.T) {
	device, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	for _, test := range []struct {
		noColor, term string
		want          string
	}{
		{"", "xterm", "\x1b[31mx\x1b[0m"},
		{"1", "xterm", "x"},
		{"", "dumb", "x"},
	} {
		t.Setenv("NO_COLOR", test.noColor)
		t.Setenv("TERM", test.term)
		if got := StyleFor(device).Bad("x"); got != test.want {
			t.Errorf("NO_COLOR=%q TERM=%q: got %q, want %q", test.noColor, test.term, got, test.want)
		}
	}
}

func TestStylePaintsAndResets(t *testing.T) {
	if got, want := (Style{on: true}).Good("x"), "\x1b[32mx\x1b[0m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
