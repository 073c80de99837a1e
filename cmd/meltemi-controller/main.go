// Command meltemi-controller keeps Istio's configuration as CodecBindings and
// RateLimitPolicies want it.
package main

import (
	"fmt"
	"os"
)

// version is set by the linker.
var version = "unknown"

func main() {
	if err := newCmd().Execute(); err != nil {
		fmt.Fprintf(os.Stderr, "meltemi-controller: %v\n", err)
		os.Exit(1)
	}
}
