package engine

import (
	"fmt"
	"slices"
	"strings"
)

// Tracing headers keep their bare names, so that traces of HTTP and of RPC join.
// They are offered to the application's metadata and never a reason to refuse.
var bareNames = []string{"traceparent", "tracestate", "baggage", "b3", "sw8"}

// barePrefix is that of Zipkin's older headers, such as x-b3-traceid.
const barePrefix = "x-b3-"

// tracingNames are the bare names and those that configuration adds, lower-case.
func tracingNames(more []string) []string {
	names := slices.Clone(bareNames)
	for _, n := range more {
		names = append(names, strings.ToLower(n))
	}
	return names
}

// reservedNames are headers that Envoy acts on, or that are ours: no client sets them,
// whatever the configuration lists. A '-' at the end stands for all that begin so.
var reservedNames = []string{
	"content-type", "content-length", "te", "trailer", "host", "connection", "keep-alive", "proxy-connection",
	"transfer-encoding", "upgrade", "expect", "grpc-", "x-rpc-", "x-meltemi-", "x-envoy-", "x-forwarded-",
}

// checkTracing checks the names that configuration adds.
func checkTracing(p *problems, names []string) {
	for i, name := range names {
		field := fmt.Sprintf("tracing_headers[%d]", i)
		lower := strings.ToLower(name)
		if name == "" || slices.ContainsFunc([]byte(lower), func(b byte) bool { return !nameBytes[b] }) {
			p.add("%s: %q is not the name of a header", field, name)
		}
		for _, reserved := range reservedNames {
			if lower == reserved || strings.HasSuffix(reserved, "-") && strings.HasPrefix(lower, reserved) {
				p.add("%s: %q is reserved", field, name)
			}
		}
	}
}

// isTracing reports whether a lower-case name is that of a tracing header.
// There are few of them, of different lengths: a map takes three times as long.
func (c *Config) isTracing(name []byte) bool {
	for _, n := range c.tracing { //nolint:modernize // slices.Contains would copy a long name
		if string(name) == n {
			return true
		}
	}
	return len(name) > len(barePrefix) && string(name[:len(barePrefix)]) == barePrefix
}
