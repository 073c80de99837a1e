// Command testlib is a shared library like cmd/libmeltemi, with the protocol of
// the tests in it. The tests of the library build and load it.
package main

import (
	"github.com/meltemi-mesh/meltemi/sdk/abi"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

var _ = abi.Register(testcodec.Definition())

func main() {}
