// Command meltemi runs Envoy from a mesh file, and speaks RPC protocols from the
// command line: `meltemi help` lists what it can do.
package main

import (
	"os"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
)

func main() {
	root := newRootCmd()
	err := root.Execute()
	if err != nil {
		style := cli.StyleFor(os.Stderr)
		root.PrintErrln(style.Bad("meltemi:"), err)
	}
	os.Exit(int(cli.CodeOf(err)))
}
