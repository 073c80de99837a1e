package wasm

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
)

// A module runs only while Envoy calls it. As long as a call waits, a timer of Envoy
// calls it each tickPeriod: then goroutines go on, and what they and the timers have
// asked for is carried out.
const tickPeriod = time.Millisecond

// events are what streams have asked to be woken with.
type events struct {
	// The lock is between Envoy's calls and the goroutines of filters. In a module these
	// never run at once; in tests they do.
	mu      sync.Mutex
	posted  []event
	timers  []*timer
	ticking bool
}

// event is an event for a stream.
type event struct {
	stream *stream
	number uint64
}

// timer is an event for later.
type timer struct {
	event
	due time.Time
}

// post asks for an event. Any goroutine calls it.
func (e *events) post(v event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.posted = append(e.posted, v)
}

// postAt asks for an event at a time, and returns what takes it back.
func (e *events) postAt(due time.Time, v event) (stop func()) {
	t := &timer{v, due}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.timers = append(e.timers, t)
	return func() { e.forget(t) }
}

func (e *events) forget(t *timer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at := slices.Index(e.timers, t); at >= 0 {
		e.timers = slices.Delete(e.timers, at, at+1)
	}
}

// take returns what is due.
func (e *events) take(now time.Time) []event {
	e.mu.Lock()
	defer e.mu.Unlock()
	due := e.posted
	e.posted = nil
	e.timers = slices.DeleteFunc(e.timers, func(t *timer) bool {
		if t.due.After(now) {
			return false
		}
		due = append(due, t.event)
		return true
	})
	return due
}

// pending reports whether there will be more.
func (e *events) pending() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.posted)+len(e.timers) > 0
}

// tick starts or stops Envoy's timer. Each hook after which it may be wanted calls it.
func (p *plugin) tick() {
	if pending := p.events.pending(); pending != p.events.ticking {
		period := time.Duration(0) // off
		if pending {
			period = tickPeriod
		}
		if err := proxywasm.SetTickPeriodMilliSeconds(uint32(period.Milliseconds())); err != nil { //nolint:gosec // it is small
			proxywasm.LogErrorf("meltemi: Envoy's timer: %v", err)
		}
		p.events.ticking = pending
	}
}

// OnTick implements types.PluginContext.
func (p *plugin) OnTick() {
	defer p.barrier("a tick", nil)
	runtime.Gosched() // the goroutines of filters
	for _, e := range p.events.take(time.Now()) {
		e.stream.woken(e.number)
	}
	p.tick()
}
