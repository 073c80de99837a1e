package breaker

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// TestStrangersOpenNobodysCircuit has calls of methods that do not exist, of which more
// fail than there is room for.
func TestStrangersOpenNobodysCircuit(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"max_methods": 3, "rules": [{"methods": ["*"], "min_calls": 2}]}`)
	do(h, get, fine, broken)
	refused(t, h, get, "open")
	for i := range 20 {
		do(h, filtertest.Request{Service: "s", Method: fmt.Sprint("invented-", i)}, broken, broken)
	}
	refused(t, h, get, "open") // it has kept its place
	put := filtertest.Request{Service: "shop.Orders", Method: "put"}
	passes(t, h, put, fine) // and a new one is not refused
	if n := h.Metric("opened_total", "other", "other"); n != 20 {
		t.Errorf("%d circuits of newcomers opened, want 20", n)
	}
	if n := h.Metric("forgotten_total"); n != 18 {
		t.Errorf("%d newcomers were forgotten, want 18", n)
	}
	for i := range 20 {
		do(h, filtertest.Request{Service: "s", Method: fmt.Sprint("real-", i)}, fine, broken)
	}
	for _, s := range h.Series() {
		for _, method := range []string{"invented", "real-1", "real-2"} {
			if strings.Contains(s, method) {
				t.Errorf("series %s", s)
			}
		}
	}
	// The third that is known, and the last that is not, have circuits alike.
	refused(t, h, filtertest.Request{Service: "s", Method: "real-0"}, "open")
	refused(t, h, filtertest.Request{Service: "s", Method: "real-19"}, "open")
}

// TestChangedRoutes has a route whose settings change more often than there are places:
// its method keeps the one that it has, and takes nobody's.
func TestChangedRoutes(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"max_methods": 3}`)
	changed := get
	for i := range 20 {
		changed.RouteConfig = fmt.Sprintf(`{"min_calls": %d}`, i+2)
		passes(t, h, changed, fine)
		h.Advance(10 * time.Minute)
	}
	for range 21 {
		do(h, changed, broken)
	}
	refused(t, h, changed, "open")
	if n := h.Metric("opened_total", get.Service, get.Method); n != 1 {
		t.Errorf("the circuit of get opened %d times by its name, want once", n)
	}
	if n := h.Metric("state", get.Service, get.Method); n != uint64(open) {
		t.Errorf("the state of get is %d, want open", n)
	}
	// The next settings begin with a circuit that is closed, under the same name.
	changed.RouteConfig = `{"min_calls": 1}`
	passes(t, h, changed, fine)
	if n := h.Metric("state", get.Service, get.Method); n != uint64(closed) {
		t.Errorf("the state of get is %d, want closed", n)
	}
	for _, method := range []string{"put", "list"} {
		r := filtertest.Request{Service: "s", Method: method}
		passes(t, h, r, fine)
		r.RouteConfig = `{"min_calls": 1}`
		do(h, r, broken)
		if n := h.Metric("opened_total", r.Service, r.Method); n != 1 {
			t.Errorf("the circuit of %s opened %d times by its name, want once", method, n)
		}
	}
}

// TestForsakenCircuits: what a method has is no more than its routes use.
func TestForsakenCircuits(t *testing.T) {
	var all circuits
	all.init(1)
	now := time.Duration(0)
	of := func(minCalls int) *circuit {
		s := defaults()
		s.MinCalls = minCalls
		c, _ := all.of(key{s, name{"s", "get"}}, func() time.Duration { return now })
		return c
	}
	if !all.keep(of(1), now) {
		t.Fatal("the first has no place")
	}
	waiting, used := of(2), of(3)
	waiting.admit(now) // and does not end
	for i := range 100 {
		now += time.Minute
		used.end(now, used.admit(now).epoch, success)
		of(10 + i)
		if of(2) != waiting || of(3) != used {
			t.Fatalf("after %v a circuit that is in use was dropped", now)
		}
	}
	// Beside those two there are the last three, which have rested for two minutes at most.
	if n := len(*all.known.Load()); n != 5 || len(all.places[name{"s", "get"}]) != n {
		t.Errorf("%d circuits are known, want 5", n)
	}
}

// TestLongNames: what strangers can make a circuit remember is bounded.
func TestLongNames(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"rules": [{"methods": ["*"], "min_calls": 2}]}`)
	long := func(i int) filtertest.Request {
		return filtertest.Request{Service: "s", Method: fmt.Sprintf("%01024d", i)}
	}
	do(h, long(1), broken)
	do(h, long(2), broken)
	refused(t, h, long(3), "open")
	passes(t, h, get, fine)
}

// TestThreads has calls on many threads at once.
func TestThreads(t *testing.T) {
	s := defaults()
	s.MinCalls, s.MaxConcurrent, s.Probes, s.OpenTime = 5, 6, 2, minTime
	var all circuits
	all.init(10)
	var wg sync.WaitGroup
	for thread := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(thread), 1))
			for i := range 2000 {
				now := time.Duration(i) * time.Millisecond
				c, _ := all.of(key{s, name{"s", string(rune('a' + random.IntN(15)))}}, func() time.Duration { return now })
				a := c.admit(now)
				if a.refusal != admitted {
					continue
				}
				r := result(random.IntN(3))
				if r == success {
					all.keep(c, now)
				}
				c.end(now, a.epoch, r)
			}
		})
	}
	wg.Wait()
	known := *all.known.Load()
	if len(known) != 10 || len(all.newcomers) > 10 {
		t.Errorf("%d known, %d newcomers", len(known), len(all.newcomers))
	}
	for k, c := range known {
		if c.calls != 0 || c.probing != 0 || all.newcomers[k] != nil || !c.known.Load() {
			t.Errorf("%s: %+v", k.method, c)
		}
	}
}
