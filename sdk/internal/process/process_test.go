package process

import (
	"math"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
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

func TestListsThatMustBeRefused(t *testing.T) {
	codec := sdk.Definition{Name: "a", New: func([]byte) (sdk.Codec, error) { return nil, nil }}                     //nolint:nilnil // never called
	limit := filter.Definition{Name: "a", New: func([]byte, filter.Host) (filter.Filter, error) { return nil, nil }} //nolint:nilnil // never called
	codecs := func(list ...sdk.Definition) error { return Check(list, nil) }
	filters := func(list ...filter.Definition) error { return Check([]sdk.Definition{codec}, list) }
	for want, err := range map[string]error{
		"carries no codec":              Check(nil, []filter.Definition{limit}),
		`codec "a" is listed twice`:     codecs(codec, codec),
		"codec 1 has no name":           codecs(codec, sdk.Definition{New: codec.New}),
		`codec "b" has no constructor`:  codecs(sdk.Definition{Name: "b"}),
		`filter "a" is listed twice`:    filters(limit, limit),
		"filter 0 has no name":          filters(filter.Definition{New: limit.New}),
		`filter "b" has no constructor`: filters(filter.Definition{Name: "b"}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	// A codec and a filter may have the same name.
	if err := filters(limit); err != nil {
		t.Error(err)
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
