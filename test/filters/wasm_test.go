package filters

import (
	"fmt"
	"path/filepath"
	"testing"
)

// TestStatsInWasm compares what the same filter counts in Envoy's Wasm sandbox with what
// was called. The mesh file has Envoy's own Wasm filter, verbatim.
func TestStatsInWasm(t *testing.T) {
	module, err := filepath.Abs("../../bin/meltemi.wasm")
	if err != nil {
		t.Fatal(err)
	}
	each(t, fmt.Sprintf(`
  - name: envoy.filters.http.wasm
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
      config:
        name: stats
        configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: '{"filter": "stats", "config": {"max_methods": 20}}'}
        vm_config: {runtime: envoy.wasm.runtime.v8, code: {local: {filename: %q}}}`, module), "", func(t *testing.T, m *mesh) {
		for method, n := range map[string]string{"get": "7", "put": "3", "third": "2"} {
			if out, failed := m.call(method, "-n", n); failed {
				t.Fatalf("%s: %s", method, out)
			}
		}
		const prefix = "wasmcustom.meltemi_stats_"
		labels := func(service, method string) string {
			return prefix + "calls_total.service." + service + ".method." + method + ".code.OK"
		}
		for stat, want := range map[string]int{
			labels(m.service, "get"): 7, labels(m.service, "put"): 3, labels(m.service, "third"): 2,
			prefix + "open_calls": 0, "http.rpc.downstream_rq_total": 12, "cluster.server.upstream_rq_total": 12,
		} {
			m.Eventually(stat, "what was called", func(n int) bool { return n == want })
		}
	})
}
