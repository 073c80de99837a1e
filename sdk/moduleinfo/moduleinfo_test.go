package moduleinfo

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

func TestDescribe(t *testing.T) {
	info, err := Describe([]sdk.Definition{testcodec.Definition()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(info.Names(), []string{"toy"}) || info.Interface != Interface || info.Go == "" {
		t.Errorf("%+v", info)
	}
	// The toy can do these; it keeps no order unless it is configured.
	for _, want := range []string{"heartbeat-reply", "heartbeat", "go-away", "name-reply", "sniff"} {
		if !slices.Contains(info.Codecs[0].Capabilities, want) {
			t.Errorf("%s is not among %v", want, info.Codecs[0].Capabilities)
		}
	}
	if slices.Contains(info.Codecs[0].Capabilities, "in-order") {
		t.Error("the order is its configuration's to say")
	}
}

func TestDescribeRefuses(t *testing.T) {
	broken := testcodec.Definition()
	broken.Schema = "{"
	if _, err := Describe([]sdk.Definition{broken}, nil); err == nil || !strings.Contains(err.Error(), "codec toy: its schema is no JSON") {
		t.Errorf("%v", err)
	}
	if _, err := Describe([]sdk.Definition{testcodec.Definition(), testcodec.Definition()}, nil); err == nil || !strings.Contains(err.Error(), "two codecs are named toy") {
		t.Errorf("%v", err)
	}
	broken = testcodec.Definition()
	broken.New = func([]byte) (sdk.Codec, error) { return nil, errors.New("not today") }
	if _, err := Describe([]sdk.Definition{broken}, nil); err == nil || !strings.Contains(err.Error(), "not today") {
		t.Errorf("%v", err)
	}
}

// TestReadRefuses reads what is no library. That of the build is read in the module of
// the end-to-end tests.
func TestReadRefuses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("not at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{self: "no section", text: "no ELF file, and no Wasm module", text + "x": "no such file"} {
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}
