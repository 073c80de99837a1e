//go:build parts

// Package istio pins the parts of Istio that the tests of the mesh build (../build.sh).
// They are programs, so that nothing can import them for use: the build tag keeps the
// imports to the go command's knowledge of what to download.
package istio

import (
	_ "istio.io/istio/istioctl/cmd/istioctl"
	_ "istio.io/istio/pilot/cmd/pilot-agent"
	_ "istio.io/istio/pilot/cmd/pilot-discovery"
)
