package filters

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const breakerStat = "dynamicmodulescustom.meltemi_breaker_"

// TestBreaker has a server that is well for two calls, ill for four, and well again. Two
// of the ill ones open the breaker of get; one is of another method; the last is a probe.
// The server counts its calls, so its answers tell that the refused ones never reached it.
func TestBreaker(t *testing.T) {
	const filters = `[{name: breaker, config: {rules: [{methods: ["*"], min_calls: 4, open_time: 4s, successes: 2}]}}]`
	eachServer(t, []string{"--fail-calls", "3-6"}, filters, "", func(t *testing.T, m *mesh) {
		t.Parallel() // it waits for most of its time
		of := ".service." + m.service + ".method.get"
		s := m.calls("get", 12)
		if s.OK != 2 || s.Failed != 10 || s.refused(m, "circuit breaker is open") != 8 {
			t.Fatalf("%+v, want 2 results, 2 failures and 8 refusals", s)
		}
		if out, _ := m.call("put"); !strings.Contains(out, "fails on purpose") {
			t.Errorf("put, whose circuit is closed: %s", out)
		}
		m.is(breakerStat+"state"+of, 2)
		m.is(breakerStat+"opened_total"+of, 1)
		m.is(breakerStat+"refused_total"+of+".reason.open", 8)
		m.is("cluster.server.upstream_rq_total", 5)

		if out, failed := m.untilPassed("get"); !failed || !strings.Contains(out, "fails on purpose") {
			t.Errorf("the first probe: %s", out)
		}
		m.is(breakerStat+"state"+of, 2)
		m.is(breakerStat+"opened_total"+of, 2)
		if out, failed := m.untilPassed("get"); failed || !strings.Contains(out, `"call": 7`) {
			t.Errorf("the second probe: %s", out)
		}
		m.is(breakerStat+"state"+of, 1)
		if s := m.calls("get", 10); s.OK != 10 {
			t.Errorf("a circuit that has recovered: %+v", s)
		}
		m.is(breakerStat+"state"+of, 0)
		m.is("cluster.server.upstream_rq_total", 17)
		m.is("http.rpc.downstream_rq_active", 0)
	})
}

// TestBreakerOfASilentServer opens on timeouts, also of a method that nobody has ever
// answered.
func TestBreakerOfASilentServer(t *testing.T) {
	const filters = `[{name: breaker, config: {rules: [{methods: ["*"], min_calls: 3}]}}]`
	const routes = `[{match: {prefix: /}, route: {cluster: server, timeout: 0.2s}}]`
	eachServer(t, []string{"--delay", "2s"}, filters, routes, func(t *testing.T, m *mesh) {
		t.Parallel() // it waits for most of its time
		s := m.calls("get", 4)
		if s.OK != 0 || s.refused(m, "circuit breaker is open") != 1 {
			t.Fatalf("%+v, want 3 timeouts and a refusal", s)
		}
		m.is(breakerStat+"opened_total.service.other.method.other", 1)
		m.is("cluster.server.upstream_rq_timeout", 3)
		m.is("cluster.server.upstream_rq_total", 3)
	})
}

// TestBreakerJudges tells an injected fault, which stands for one of a server, from a
// refusal, which does not.
func TestBreakerJudges(t *testing.T) {
	const filters = `[{name: breaker, config: {rules: [{methods: ["*"], min_calls: 3}]}}, {name: envoy.filters.http.fault,
      typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault,
        headers: [{name: ":path", string_match: {suffix: /faulty}}], abort: {http_status: 503, percentage: {numerator: 100}}}}]`
	const routes = `[{match: {prefix: /, headers: [{name: ":path", string_match: {suffix: /denied}}]}, direct_response: {status: 403}},
      {match: {prefix: /}, route: {cluster: server}}]`
	each(t, filters, routes, func(t *testing.T, m *mesh) {
		if s := m.calls("denied", 8); s.Failed != 8 || s.refused(m, "circuit breaker is open") != 0 {
			t.Errorf("denied: %+v, want no refusal", s)
		}
		if s := m.calls("faulty", 8); s.Failed != 8 || s.refused(m, "circuit breaker is open") != 5 {
			t.Errorf("faulty: %+v, want 5 refusals after 3 faults", s)
		}
		m.is("http.rpc.fault.aborts_injected", 3)
		m.is("cluster.server.upstream_rq_total", 0)
	})
}

