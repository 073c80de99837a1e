package filters

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// TestRecordChooses samples calls, leaves a route out, and compares with Envoy's own
// counts.
func TestRecordChooses(t *testing.T) {
	const routes = `[{match: {path_separated_prefix: /shop.Orders/never}, route: {cluster: server}, typed_per_filter_config: {record: {sample: 0}}},
      {match: {path_separated_prefix: /Orders/never}, route: {cluster: server}, typed_per_filter_config: {record: {sample: 0}}},
      {match: {path_separated_prefix: /shop.Orders/denied}, direct_response: {status: 403}, typed_per_filter_config: {record: {sample: 1}}},
      {match: {path_separated_prefix: /Orders/denied}, direct_response: {status: 403}, typed_per_filter_config: {record: {sample: 1}}},
      {match: {prefix: /}, route: {cluster: server}}]`
	var r *recording
	eachWith(t, routes, func(t *testing.T, codec string) (string, string) {
		r = &recording{t, t.TempDir()}
		return r.filter(`sample: 0.5, methods: ["*/often", "*/never", "*/denied"]`), machine.Serve(t, codec)
	}, func(t *testing.T, m *mesh) {
		for method, n := range map[string]string{"often": "200", "never": "10", "other": "10"} {
			if out, failed := m.call(method, "-n", n); failed {
				t.Fatalf("%s: %s", method, out)
			}
		}
		if out, failed := m.call("denied"); !failed {
			t.Errorf("denied: %s", out)
		}
		m.Eventually("http.rpc.downstream_rq_completed", "all calls", func(n int) bool { return n == 221 })
		calls, counted := r.all(), 0
		await(t, "as many calls as are counted", func() bool {
			calls, counted = r.all(), m.Stat(recordStats+"recorded_total")
			return len(calls) == counted
		})
		// Of 200 calls with a chance of a half, fewer than 50 or more than 150 are recorded
		// once in a million million runs.
		if counted < 51 || counted > 151 {
			t.Errorf("%d calls are recorded, want half of 200, and one", counted)
		}
		denied := 0
		for _, c := range calls {
			switch c.Method {
			case "often":
			case "denied":
				denied++
				if c.Status == nil || c.Status.Cause != "denied" || c.Response != nil || c.Upstream != "" {
					t.Errorf("denied: %s", asJSON(t, c))
				}
			default:
				t.Errorf("%s is recorded", c.Method)
			}
		}
		if denied != 1 {
			t.Errorf("the denied call is recorded %d times", denied)
		}
	})
}

// TestRecordOverload has calls that no room is left for. They are served all the same.
func TestRecordOverload(t *testing.T) {
	var r *recording
	eachWith(t, "", func(t *testing.T, codec string) (string, string) {
		r = &recording{t, t.TempDir()}
		return r.filter(`max_pending_bytes: 8192, max_message_bytes: 16000`), machine.Serve(t, codec)
	}, func(t *testing.T, m *mesh) {
		argument := func(size int) string { return `"` + strings.Repeat("x", size) + `"` }
		if out, failed := m.call("get", "-n", "20", "-c", "4", "--arg", argument(10000)); failed || !strings.Contains(out, "20 ok") {
			t.Errorf("calls without room: %s", out)
		}
		if out, failed := m.call("get", "--arg", argument(20000)); failed {
			t.Errorf("a long call: %s", out)
		}
		if out, failed := m.call("get"); failed {
			t.Errorf("a short call: %s", out)
		}
		calls := r.calls(2)
		if long := calls[0]; long.Request.Omitted != format.OmittedSize || long.Request.Bytes < 20000 || calls[1].Request.Frame == nil {
			t.Errorf("recorded %s", asJSON(t, calls))
		}
		for stat, want := range map[string]int{
			recordStats + "dropped_total.reason.overload": 20, recordStats + "recorded_total": 2,
			recordStats + "omitted_messages_total.reason.size": 2, "cluster.server.upstream_rq_total": 22, recordStats + "panics": 0,
		} {
			m.Eventually(stat, "what was called", func(n int) bool { return n == want })
		}
	})
}

// TestRecordsOneWayCalls has calls without an answer, where the protocol has them.
func TestRecordsOneWayCalls(t *testing.T) {
	var r *recording
	eachWith(t, "", func(t *testing.T, codec string) (string, string) {
		r = &recording{t, t.TempDir()}
		return r.filter(`payload: true`), machine.Serve(t, codec)
	}, func(t *testing.T, m *mesh) {
		if out, failed := m.call("note", "--oneway"); m.codec == "brpc" {
			if !failed {
				t.Errorf("bRPC has one-way calls now: %s", out)
			}
			return
		} else if failed {
			t.Fatal(out)
		}
		if c := r.calls(1)[0]; c.Kind != format.KindOneWay || c.Status != nil || c.Response != nil || c.Request.Frame == nil {
			t.Errorf("recorded %s", asJSON(t, c))
		}
		out, code := tool(t, "replay", r.files()[0], "--to", "127.0.0.1:"+m.Port, "--diff", "-o", "json")
		var summary struct{ Calls, Uncompared int } // a one-way call has no answer
		if err := json.Unmarshal([]byte(out), &summary); err != nil || code != 0 || summary.Calls != 1 || summary.Uncompared != 1 {
			t.Errorf("replay: exit code %d, %v\n%s", code, err, out)
		}
		r.calls(2)
	})
}
