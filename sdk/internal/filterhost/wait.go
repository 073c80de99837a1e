package filterhost

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// pause is a call that waits; filter.Pause. The lock is between the call's thread and
// the goroutine that resumes it, and is held for one exchange.
type pause struct {
	stream    Stream
	event     uint64 // the number of this pause, with a bit less for what happened
	otherwise filter.Verdict
	ctx       context.Context //nolint:containedctx // it is this pause's, handed to whoever works for it
	cancel    context.CancelFunc
	stopTimer func()

	mu   sync.Mutex
	over bool
	then filter.Then
}

// What an event is about, beside the number of a pause.
const (
	eventResumed = 0
	eventLimit   = 1
	eventBits    = 1
)

// Context implements filter.Pause.
func (p *pause) Context() context.Context { return p.ctx }

// Resume implements filter.Pause.
func (p *pause) Resume(then filter.Then) {
	p.mu.Lock()
	if p.over || p.then != nil || then == nil {
		p.mu.Unlock()
		return
	}
	p.then = then
	p.mu.Unlock()
	p.stream.Wake(p.event | eventResumed)
}

// end makes later calls of Resume do nothing, and returns what one has left.
func (p *pause) end() filter.Then {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	p.cancel()
	p.stopTimer()
	return p.then
}

// Pause implements filter.Call.
func (c *Call) Pause(limit time.Duration, otherwise filter.Verdict) filter.Pause {
	c.unpause()
	c.pauses++
	p := &pause{stream: c.stream, event: c.pauses << eventBits, otherwise: otherwise}
	p.ctx, p.cancel = c.config.env.Cancellable()
	p.stopTimer = c.stream.WakeIn(max(limit, time.Millisecond), p.event|eventLimit)
	if c.over {
		p.end()
		return p
	}
	c.pause = p
	return p
}

// Go implements filter.Call.
func (c *Call) Go(limit time.Duration, otherwise filter.Verdict, work func(ctx context.Context) filter.Then) filter.Verdict {
	p, config := c.Pause(limit, otherwise), c.config
	go func() {
		defer func() {
			if value := recover(); value != nil {
				config.env.OnPanic("filter "+config.name+": work of Call.Go", value, debug.Stack())
				p.Resume(func(c filter.Call) filter.Verdict {
					config.panics.Add(c, 1)
					return filter.Reply(internalFailure)
				})
			}
		}()
		then := work(p.Context())
		if then == nil {
			then = func(filter.Call) filter.Verdict { return filter.Continue }
		}
		p.Resume(then)
	}()
	return filter.Paused
}

// Woken is called with an event that the call asked for (Stream.Wake).
func (c *Call) Woken(event uint64) *Output {
	if c.callout != nil && event == c.callout.event {
		return c.CalledOut(nil)
	}
	if c.grpc != nil && event&^eventLimit == c.grpc.event {
		return c.wokenGRPC(event)
	}
	p := c.pause
	if p == nil || p.event != event&^1 {
		return c.nothing()
	}
	c.pause = nil
	then := p.end()
	if event&1 == eventLimit {
		otherwise := p.otherwise
		if otherwise.Kind() == filter.KindPaused {
			otherwise = filter.Reply(internalFailure)
		}
		return c.decide(otherwise)
	}
	return c.decide(c.guard("a function that Call.Go or Pause was given", func() filter.Verdict { return then(c) }))
}

// unpause ends a pause that the call does not wait for any more.
func (c *Call) unpause() {
	if c.pause != nil {
		c.pause.end()
		c.pause = nil
	}
	c.callout = nil
	if c.grpc != nil {
		c.grpc.stopTimer()
		c.grpc = nil
	}
}

// internalFailure is what a call gets from a filter that is defective.
var internalFailure = sdk.Failure{Cause: sdk.CauseInternal, Code: sdk.Internal}
