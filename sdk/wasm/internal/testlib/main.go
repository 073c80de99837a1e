// Command testlib is a Wasm module like those of `meltemi build --host wasm`, with the
// protocol and the filters of the tests in it.
package main

import (
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
	"github.com/meltemi-mesh/meltemi/sdk/wasm"
)

var _ = wasm.Register(wasm.Library{
	Codecs:  []sdk.Definition{testcodec.Definition()},
	Filters: append([]filter.Definition{probe.Definition(), fatal}, needing()...),
})

// needing are filters that need one capability each: "needs-answer", ...
func needing() (filters []filter.Definition) {
	for _, c := range filter.Capabilities() {
		d := probe.Definition()
		d.Name, d.Needs = "needs-"+string(c), []filter.Capability{c}
		filters = append(filters, d)
	}
	return filters
}

// fatal ends the virtual machine with each call that has the entry "die": it takes more
// memory than there can be, which no barrier catches.
var fatal = filter.Definition{
	Name: "fatal",
	New:  func([]byte, filter.Host) (filter.Filter, error) { return &hungry{}, nil },
}

type hungry struct{ eaten [][]byte }

// Begin implements filter.Filter.
func (h *hungry) Begin(c filter.Call) filter.Handler {
	if _, ok := c.Metadata().Get("die"); ok {
		for {
			h.eaten = append(h.eaten, make([]byte, 1<<30))
		}
	}
	return nil
}

func main() {}
