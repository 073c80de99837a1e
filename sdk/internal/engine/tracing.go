package engine

import "strings"

// Tracing headers keep their bare names, so that traces of HTTP and of RPC join.
// They are offered to the application's metadata and never a reason to refuse.
var bareNames = []string{"traceparent", "tracestate", "baggage", "b3", "sw8"}

// barePrefix is that of Zipkin's older headers, such as x-b3-traceid.
const barePrefix = "x-b3-"

// tracingNames are the bare names and those that configuration adds, lower-case.
func tracingNames(more []string) map[string]bool {
	names := make(map[string]bool, len(bareNames)+len(more))
	for _, n := range bareNames {
		names[n] = true
	}
	for _, n := range more {
		names[strings.ToLower(n)] = true
	}
	return names
}

// isTracing reports whether a lower-case name is that of a tracing header.
func (c *Config) isTracing(name []byte) bool {
	return c.tracing[string(name)] || len(name) > len(barePrefix) && string(name[:len(barePrefix)]) == barePrefix
}
