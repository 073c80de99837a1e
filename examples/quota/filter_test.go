package quota

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// fakeStore is a store whose window never ends.
type fakeStore struct {
	mu     sync.Mutex
	counts map[string]int
	asked  []string // what for
	err    error
	hangs  bool // until the context ends
	gaveUp chan error
	closed int
}

func (s *fakeStore) take(ctx context.Context, key string, limit int, window time.Duration) (count, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprint(key, " ", limit, " ", window))
	if s.hangs {
		<-ctx.Done()
		s.gaveUp <- ctx.Err()
		return count{}, ctx.Err()
	}
	if s.err != nil {
		return count{}, s.err
	}
	taken := s.counts[key] < limit
	if taken {
		s.counts[key]++
	}
	return count{taken: taken, n: s.counts[key], rest: 7 * time.Second}, nil
}

func (s *fakeStore) close() { s.closed++ }

// begin makes the filter with a fake store. more are fields of its configuration.
func begin(t *testing.T, more string) (*filtertest.Host, *fakeStore) {
	t.Helper()
	s := &fakeStore{counts: map[string]int{}, gaveUp: make(chan error, 1)}
	d := definition(func(*settings, time.Duration) store { return s })
	return filtertest.New(t, d, `{"redis": "127.0.0.1:6379", "tenant": "tenant", "limit": 2, "window": "1m"`+more+`}`), s
}

func call(tenant string) filtertest.Request {
	return filtertest.Request{Service: "shop.Orders", Method: "get", Metadata: map[string]string{"tenant": tenant}}
}

func TestTenantsHaveQuotas(t *testing.T) {
	h, store := begin(t, `, "on_error": "refuse"`)
	for range 2 {
		if got := h.Do(call("blue")); got.State != filtertest.Done {
			t.Errorf("within the quota: %+v", got)
		}
	}
	want := sdk.Failure{
		Cause: sdk.CauseRateLimited, Message: "the quota of tenant blue is used up: 2 calls in 1m0s; the next in 7s",
	}
	if got := h.Do(call("blue")); got.Failure.Cause != want.Cause || got.Failure.Message != want.Message {
		t.Errorf("beyond the quota: %+v, want %+v", got, want)
	}
	if got := h.Do(call("green")); got.State != filtertest.Done || got.Dynamic["calls"] != 1.0 {
		t.Errorf("another tenant: %+v", got)
	}
	for result, want := range map[string]uint64{"allowed": 3, "refused": 1, "error": 0} {
		if n := h.Metric("calls_total", result); n != want {
			t.Errorf("%d calls are %s, want %d", n, result, want)
		}
	}
	if n := h.Metric("redis_latency_us"); n != 4 {
		t.Errorf("%d latencies, want 4", n)
	}
	if got := store.asked[3]; got != "quota:all:green 2 1m0s" {
		t.Errorf("asked for %s", got)
	}
	h.Close()
	if store.closed != 1 {
		t.Error("the store is still open")
	}
}

func TestRoutesCountApart(t *testing.T) {
	h, store := begin(t, `, "on_error": "refuse"`)
	for config, want := range map[string]string{
		`{"counter": "search", "limit": 50}`:                  "quota:search:blue 50 1m0s",
		`{"counter": "search", "limit": 50, "window": "10s"}`: "quota:search:blue 50 10s",
	} {
		r := call("blue")
		r.RouteConfig = config
		h.Do(r)
		if got := store.asked[len(store.asked)-1]; got != want {
			t.Errorf("%s asked for %s, want %s", config, got, want)
		}
	}
}

func TestWhoTheTenantIs(t *testing.T) {
	h, store := begin(t, `, "on_error": "refuse"`)
	h.Do(filtertest.Request{Principal: "spiffe://shop/cart"}) // which is not asked for here
	if got := store.asked[0]; got != "quota:all: 2 1m0s" {
		t.Errorf("without an entry: %s", got)
	}
	if got := h.Do(call(strings.Repeat("x", 201))); got.Failure.Cause != sdk.CauseDenied || len(store.asked) != 1 {
		t.Errorf("with a long name: %+v", got)
	}
	h, store = begin(t, `, "on_error": "refuse", "tenant": ""`)
	h.Do(filtertest.Request{Principal: "spiffe://shop/cart", Metadata: map[string]string{"tenant": "blue"}})
	if got := store.asked[0]; got != "quota:all:spiffe://shop/cart 2 1m0s" {
		t.Errorf("by certificate: %s", got)
	}
}

