package cache

import (
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// flock begins calls that ask for the same: the first leads, the others wait.
func flock(t *testing.T, h *filtertest.Host, n int) (leader *filtertest.Call, followers []*filtertest.Call) {
	t.Helper()
	leader = h.Begin(get())
	if leader.State() != filtertest.Sent {
		t.Fatalf("the leader is %v", leader.State())
	}
	for range n {
		c := h.Begin(get())
		if c.State() != filtertest.Waiting {
			t.Fatalf("a follower is %v", c.State())
		}
		followers = append(followers, c)
	}
	return leader, followers
}

// nothingIsLeft looks for flights that nobody ends any more.
func nothingIsLeft(t *testing.T, h *filtertest.Host, calls ...*filtertest.Call) {
	t.Helper()
	for _, c := range calls {
		c.End()
	}
	if p := h.Panics(); len(p) > 0 {
		t.Errorf("panics: %q", p)
	}
	c := h.Begin(filtertest.Request{Service: "shop.Orders", Method: "get", Arguments: []any{"a call that shows whether others wait"}})
	if c.State() != filtertest.Sent {
		t.Errorf("a call is %v", c.State())
	}
	c.End()
}

func TestFollowersGetTheAnswer(t *testing.T) {
	h := filtertest.New(t, Definition(), shared)
	leader, followers := flock(t, h, 20)
	leader.Respond(filtertest.Response{Result: "for all"})
	for _, c := range followers {
		c.Wait()
		got := c.End()
		if got.State != filtertest.Answered || resultOf(t, got.Payload) != "for all" || got.Dynamic["result"] != "coalesced" {
			t.Fatalf("a follower is %v with %s, %v", got.State, got.Payload, got.Dynamic)
		}
	}
	if n := h.Metric("coalesced_total", "cache"); n != 20 {
		t.Errorf("%d calls were coalesced, want 20", n)
	}
	if n := h.Metric("misses_total", "cache"); n != 1 {
		t.Errorf("%d misses, want 1", n)
	}
	hits(t, h, get(), "for all")
	nothingIsLeft(t, h, leader)
}

// TestLongAnswersAreForFollowersToo although they are not kept.
func TestLongAnswersAreForFollowersToo(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"rules": [{"methods": ["*"], "ttl": "10s", "shared": true, "max_entry_bytes": 10}]}`)
	leader, followers := flock(t, h, 2)
	long := strings.Repeat("long ", 100)
	leader.Respond(filtertest.Response{Result: long})
	for _, c := range followers {
		c.Wait()
		if got := c.End(); got.State != filtertest.Answered || resultOf(t, got.Payload) != long {
			t.Errorf("a follower is %v", got.State)
		}
	}
	misses(t, h, get())
	nothingIsLeft(t, h, leader)
}

// TestLeadersThatFail has one after the other: the server gets one call at a time.
func TestLeadersThatFail(t *testing.T) {
	for what, fail := range map[string]func(c *filtertest.Call){
		"an exception":            func(c *filtertest.Call) { c.Respond(filtertest.Response{Code: sdk.FailedPrecondition}) },
		"no host":                 func(c *filtertest.Call) { c.Respond(filtertest.Response{Cause: sdk.CauseNoUpstream}) },
		"the client goes":         func(c *filtertest.Call) { c.End() },
		"an exception, and it is": func(c *filtertest.Call) { c.Respond(filtertest.Response{Code: sdk.Internal}); c.End() },
	} {
		t.Run(what, func(t *testing.T) {
			h := filtertest.New(t, Definition(), shared)
			leader, followers := flock(t, h, 3)
			for i, next := range followers {
				fail(leader)
				for j, c := range followers[i:] {
					want := filtertest.Waiting
					if j == 0 {
						want = filtertest.Sent
					}
					if s := c.Poll(); s != want {
						t.Fatalf("after %d failures follower %d is %v, want %v", i+1, i+j, s, want)
					}
				}
				leader = next
			}
			leader.Respond(filtertest.Response{Result: "at last"})
			hits(t, h, get(), "at last")
			if n := h.Metric("misses_total", "cache"); n != 4 {
				t.Errorf("%d misses, want 4", n)
			}
			nothingIsLeft(t, h, leader)
		})
	}
}

// TestAnswersForNobodyElse lets all followers go, since the next answer would be the same.
func TestAnswersForNobodyElse(t *testing.T) {
	h := filtertest.New(t, Definition(), shared)
	leader, followers := flock(t, h, 3)
	leader.Respond(filtertest.Response{Result: "mine", Metadata: map[string]string{"cache-control": "no-store"}})
	for _, c := range followers {
		if s := c.Poll(); s != filtertest.Sent {
			t.Errorf("a follower is %v, want sent", s)
		}
	}
	if n := h.Metric("bypass_total", "cache", "no_share"); n != 3 {
		t.Errorf("%d went alone, want 3", n)
	}
	nothingIsLeft(t, h, append(followers, leader)...)
}

// TestFollowersThatGo leave those who stay alone.
func TestFollowersThatGo(t *testing.T) {
	h := filtertest.New(t, Definition(), shared)
	leader, followers := flock(t, h, 3)
	followers[0].End()
	followers[2].End()
	leader.End()
	if s := followers[1].Poll(); s != filtertest.Sent {
		t.Errorf("the follower who stayed is %v, want sent", s)
	}
	followers[1].End()
	misses(t, h, get())
	nothingIsLeft(t, h)
}

// TestPatience has a leader that is slow: followers go by themselves, and the first who
// has an answer has it for all.
func TestPatience(t *testing.T) {
	h := filtertest.New(t, Definition(), shared)
	leader, followers := flock(t, h, 2)
	h.Advance(4 * time.Second)
	late := h.Begin(get())
	h.Advance(time.Second)
	for _, c := range followers {
		if s := c.Poll(); s != filtertest.Sent {
			t.Fatalf("a follower is %v after its wait, want sent", s)
		}
	}
	if s := late.Poll(); s != filtertest.Waiting {
		t.Fatalf("a follower is %v before its wait is over", s)
	}
	followers[1].Respond(filtertest.Response{Result: "first"})
	late.Wait()
	if got := late.End(); got.State != filtertest.Answered || resultOf(t, got.Payload) != "first" {
		t.Errorf("the late follower is %v with %s", got.State, got.Payload)
	}
	leader.Respond(filtertest.Response{Result: "second"})
	followers[0].Respond(filtertest.Response{Code: sdk.Internal})
	hits(t, h, get(), "second")
	if n := h.Metric("bypass_total", "cache", "waited"); n != 2 {
		t.Errorf("%d have waited too long, want 2", n)
	}
	nothingIsLeft(t, h, append(followers, leader)...)
}

// TestLeadingAfterTheWait has the leader die when its follower is on its way by itself:
// that one leads from then on.
func TestLeadingAfterTheWait(t *testing.T) {
	h := filtertest.New(t, Definition(), shared)
	leader, followers := flock(t, h, 1)
	h.Advance(5 * time.Second)
	leader.End()
	late := h.Begin(get())
	if s := late.Poll(); s != filtertest.Waiting {
		t.Fatalf("a call is %v, want waiting for the one on its way", s)
	}
	followers[0].Respond(filtertest.Response{Result: "there"})
	late.Wait()
	if got := late.End(); got.State != filtertest.Answered {
		t.Errorf("the follower is %v", got.State)
	}
	nothingIsLeft(t, h, followers...)
}

// TestDeadlines has followers that wait no longer than their callers.
func TestDeadlines(t *testing.T) {
	h := filtertest.New(t, Definition(), shared)
	leader := h.Begin(get())
	r := get()
	r.Timeout = 2 * time.Second
	hurried := h.Begin(r)
	h.Advance(2*time.Second - 1)
	if s := hurried.Poll(); s != filtertest.Waiting {
		t.Fatalf("the follower is %v before its deadline", s)
	}
	h.Advance(1)
	if s := hurried.Poll(); s != filtertest.Refused {
		t.Fatalf("the follower is %v after its deadline", s)
	}
	if got := hurried.End(); got.Failure.Cause != sdk.CauseTimeout {
		t.Errorf("the failure is %+v", got.Failure)
	}
	leader.End() // nobody is there to lead
	misses(t, h, get())
	nothingIsLeft(t, h)
}

// TestNoWait has a rule without waiting.
func TestNoWait(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"rules": [{"methods": ["*"], "ttl": "10s", "shared": true, "wait": "0s"}]}`)
	a, b := h.Begin(get()), h.Begin(get())
	if a.State() != filtertest.Sent || b.State() != filtertest.Sent {
		t.Fatalf("the calls are %v and %v", a.State(), b.State())
	}
	b.Respond(filtertest.Response{Result: "b"})
	hits(t, h, get(), "b")
	nothingIsLeft(t, h, a, b)
}
