package filters

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/machine"
	"github.com/meltemi-mesh/meltemi/test/peers"
)

// protections is the document whose configurations the tests of this file run.
const protections = "../../docs/filter-breaker.md"

// example returns the configuration that stands behind the mark of that name.
func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(protections)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "<!-- run: "+name+" -->\n```yaml\n")
	block, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatalf("%s has no configuration %q", protections, name)
	}
	return block
}

// eachExample runs a configuration of the document for each protocol on each Envoy, in
// front of those servers. It is about filters of a listener, or
// about fields of a cluster. The document's services are the protocol's.
func eachExample(t *testing.T, name string, servers []starter, run func(t *testing.T, m *mesh)) {
	t.Helper()
	block := example(t, name)
	for _, p := range protocols {
		config := "  " + strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(block, "shop.Orders", p.service)), "\n", "\n  ")
		listener, cluster := "", config
		if strings.HasPrefix(block, "filters:") {
			listener, cluster = config, ""
		}
		for _, version := range versions {
			t.Run(p.codec+"/"+version, func(t *testing.T) {
				var endpoints []string
				for _, start := range servers {
					endpoints = append(endpoints, fmt.Sprintf("%q", start(t, p.codec)))
				}
				run(t, &mesh{t: t, codec: p.codec, service: p.service, Proxy: peers.Start(t, version, fmt.Sprintf(`
listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: %[1]s
%[2]s
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: server}}]}]}
clusters:
- name: server
  codec: %[1]s
  endpoints: [%[3]s]
%[4]s
`, p.codec, listener, strings.Join(endpoints, ", "), cluster))})
			})
		}
	}
}

// starter starts a server that speaks that protocol, and returns its address.
type starter func(t *testing.T, codec string) string

// with starts a server with those flags.
func with(flags ...string) starter {
	return func(t *testing.T, codec string) string {
		t.Helper()
		return machine.Serve(t, codec, flags...)
	}
}

// counted starts a server that counts and can hold its calls, and leaves it in s.
func counted(s **counting) starter {
	return func(t *testing.T, codec string) string {
		t.Helper()
		*s = count(t, codec)
		return (*s).address
	}
}

// failing is a server that fails each call.
var failing = with("--name", "bad", "--fail", "1")

func TestExampleOfBreaker(t *testing.T) {
	eachExample(t, "breaker", []starter{failing}, func(t *testing.T, m *mesh) {
		if s := m.calls("get", 15); s.refused(m, "circuit breaker is open") != 5 {
			t.Errorf("%+v, want 5 refusals after 10 failures", s)
		}
	})
}

// TestExampleOfBreakerInACluster has the filter behind the router: its metrics are the
// cluster's.
func TestExampleOfBreakerInACluster(t *testing.T) {
	eachExample(t, "cluster", []starter{failing}, func(t *testing.T, m *mesh) {
		if s := m.calls("get", 15); s.refused(m, "circuit breaker is open") != 5 {
			t.Errorf("%+v, want 5 refusals after 10 failures", s)
		}
		m.is("cluster.server."+breakerStat+"opened_total.service.other.method.other", 1)
	})
}

// TestExampleOfOutlierDetection has a bad host beside a good one. Answers count by their
// codes, in each protocol.
func TestExampleOfOutlierDetection(t *testing.T) {
	eachExample(t, "outlier_detection", []starter{with("--name", "good"), failing}, func(t *testing.T, m *mesh) {
		m.calls("get", 40)
		m.is("cluster.server.outlier_detection.ejections_enforced_total", 1)
		if s := m.calls("get", 20); s.OK != 20 {
			t.Errorf("%+v, want 20 results of the good host", s)
		}
	})
}

// TestExampleOfCircuitBreakers makes more calls at once than may have a connection or wait
// for one. Each worker may have a connection in any case, so it is not a number of calls
// exactly.
func TestExampleOfCircuitBreakers(t *testing.T) {
	var server *counting
	eachExample(t, "circuit_breakers", []starter{counted(&server)}, func(t *testing.T, m *mesh) {
		s := m.heldCalls(server, "get", 24, "http.rpc.downstream_rq_total", 24)
		refused := s.refused(m, "reset reason: overflow")
		if s.OK < 4 || s.OK > 16 || refused != 24-s.OK {
			t.Errorf("%+v, want at least 4 results, and refusals", s)
		}
		m.is("cluster.server.upstream_rq_pending_overflow", refused)
	})
}

func TestExampleOfTokenBuckets(t *testing.T) {
	eachExample(t, "local_ratelimit", []starter{with()}, func(t *testing.T, m *mesh) {
		for _, method := range []string{"get", "put"} { // each has its bucket
			if s := m.calls(method, 8); s.OK != 6 || s.Failed != 2 {
				t.Errorf("%s: %+v, want 6 results", method, s)
			}
		}
		m.is("methods.http_local_rate_limit.rate_limited", 4)
		m.is("cluster.server.upstream_rq_total", 12)
		tenant := []string{"--set", "tenant=blue"}
		if m.codec == "thrift" { // only headers carry metadata
			tenant = append(tenant, "--codec-config", `{"transport": "ttheader"}`)
		}
		if s := m.calls("list", 3, tenant...); s.OK != 2 {
			t.Errorf("a tenant: %+v, want 2 results", s)
		}
	})
}

// TestExampleOfAdaptiveConcurrency makes more calls at once than pass while the filter
// measures.
func TestExampleOfAdaptiveConcurrency(t *testing.T) {
	var server *counting
	eachExample(t, "adaptive_concurrency", []starter{counted(&server)}, func(t *testing.T, m *mesh) {
		const blocked = "http.rpc.adaptive_concurrency.gradient_controller.rq_blocked"
		s := m.heldCalls(server, "get", 12, blocked, 9)
		if s.OK != 3 || s.refused(m, "reached concurrency limit") != 9 {
			t.Errorf("%+v, want 3 results and 9 refusals", s)
		}
		m.is(blocked, 9)
	})
}

// TestExampleOfAdmissionControl lets so many calls fail that it cannot be chance if none
// is refused.
func TestExampleOfAdmissionControl(t *testing.T) {
	eachExample(t, "admission_control", []starter{failing}, func(t *testing.T, m *mesh) {
		s := m.calls("get", 100)
		refused := s.Failed
		for e, n := range s.Errors {
			if strings.Contains(e, "fails on purpose") {
				refused -= n
			}
		}
		if refused == 0 || refused == 100 || s.refused(m, "overloaded") != refused {
			t.Errorf("%+v, want some refusals", s)
		}
		m.is("http.rpc.admission_control.rq_rejected", refused)
		m.is("http.rpc.admission_control.rq_failure", 100-refused)
	})
}
