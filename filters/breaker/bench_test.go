package breaker

import (
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// BenchmarkCircuit is what a call costs in a circuit that is closed, with all threads on
// one method: go test -bench Circuit -cpu 1,4 ./filters/breaker
func BenchmarkCircuit(b *testing.B) {
	s := defaults()
	s.MaxConcurrent = 1000
	var all circuits
	all.init(defaultMaxMethods)
	k := key{s, name{"shop.Orders", "get"}}
	at := func() time.Duration { return 0 }
	c, _ := all.of(k, at)
	all.keep(c, 0)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for now := time.Duration(0); p.Next(); now += time.Microsecond {
			c, _ := all.of(key{s, name{"shop.Orders", "get"}}, at)
			a := c.admit(now)
			c.end(now, a.epoch, success)
		}
	})
}

// BenchmarkFilter is the same with the hooks around it, beside a call of the host's that
// costs nothing.
func BenchmarkFilter(b *testing.B) {
	f, err := newFilter(nil, silent{})
	if err != nil {
		b.Fatal(err)
	}
	outcome := filter.Outcome{Answered: true}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		var c filter.Call = call{}
		for p.Next() {
			h := f.Begin(c)
			h.Request(c)
			h.End(c, outcome)
		}
	})
}

// TestNoAllocation: a call that passes allocates its handler and nothing else.
func TestNoAllocation(t *testing.T) {
	f, err := newFilter(nil, silent{})
	if err != nil {
		t.Fatal(err)
	}
	var c filter.Call = call{}
	if n := testing.AllocsPerRun(1000, func() {
		h := f.Begin(c)
		h.Request(c)
		h.End(c, filter.Outcome{Answered: true})
	}); n > 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}

// silent is a host that notes nothing.
type silent struct{ filter.Host }

func (silent) Counter(string, ...string) filter.Counter { return filter.Counter{} }
func (silent) Gauge(string, ...string) filter.Gauge     { return filter.Gauge{} }
func (silent) Now() time.Time                           { return time.Unix(0, 0) }

// call is a call of one method.
type call struct{ filter.Call }

func (call) Service() string        { return "shop.Orders" }
func (call) Method() string         { return "get" }
func (call) Timeout() time.Duration { return time.Second }
func (call) RouteConfig() any       { return nil }
