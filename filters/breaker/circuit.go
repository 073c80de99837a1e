package breaker

import (
	"sync"
	"sync/atomic"
	"time"
)

// phase is the state of a circuit, by the number that the gauge shows.
type phase uint8

const (
	closed phase = iota
	halfOpen
	open
)

// refusal is why a call may not pass.
type refusal uint8

const (
	admitted refusal = iota
	refusedOpen
	refusedHalfOpen // as many calls as may do so are trying already
	refusedConcurrent
)

// event is what has become of a circuit.
type event uint8

const (
	unchanged event = iota
	opened
	probed   // open_time is over: it is half open
	reopened // a probe has failed
	stalled  // open again, since probes take too long
	recovered
)

// result is what a call tells of its server.
type result uint8

const (
	nothing result = iota
	success
	failure
)

// circuit is the breaker of one method. All threads use it; the lock is held for a few
// instructions. Times are those since the filter was made.
type circuit struct {
	key
	known atomic.Bool // it has a lasting place

	mu      sync.Mutex
	phase   phase
	epoch   uint64        // how often the phase has changed: calls of an earlier one tell nothing
	calls   int           // under way, of all epochs
	probing int           // under way, of this epoch, while it is half open
	passed  int           // probes that succeeded
	used    time.Duration // when a call last came
	until   time.Duration // open: when it will be half open; half open: when the probes have taken too long
	window  window
}

// admission is the answer to a call that wants to pass.
type admission struct {
	refusal refusal
	epoch   uint64 // for end
	probe   bool
	event   event
}

func newCircuit(k key, now time.Duration) *circuit {
	return &circuit{key: k, used: now, window: newWindow(time.Duration(k.settings.Window))}
}

// forsakenAfter is how many of its windows and open times a circuit is not used until it
// is thought that it never will be.
const forsakenAfter = 10

// forsaken tells that no call is under way and that none has come for long. What the
// circuit remembers is older than its window by then, and its open time is over.
func (c *circuit) forsaken(now time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls == 0 && now-c.used > forsakenAfter*time.Duration(c.settings.Window+c.settings.OpenTime)
}

// admit decides about a call. One that passed must be ended.
func (c *circuit) admit(now time.Duration) (a admission) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.settings
	c.used = now
	switch {
	case c.phase == open && now >= c.until:
		c.turn(halfOpen)
		a.event = probed
	case c.phase == halfOpen && c.probing >= s.Probes && now >= c.until:
		c.open(now)
		a.event = stalled
	}
	switch {
	case c.phase == open:
		a.refusal = refusedOpen
	case c.phase == halfOpen && c.probing >= s.Probes:
		a.refusal = refusedHalfOpen
	case s.MaxConcurrent > 0 && c.calls >= s.MaxConcurrent:
		a.refusal = refusedConcurrent
	default:
		c.calls++
		a.epoch = c.epoch
		if c.phase == halfOpen {
			c.probing++
			c.until = now + time.Duration(s.OpenTime)
			a.probe = true
		}
	}
	return a
}

// end notes the result of a call that passed in that epoch.
func (c *circuit) end(now time.Duration, epoch uint64, r result) event {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls--
	switch {
	case epoch != c.epoch:
		return unchanged
	case c.phase == halfOpen:
		return c.endProbe(now, r)
	case r == nothing || c.settings.FailurePercent == 0:
		return unchanged
	}
	c.window.add(now, r == failure)
	if r == failure && c.tooMany() {
		c.open(now)
		return opened
	}
	return unchanged
}

// tooMany tells whether the calls in the window open the circuit.
func (c *circuit) tooMany() bool {
	sum := c.window.sum
	return sum.calls >= c.settings.MinCalls && 100*sum.failures >= c.settings.FailurePercent*sum.calls
}

// endProbe is end for a call that passed while the circuit was half open, which it still is.
func (c *circuit) endProbe(now time.Duration, r result) event {
	c.probing--
	switch r {
	case failure:
		c.open(now)
		return reopened
	case success:
		if c.passed++; c.passed >= c.settings.Successes {
			c.turn(closed)
			return recovered
		}
	case nothing: // another may try
	}
	return unchanged
}

func (c *circuit) open(now time.Duration) {
	c.turn(open)
	c.until = now + time.Duration(c.settings.OpenTime)
}

func (c *circuit) turn(p phase) {
	c.phase, c.probing, c.passed = p, 0, 0
	c.epoch++
	c.window.clear()
}