// TestBreakerWhoseProbeDies kills the client of a probe: the next call tries.
func TestBreakerWhoseProbeDies(t *testing.T) {
	const filters = `[{name: breaker, config: {rules: [{methods: ["*"], min_calls: 3, open_time: 2s, successes: 1}]}}]`
	eachServer(t, []string{"--delay", "2s", "--fail-calls", "1-3"}, filters, "", func(t *testing.T, m *mesh) {
		t.Parallel() // it waits for most of its time
		if s := m.calls("get", 3, "-c", "3"); s.Failed != 3 {
			t.Fatalf("%+v, want 3 failures", s)
		}
		m.is(breakerStat+"opened_total.service.other.method.other", 1)
		m.killProbe("get")
		if out, failed := m.untilPassed("get"); failed || !strings.Contains(out, `"call": 5`) {
			t.Errorf("after the probe: %s", out)
		}
		m.is(breakerStat+"refused_total.service.other.method.other.reason.half_open", 0)
		m.is("cluster.server.upstream_rq_total", 5)
		m.is(breakerStat+"state.service."+m.service+".method.get", 0)
	})
}

// killProbe begins calls until one is with the server, and kills its client.
func (m *mesh) killProbe(method string) {
	m.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		client := exec.Command(meltemi(m.t), "call", m.codec, "127.0.0.1:"+m.Port, m.service+"."+method)
		if err := client.Start(); err != nil {
			m.t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = client.Wait()
			close(ended)
		}()
		if !m.atServer(ended) {
			continue // refused
		}
		_ = client.Process.Kill()
		<-ended
		m.is("http.rpc.downstream_rq_active", 0)
		return
	}
	m.t.Fatal("no call reaches the server")
}

// atServer waits until a call is with the server, or its client has ended.
func (m *mesh) atServer(ended <-chan struct{}) bool {
	m.t.Helper()
	for {
		if m.Stat("cluster.server.upstream_rq_active") > 0 {
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestBreakerLimitsConcurrency has more calls at once than may be under way, by the
// filter's settings and by those of a route. Access logs tell which were refused.
func TestBreakerLimitsConcurrency(t *testing.T) {
	log, runs := filepath.Join(t.TempDir(), "access.log"), 0
	filters := `[{name: breaker, config: {rules: [{methods: ["*"], max_concurrent: 2}]}}]
  access_log:
  - name: envoy.access_loggers.file
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
      path: ` + log + `
      log_format: {text_format_source: {inline_string: "%RESPONSE_CODE_DETAILS% %DYNAMIC_METADATA(breaker:refused)%\n"}}`
	const routes = `[{match: {prefix: /, headers: [{name: ":path", string_match: {suffix: /put}}]}, route: {cluster: server},
      typed_per_filter_config: {breaker: {max_concurrent: 3}}}, {match: {prefix: /}, route: {cluster: server}}]`
	limits := map[string]int{"get": 2, "put": 3}
	var server *counting
	start := func(t *testing.T, codec string) (string, string) { return filters, counted(&server)(t, codec) }
	eachWith(t, routes, start, func(t *testing.T, m *mesh) {
		runs++
		const refused = breakerStat + "refused_total.service.other.method.other.reason.concurrency"
		sum := 0
		for _, method := range []string{"get", "put"} {
			limit := limits[method]
			sum += 6 - limit
			s := m.heldCalls(server, method, 6, refused, sum)
			if s.OK != limit || s.refused(m, "too many calls of this method at once") != 6-limit {
				t.Errorf("%s: %+v, want %d results and %d refusals", method, s, limit, 6-limit)
			}
			if got := m.get(method, ""); !strings.HasPrefix(got, "answer") {
				t.Errorf("%s, when they are over: %s", method, got)
			}
		}
		m.is("cluster.server.upstream_rq_total", 7)
	})
	text, err := os.ReadFile(log) // which Envoy has written by its end
	if n := strings.Count(string(text), "meltemi_overloaded[breaker] concurrency\n"); err != nil || n != 7*runs {
		t.Errorf("the access logs tell of %d refusals, want %d: %v\n%s", n, 7*runs, err, text)
	}
}

// untilPassed calls a method until the breaker lets a call pass, and returns what came of
// that one.
func (m *mesh) untilPassed(method string) (out string, failed bool) {
	m.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if out, failed = m.call(method); !strings.Contains(out, "circuit breaker is") {
			return out, failed
		}
	}
	m.t.Fatalf("no call passes: %s", out)
	return "", true
}
