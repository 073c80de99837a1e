// Package moduleconfig checks the configuration of Meltemi's extensions in Envoy
// without Envoy, for whatever generates it: the same check that the shared library
// makes when it is loaded.
package moduleconfig

import (
	"context"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// Check parses the JSON that the network filter, the bridge and the listener filter
// get, strictly. codecs are those that the library carries. The error names each
// field that is wrong.
func Check(config []byte, codecs []sdk.Definition) error {
	_, err := engine.ParseConfig(config, codecs)
	return err
}

// CheckFilter makes a filter from the JSON that Envoy's HTTP filter of that name gets,
// as the shared library would, and drops it. The error names what is wrong.
func CheckFilter(name string, config []byte, codecs []sdk.Definition, filters []filter.Definition) error {
	c, err := filterhost.New(name, config, codecs, filters, filterhost.Env{
		Has:    filter.Capabilities(),
		Now:    func() time.Time { return time.Time{} },
		Define: func(*filter.Metric, string) error { return nil },
		LogOn:  func(filter.Level) bool { return false },
		Log:    func(filter.Level, string) {},
		Cancellable: func() (context.Context, context.CancelFunc) {
			return nil, func() {} // nothing is called but New
		},
		OnPanic: func(string, any, []byte) {},
	})
	if err == nil {
		c.Close()
	}
	return err
}

// CheckRoute makes what a route says to the filter of that name.
func CheckRoute(name string, config []byte, filters []filter.Definition) error {
	_, err := filterhost.NewRoute(name, config, filters)
	return err
}
