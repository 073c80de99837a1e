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
				c, _ := all.of(key{s, "s", string(rune('a' + random.IntN(15)))})
				a := c.admit(now)
				if a.refusal != admitted {
					continue
				}
				r := result(random.IntN(3))
				if r == success {
					all.keep(c)
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
