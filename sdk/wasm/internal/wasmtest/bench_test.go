package wasmtest

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/internal/envoytest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
)

// BenchmarkFilter compares what the same filter costs Envoy in its hosts: one that ignores
// the calls, and one that follows them to their ends and counts them. The figure is Envoy's
// own CPU time for each call; "none" is without a filter. What the start took and the
// memory are there beside it.
func BenchmarkFilter(b *testing.B) {
	version := envoytest.Versions[len(envoytest.Versions)-1]
	inModule := func(config string) []any { return []any{envoytest.Filter(probe.Name, config)} }
	inWasm := func(config string) []any { return []any{wasm(b, probe.Name, config, nil)} }
	for _, s := range []struct {
		name    string
		filters []any
	}{
		{"none", nil},
		{"module/ignores", inModule(`{}`)},
		{"module/follows", inModule(`{"config":{"all":true}}`)},
		{"wasm/ignores", inWasm(`{}`)},
		{"wasm/follows", inWasm(`{"config":{"all":true}}`)},
	} {
		b.Run(s.name, func(b *testing.B) {
			server := envoytest.Serve(b, envoytest.Echo)
			envoy := start(b, version, server, nil, s.filters...)
			started := envoy.CPU()
			client := envoytest.Dial(b, envoy.Port("rpc"))
			calls(client, 1000) // warm
			before := envoy.CPU()
			b.ResetTimer()
			calls(client, b.N)
			b.StopTimer()
			b.ReportMetric(float64((envoy.CPU()-before).Microseconds())/float64(b.N), "cpu-us/call")
			b.ReportMetric(started.Seconds(), "start-cpu-s")
			b.ReportMetric(float64(envoy.Memory())/(1<<20), "MiB")
		})
	}
}

// calls makes n calls, some at a time.
func calls(client *envoytest.Client, n int) {
	const together = 16
	for n > 0 {
		some := min(n, together)
		for i := range some {
			client.Send(envoytest.Told(uint64(i), "", ""))
		}
		for range some {
			client.Next()
		}
		n -= some
	}
}
