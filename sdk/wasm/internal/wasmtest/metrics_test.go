package wasmtest

import (
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/internal/envoytest"
)

// TestMetricsForPrometheus takes labels out of names, as docs/hosts.md tells. Envoy leaves
// its prefix away.
func TestMetricsForPrometheus(t *testing.T) {
	tag := func(name, regex string) any { return map[string]any{"tag_name": name, "regex": regex} }
	each(t, func(t *testing.T, version string) {
		server := envoytest.Serve(t, envoytest.Echo)
		bootstrap := envoytest.Bootstrap([]any{envoytest.Listener("rpc", toy, []any{envoytest.Route("/", "server", nil)},
			map[string]any{"http_filters": envoytest.Filters(wasm(t, "probe", `{}`, nil))})}, []any{envoytest.Bridge("server", toy, server.Port)})
		bootstrap["stats_config"] = map[string]any{"stats_tags": []any{
			tag("method", `^wasmcustom\.meltemi_.+?(\.method\.(.+?))(?:\.code\.|$)`),
			tag("code", `^wasmcustom\.meltemi_.+(\.code\.(\w+))$`),
		}}
		envoy := envoytest.Start(t, version, envoytest.Library(t), bootstrap)
		m := envoytest.Told(1, "set:a=b", "")
		m.Method = "v1.echo"
		envoytest.Dial(t, envoy.Port("rpc")).Call(m)
		const count = `meltemi_probe_latency_ms_count{method="v1.echo"} 1`
		text := ""
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && !strings.Contains(text, count); time.Sleep(100 * time.Millisecond) {
			text = envoy.Admin("/stats/prometheus?filter=meltemi_probe") // histograms come every five seconds
		}
		for _, want := range []string{
			`meltemi_probe_ends_total{method="v1.echo",code="OK"} 1`,
			`meltemi_probe_open{} 0`,
			count,
		} {
			if !strings.Contains(text, want+"\n") {
				t.Errorf("there is no %s in\n%s", want, text)
			}
		}
	})
}
