// Command image packs what envoy-build/compile.sh has compiled: as OCI images, without
// Docker, and as the archives of a release. The same files, version and date give the
// same bytes on every machine.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := newRootCmd().Execute(); err != nil {
		fmt.Fprintf(os.Stderr, "image: %v\n", err)
		os.Exit(1)
	}
}
