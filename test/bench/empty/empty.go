// Package empty is the filter whose cost `make bench` measures: it follows each call to
// its end and does nothing, so that what is left is the host's part. With "read" it has
// the whole messages shown to it as well.
//
// It is a module of its own, so that `meltemi build --with` puts it into the library as
// it does with anybody's filter.
package empty

import (
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Definition returns the filter.
func Definition() filter.Definition {
	return filter.Definition{
		Name:    "empty",
		Summary: "does nothing, to be measured",
		Schema:  `{"type":"object","additionalProperties":false,"properties":{"read":{"type":"boolean"}}}`,
		New: func(config []byte, _ filter.Host) (filter.Filter, error) {
			f := &empty{}
			return f, sdk.ParseConfig(config, f)
		},
	}
}

type empty struct {
	Read bool `json:"read"`
}

// Payload implements filter.PayloadReader.
func (f *empty) Payload() (request, response bool) { return f.Read, f.Read }

// Begin implements filter.Filter.
func (*empty) Begin(filter.Call) filter.Handler { return filter.Base{} }
