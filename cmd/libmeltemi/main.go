// Command libmeltemi is the shared library that Envoy loads: `make build` turns it
// into bin/libmeltemi.so. A process can hold one Go runtime only, so everything
// that Meltemi does in Envoy is in this one library, and this list is what it can
// do.
package main

import (
	"github.com/meltemi-mesh/meltemi/codecs/brpc"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/codecs/thrift"
	"github.com/meltemi-mesh/meltemi/filters/arguments"
	"github.com/meltemi-mesh/meltemi/filters/breaker"
	"github.com/meltemi-mesh/meltemi/filters/cache"
	"github.com/meltemi-mesh/meltemi/filters/record"
	"github.com/meltemi-mesh/meltemi/filters/stats"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/abi"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// main does not run in a shared library; initialising this variable is what does.
var _ = abi.Register(abi.Library{
	Codecs: []sdk.Definition{
		brpc.Definition(),
		dubbo.Definition(),
		thrift.Definition(),
	},
	Filters: []filter.Definition{
		arguments.Definition(),
		breaker.Definition(),
		cache.Definition(),
		record.Definition(),
		stats.Definition(),
	},
})

func main() {}
