package breaker

import (
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// small opens at two failures of at least four calls.
const small = `{"rules": [{"methods": ["*"], "min_calls": 4, "successes": 2}]}`

var (
	get    = filtertest.Request{Service: "shop.Orders", Method: "get"}
	fine   = filtertest.Response{}
	broken = filtertest.Response{Code: sdk.Internal, Message: "no database"}
)

// do runs calls that get these answers if they reach the server.
func do(h *filtertest.Host, r filtertest.Request, answers ...filtertest.Response) {
	for _, answer := range answers {
		c := h.Begin(r)
		if c.State() == filtertest.Sent {
			c.Respond(answer)
		}
		c.End()
	}
}

// refused checks that a call is refused, and how.
func refused(t *testing.T, h *filtertest.Host, r filtertest.Request, reason string) {
	t.Helper()
	got := h.Begin(r).End()
	if got.State != filtertest.Refused || got.Failure.Cause != sdk.CauseOverloaded || got.Failure.Code != sdk.ResourceExhausted ||
		got.Dynamic["refused"] != reason {
		t.Errorf("%s/%s: %v %+v %v, want a refusal: %s", r.Service, r.Method, got.State, got.Failure, got.Dynamic, reason)
	}
}

// passes checks that a call reaches the server, and lets it end so.
func passes(t *testing.T, h *filtertest.Host, r filtertest.Request, answer filtertest.Response) {
	t.Helper()
	c := h.Begin(r)
	if c.State() != filtertest.Sent {
		t.Errorf("%s/%s: %v, want it to pass", r.Service, r.Method, c.Result())
		return
	}
	c.Respond(answer)
	c.End()
}

func state(t *testing.T, h *filtertest.Host, want uint64) {
	t.Helper()
	if n := h.Metric("state", get.Service, get.Method); n != want {
		t.Errorf("the state is %d, want %d", n, want)
	}
}

func TestOpensAndRecovers(t *testing.T) {
	h := filtertest.New(t, Definition(), small)
	do(h, get, fine, fine, broken)
	state(t, h, 0)
	passes(t, h, get, broken) // the fourth call, the second failure
	state(t, h, 2)
	for range 3 {
		refused(t, h, get, "open")
	}
	h.Advance(4999 * time.Millisecond)
	refused(t, h, get, "open")

	h.Advance(time.Millisecond)
	probe := h.Begin(get)
	state(t, h, 1)
	if probe.Result().Dynamic["probe"] != "true" {
		t.Errorf("a probe is not told from other calls: %v", probe.Result().Dynamic)
	}
	refused(t, h, get, "half_open") // one at a time
	probe.Respond(broken)
	probe.End()
	state(t, h, 2)
	refused(t, h, get, "open")

	h.Advance(5 * time.Second)
	passes(t, h, get, fine)
	state(t, h, 1)
	passes(t, h, get, fine)
	state(t, h, 0)
	do(h, get, broken, broken, broken) // nothing is left of what was before
	state(t, h, 0)
	passes(t, h, get, broken)
	state(t, h, 2)

	for reason, want := range map[string]uint64{"open": 5, "half_open": 1, "concurrency": 0} {
		if n := h.Metric("refused_total", get.Service, get.Method, reason); n != want {
			t.Errorf("refused, %s: %d, want %d", reason, n, want)
		}
	}
	if n := h.Metric("opened_total", get.Service, get.Method); n != 3 {
		t.Errorf("opened %d times, want 3", n)
	}
	want := []string{
		`warn "shop.Orders/get" open: too many calls failed`, `info "shop.Orders/get" half open`,
		`warn "shop.Orders/get" open again: a probe failed`, `info "shop.Orders/get" half open`,
		`info "shop.Orders/get" closed: probes succeeded`, `warn "shop.Orders/get" open: too many calls failed`,
	}
	if got := h.Logs(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("logged\n%s", strings.Join(got, "\n"))
	}
}

// TestOldCallsCountForNothing: failures do not add up for ever, and what began before the
// circuit opened says nothing of the server now.
func TestOldCallsCountForNothing(t *testing.T) {
	h := filtertest.New(t, Definition(), small)
	do(h, get, fine, broken, broken)
	h.Advance(11 * time.Second)
	do(h, get, broken)
	state(t, h, 0)

	late, later := h.Begin(get), h.Begin(get)
	do(h, get, broken, broken, broken)
	state(t, h, 2)
	late.Respond(fine)
	late.End()
	h.Advance(5 * time.Second)
	passes(t, h, get, fine)
	state(t, h, 1)
	later.Respond(broken)
	later.End()
	state(t, h, 1)
}

func TestConcurrency(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"rules": [{"methods": ["*"], "max_concurrent": 2, "failure_percent": 0}]}`)
	first, second := h.Begin(get), h.Begin(get)
	refused(t, h, get, "concurrency")
	passes(t, h, filtertest.Request{Service: "shop.Orders", Method: "put"}, fine)
	first.Respond(fine)
	first.End()
	passes(t, h, get, broken)
	second.End() // its client has gone away
	for range 3 {
		do(h, get, broken)
	}
	a, b := h.Begin(get), h.Begin(get)
	refused(t, h, get, "concurrency")
	a.End()
	b.End()
	if n := h.Metric("refused_total", get.Service, get.Method, "concurrency"); n != 1 {
		t.Errorf("%d calls were refused under the method's name, want 1", n)
	}
	if n := h.Metric("opened_total", get.Service, get.Method); n != 0 {
		t.Error("without a share of failures the circuit opens")
	}
}

// TestProbesDoNotJam: a probe may never be answered.
func TestProbesDoNotJam(t *testing.T) {
	h := filtertest.New(t, Definition(), small)
	do(h, get, fine, fine, broken, broken)
	h.Advance(5 * time.Second)
	for range 3 {
		h.Begin(get).End() // its client goes away: the next may try
		state(t, h, 1)
	}
	denied := filtertest.Response{Cause: sdk.CauseDenied}
	passes(t, h, get, denied)
	state(t, h, 1)

	stuck := h.Begin(get)
	h.Advance(4999 * time.Millisecond)
	refused(t, h, get, "half_open")
	h.Advance(time.Millisecond)
	refused(t, h, get, "open") // that was a failure
	state(t, h, 2)
	h.Advance(5 * time.Second)
	passes(t, h, get, fine)
	stuck.Respond(broken)
	stuck.End()
	passes(t, h, get, fine)
	state(t, h, 0)
	if logs := strings.Join(h.Logs(), "\n"); !strings.Contains(logs, "a probe takes too long") {
		t.Errorf("logged\n%s", logs)
	}
}