// TestRedisGoesAndComesBack has three calls while it is away, and two afterwards.
func TestRedisGoesAndComesBack(t *testing.T) {
	for onError, want := range map[string]filtertest.State{"allow": filtertest.Done, "refuse": filtertest.Refused} {
		h, store := begin(t, `, "on_error": "`+onError+`"`)
		store.err = errors.New("connection refused")
		for range 3 {
			got := h.Do(call("blue"))
			if got.State != want || want == filtertest.Refused && (got.Failure.Cause != sdk.CauseRateLimited || got.Failure.Message != "the quota of tenant blue cannot be looked up") {
				t.Errorf("%s: %+v", onError, got)
			}
		}
		if n := h.Metric("calls_total", "error"); n != 3 {
			t.Errorf("%d errors, want 3", n)
		}
		store.err = nil
		h.Do(call("blue")) // so soon that it may be away again
		h.Advance(calm)
		h.Do(call("blue"))
		logs := h.Logs()
		if len(logs) != 2 || logs[1] != "info Redis at 127.0.0.1:6379 answers again" ||
			!strings.HasPrefix(logs[0], "error Redis at 127.0.0.1:6379 cannot be asked, so calls are "+onError) || !strings.HasSuffix(logs[0], ": connection refused") {
			t.Errorf("logged %q", logs)
		}
	}
}

// TestAStoreThatHangs does not keep its calls.
func TestAStoreThatHangs(t *testing.T) {
	for onError, want := range map[string]filtertest.State{"allow": filtertest.Sent, "refuse": filtertest.Refused} {
		h, store := begin(t, `, "on_error": "`+onError+`", "timeout": "10s"`)
		store.hangs = true
		c := h.Begin(call("blue"))
		h.Advance(10*time.Second + grace - time.Millisecond)
		if c.State() != filtertest.Waiting {
			t.Errorf("before the limit it is %v", c.State())
		}
		h.Advance(time.Millisecond)
		if c.State() != want {
			t.Errorf("after the limit it is %v, want %v", c.State(), want)
		}
		if err := <-store.gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("the store was told %v", err)
		}
		if want == filtertest.Sent {
			c.Respond(filtertest.Response{})
		}
		c.End()
		if n := h.Metric("calls_total", "error"); n != 1 || len(h.Logs()) != 1 || !strings.Contains(h.Logs()[0], "no answer in time") {
			t.Errorf("%d errors, logged %q", n, h.Logs())
		}
	}
}

// TestTheStoreIsToldTheTimeout has a store that waits as long as it may.
func TestTheStoreIsToldTheTimeout(t *testing.T) {
	h, store := begin(t, `, "on_error": "refuse", "timeout": "1ms"`)
	store.hangs = true
	if got := h.Do(call("blue")); got.State != filtertest.Refused || h.Metric("calls_total", "error") != 1 {
		t.Errorf("%+v", got)
	}
	if err := <-store.gaveUp; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the store was told %v", err)
	}
}

func TestClientsThatGoAway(t *testing.T) {
	h, store := begin(t, `, "on_error": "allow", "timeout": "10s"`)
	store.hangs = true
	c := h.Begin(call("blue"))
	if got := c.End(); got.State != filtertest.Waiting {
		t.Errorf("%+v", got)
	}
	if err := <-store.gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("the store was told %v", err)
	}
	if got := h.Series(); len(got) > 0 {
		t.Errorf("counted %q", got)
	}
	if got := h.Logs(); len(got) > 0 {
		t.Errorf("logged %q", got)
	}
}

func TestAHostThatCannotWait(t *testing.T) {
	if _, err := filtertest.Try(t, Definition(), "", filtertest.Without(filter.WaitCalls)); err == nil || !strings.Contains(err.Error(), `needs "wait"`) {
		t.Errorf("%v", err)
	}
}
