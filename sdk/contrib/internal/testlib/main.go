// Command testlib is a shared library for Envoy's contrib filters with the protocol and
// the filter of the tests in it. The tests of the library build and load it.
package main

import (
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/contrib"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

var _ = contrib.Register(contrib.Library{
	Codecs:  []sdk.Definition{testcodec.Definition()},
	Filters: []filter.Definition{probe.Definition(), needs("http", filter.CallHTTP), needs("grpc", filter.CallGRPC), needs("metrics", filter.Statistics)},
})

// needs is the probe with a need.
func needs(name string, what filter.Capability) filter.Definition {
	d := probe.Definition()
	d.Name, d.Needs = "needs-"+name, []filter.Capability{what}
	return d
}

func main() {}
