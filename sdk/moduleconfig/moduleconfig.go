// Package moduleconfig checks the configuration of Meltemi's extensions in Envoy
// without Envoy, for whatever generates it: the same check that the shared library
// makes when it is loaded.
package moduleconfig

import (
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// Check parses the JSON that the network filter, the bridge and the listener filter
// get, strictly. codecs are those that the library carries. The error names each
// field that is wrong.
func Check(config []byte, codecs []sdk.Definition) error {
	_, err := engine.ParseConfig(config, codecs)
	return err
}
