//go:build parts

// Package ratelimit pins Envoy's rate limit service, which the tests of the mesh build
// (../build.sh).
package ratelimit

import _ "github.com/envoyproxy/ratelimit/src/service_cmd"
