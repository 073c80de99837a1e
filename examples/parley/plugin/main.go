// Command plugin lends the codec to Meltemi's command line:
//
//	go build -o parley-plugin ./examples/parley/plugin
//	meltemi inspect parley --plugin ./parley-plugin capture.pcap
package main

import (
	"github.com/meltemi-mesh/meltemi/examples/parley/codec"
	"github.com/meltemi-mesh/meltemi/plugin"
)

func main() { plugin.Serve(codec.Definition()) }
