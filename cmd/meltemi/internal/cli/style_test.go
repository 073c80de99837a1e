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

func TestStylePaintsAndResets(t *testing.T) {
	if got, want := (Style{on: true}).Good("x"), "\x1b[32mx\x1b[0m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
