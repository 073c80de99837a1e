package filters

import (
	"testing"
)

// TestStats compares what the filter counts with what was called, and with Envoy's own
// counters.
func TestStats(t *testing.T) {
	const denied = `[{match: {path_separated_prefix: /shop.Orders/denied}, direct_response: {status: 403}},
      {match: {path_separated_prefix: /Orders/denied}, direct_response: {status: 403}}, {match: {prefix: /}, route: {cluster: server}}]`
	each(t, `[{name: stats, config: {max_methods: 2}}]`, denied, func(t *testing.T, m *mesh) {
		const prefix = "dynamicmodulescustom.meltemi_stats_"
		for method, n := range map[string]string{"get": "7", "put": "3"} {
			if out, failed := m.call(method, "-n", n); failed {
				t.Fatalf("%s: %s", method, out)
			}
		}
		if out, failed := m.call("denied"); !failed {
			t.Errorf("denied: %s", out)
		}
		if out, failed := m.call("third"); failed {
			t.Errorf("third: %s", out)
		}
		// Envoy writes a dot in a label's value as it is.
		labels := func(service, method, code string) string {
			return prefix + "calls_total.service." + service + ".method." + method + ".code." + code
		}
		for stat, want := range map[string]int{
			labels(m.service, "get", "OK"): 7, labels(m.service, "put", "OK"): 3,
			labels("other", "other", "PERMISSION_DENIED"): 1, labels("other", "other", "OK"): 1,
			prefix + "open_calls": 0, "http.rpc.downstream_rq_total": 12, "cluster.server.upstream_rq_total": 11,
		} {
			m.Eventually(stat, "what was called", func(n int) bool { return n == want })
		}
	})
}
