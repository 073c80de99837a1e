package filters

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/machine"
	"github.com/meltemi-mesh/meltemi/test/peers"
)

// inWasm is Envoy's own Wasm filter, verbatim, with a filter of bin/meltemi.wasm and its
// configuration in JSON, for a mesh file.
func inWasm(t *testing.T, configuration string) string {
	t.Helper()
	module, err := filepath.Abs("../../bin/meltemi.wasm")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`
  - name: envoy.filters.http.wasm
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
      config:
        configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: '%s'}
        allow_on_headers_stop_iteration: true
        vm_config: {runtime: envoy.wasm.runtime.v8, code: {local: {filename: %q}}}`, configuration, module)
}

// TestStatsInWasm compares what the same filter counts in Envoy's Wasm sandbox with what
// was called.
func TestStatsInWasm(t *testing.T) {
	each(t, inWasm(t, `{"filter": "stats", "config": {"max_methods": 20}}`), "", func(t *testing.T, m *mesh) {
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

// TestArgumentsInWasm routes calls by an argument that the same filter reads in the
// sandbox. What a client says of itself does not count.
func TestArgumentsInWasm(t *testing.T) {
	for _, p := range protocols {
		for _, version := range versions {
			t.Run(p.codec+"/"+version, func(t *testing.T) {
				c := customersOf[p.codec]
				server := machine.Serve(t, p.codec)
				filter := inWasm(t, fmt.Sprintf(`{"filter": "arguments", "codec": {"name": %q}, "config": {"entries": [
                {"name": "customer", "methods": ["*/get"], "path": %q}]}}`, p.codec, c.path))
				m := &mesh{t: t, codec: p.codec, service: p.service, Proxy: peers.Start(t, version, fmt.Sprintf(`
listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: %[1]s
  filters: %[2]s
  route_config:
    virtual_hosts:
    - name: all
      domains: ["*"]
      routes:
      - match: {prefix: /, headers: [{name: x-rpc-local-customer, string_match: {exact: blue}}]}
        route: {cluster: server}
      - match: {prefix: /}
        direct_response: {status: 403, body: {inline_string: strangers}}
clusters:
- {name: server, codec: %[1]s, endpoints: ["%[3]s"]}
`, p.codec, filter, server))}
				if out, failed := m.call("get", "--arg", fmt.Sprintf(c.argument, "blue")); failed {
					t.Errorf("blue: %s", out)
				}
				for _, more := range [][]string{nil, append([]string{"--set", "local-customer=blue"}, c.options...)} {
					if out, failed := m.call("get", append([]string{"--arg", fmt.Sprintf(c.argument, "red")}, more...)...); !failed || !strings.Contains(out, "strangers") {
						t.Errorf("red %v: %s", more, out)
					}
				}
			})
		}
	}
}
