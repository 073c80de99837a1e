package newcomer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFilterInWasm composes the filter of `meltemi new filter` for Envoy's Wasm sandbox,
// without a change.
func TestFilterInWasm(t *testing.T) {
	n := begin(t, "gate-keeper", "1.40.0")
	n.run(filepath.Dir(n.dir), "meltemi", "new", "filter", "gate-keeper")
	module := filepath.Join(n.dir, "meltemi.wasm")
	if built := n.run(n.dir, "meltemi", "build", "--host", "wasm", "--with", "."); !strings.HasPrefix(built, "built meltemi.wasm: codecs brpc, dubbo, thrift; filters ") || !strings.Contains(built, ", gate-keeper, ") {
		t.Errorf("the build says %s", built)
	}
	if list := n.run(n.dir, "meltemi", "filters", "--lib", module); !strings.Contains(list, "gate-keeper") {
		t.Errorf("the module carries\n%s", list)
	}
	server := n.start("meltemi", "serve", "dubbo", "127.0.0.1:0")
	err := os.WriteFile(filepath.Join(n.dir, "wasm.yaml"), []byte(`listeners:
- name: orders
  address: 127.0.0.1:0
  codec: dubbo
  filters:
  - name: envoy.filters.http.wasm
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
      config:
        configuration:
          "@type": type.googleapis.com/google.protobuf.StringValue
          value: '{"filter": "gate-keeper", "config": {"tenants": ["blue"]}}'
        vm_config: {runtime: envoy.wasm.runtime.v8, code: {local: {filename: `+module+`}}}
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: server}}]}]}
clusters:
- {name: server, codec: dubbo, endpoints: ["`+server+`"]}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ready := n.start("meltemi", "run", filepath.Join(n.dir, "wasm.yaml"))
	address, _, _ := strings.Cut(strings.TrimPrefix(ready, "orders="), " ")
	n.run(n.dir, "meltemi", "call", "dubbo", address, "shop.Orders.get", "--set", "tenant=blue")
	n.fails("tenant red must not call get", "meltemi", "call", "dubbo", address, "shop.Orders.get", "--set", "tenant=red")
}
