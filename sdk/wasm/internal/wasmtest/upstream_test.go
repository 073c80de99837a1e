package wasmtest

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/internal/envoytest"
)

// TestAsAnUpstreamFilter shows why docs/hosts.md advises against it: a filter sees and
// changes calls, but Envoy tells the module nothing of their ends.
func TestAsAnUpstreamFilter(t *testing.T) {
	probe := inWasm(t)
	each(t, func(t *testing.T, version string) {
		server := envoytest.Serve(t, envoytest.Echo)
		cluster := envoytest.UpstreamFilters(envoytest.Bridge("server", toy, server.Port), wasm(t, "probe", `{}`, nil))
		envoy := envoytest.Start(t, version, envoytest.Library(t), envoytest.Bootstrap(
			[]any{envoytest.Listener("rpc", toy, []any{envoytest.Route("/", "server", nil)}, nil)}, []any{cluster}))
		client := envoytest.Dial(t, envoy.Port("rpc"))
		if got := client.Call(envoytest.Told(1, "go:10s,5ms;set:a=b", "")); got.Entry("a") != "b" {
			t.Errorf("got %+v", got)
		}
		if got := client.Call(envoytest.Told(2, "reply:denied", "")); got.Entry("cause") != "denied" {
			t.Errorf("got %+v", got)
		}
		envoy.Eventually("cluster.server.upstream_rq_active", 0)
		envoy.Eventually(probe.Stat("requests_total"), 2)
		envoy.Eventually(probe.Stat("open"), 2)
	})
}
