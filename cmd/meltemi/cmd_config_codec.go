package main

import (
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/moduleconfig"
)

// checkCodecs judges what a mesh file says under codec as the shared library will,
// which must carry the same codecs as this binary.
func checkCodecs(codecs []sdk.Definition) mesh.CheckCodec {
	return func(config []byte) error {
		return moduleconfig.Check(config, codecs)
	}
}
