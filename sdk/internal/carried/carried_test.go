package carried

import (
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

func TestListsThatHostsMustRefuse(t *testing.T) {
	codec := sdk.Definition{Name: "a", New: func([]byte) (sdk.Codec, error) { return nil, nil }}                     //nolint:nilnil // never called
	limit := filter.Definition{Name: "a", New: func([]byte, filter.Host) (filter.Filter, error) { return nil, nil }} //nolint:nilnil // never called
	type list struct {
		codecs  []sdk.Definition
		filters []filter.Definition
	}
	codecs := func(c ...sdk.Definition) list { return list{codecs: c} }
	filters := func(f ...filter.Definition) list { return list{[]sdk.Definition{codec}, f} }
	for want, l := range map[string]list{
		"carries no codec":              {filters: []filter.Definition{limit}},
		`codec "a" is listed twice`:     codecs(codec, codec),
		"codec 1 has no name":           codecs(codec, sdk.Definition{New: codec.New}),
		`codec "b" has no constructor`:  codecs(sdk.Definition{Name: "b"}),
		`filter "a" is listed twice`:    filters(limit, limit),
		"filter 0 has no name":          filters(filter.Definition{New: limit.New}),
		`filter "b" has no constructor`: filters(filter.Definition{Name: "b"}),
	} {
		if err := Check(l.codecs, l.filters); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	// A codec and a filter may have the same name.
	if err := Check([]sdk.Definition{codec}, []filter.Definition{limit}); err != nil {
		t.Error(err)
	}
}
