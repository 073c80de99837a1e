package cache

import (
	"bytes"
	"crypto/sha256"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// handler is the filter's part in one call.
type handler struct {
	*cache

	rule     *rule
	prefix   []byte // of what is hashed: what the filter knows of the call without its message
	refresh  bool   // the call wants a new answer
	deadline time.Time
	key      key
	keyed    bool
	seat     seat
	waits    bool // it has waited, or does
}

// Request implements filter.Handler.
func (h *handler) Request(c filter.Call) filter.Verdict {
	b, err := h.rule.appendMessage(h.prefix, c)
	if err == nil {
		b, err = c.AppendKey(b)
	}
	h.prefix = nil
	if err != nil {
		h.bypass(c, noKey)
		return filter.Continue
	}
	h.key, h.keyed = sha256.Sum256(b), true
	if h.refresh {
		h.bypass(c, noCache)
		return filter.Continue
	}
	return h.ask(c)
}

// ask looks for an answer, and lets the call go or wait if there is none.
func (h *handler) ask(c filter.Call) filter.Verdict {
	for {
		var g gone
		now := h.now()
		answer, p := h.store.ask(h.key, now, &h.seat, &g)
		if g != (gone{}) {
			h.report(c, g)
		}
		switch {
		case p == answered:
			h.hits.Add(c, 1)
			note(c, "hit")
			return filter.Answer(answer)
		case p == leads:
			return h.lead(c)
		case h.rule.wait == 0:
			h.bypass(c, waited)
			return filter.Continue
		case h.seat.pause != nil:
			h.waits = true
			return filter.Paused
		}
		h.seat.pause = c.Pause(h.patience(now))
	}
}

// patience is how long the call may wait, and what becomes of it then.
func (h *handler) patience(now time.Time) (limit time.Duration, otherwise filter.Verdict) {
	if left := h.deadline.Sub(now); !h.deadline.IsZero() && left <= h.rule.wait {
		return left, filter.Reply(sdk.Failure{Cause: sdk.CauseTimeout, Message: "no answer in time to another call that asked for the same"})
	}
	return h.rule.wait, filter.Continue
}

// lead sends the call to a server.
func (f *cache) lead(c filter.Call) filter.Verdict {
	f.misses.Add(c, 1)
	note(c, "miss")
	return filter.Continue
}

// Response implements filter.Handler.
func (h *handler) Response(c filter.Call) filter.Verdict {
	if !h.keyed {
		return filter.Continue
	}
	if h.waits && !h.seat.resumed {
		h.bypass(c, waited)
	}
	o, ttl := h.judge(c)
	var answer []byte
	if o == good {
		keep := len(c.ResponsePayload()) <= h.rule.maxEntryBytes
		if keep || h.store.followed(&h.seat) {
			answer = bytes.Clone(c.ResponsePayload())
		} else {
			o = unshared // as too long to be kept, it would be copied for nobody
		}
		if keep {
			h.keep(c, &entry{key: h.key, answer: answer, expires: h.now().Add(ttl)})
		}
	}
	h.settle(o, answer)
	return filter.Continue
}

// judge tells whether others can have the answer to the call, and how long it is good.
func (h *handler) judge(c filter.Call) (o outcome, ttl time.Duration) {
	if s := c.Status(); s.Local || s.Code != sdk.OK || len(c.ResponsePayload()) == 0 {
		return failed, 0
	}
	says := readControl(c.ResponseMetadata(), h.control)
	if err := says.readAnswer(c, h.control); err != nil {
		return unshared, 0
	}
	if ttl = says.ttl(h.rule.ttl); ttl == 0 || c.CanAnswer() != nil {
		return unshared, 0
	}
	return good, ttl
}

// End implements filter.Handler.
func (h *handler) End(filter.Call, filter.Outcome) {
	if h.keyed {
		h.settle(failed, nil) // unless Response has
	}
}

// settle ends the call's part in its flight, and wakes those who wait for it.
func (h *handler) settle(o outcome, answer []byte) {
	d := h.store.settle(&h.seat, o)
	if d.leader != nil {
		d.leader.resume(h.lead)
	}
	for _, s := range d.followers {
		if o == good {
			s.resume(func(c filter.Call) filter.Verdict {
				h.coalesced.Add(c, 1)
				note(c, "coalesced")
				return filter.Answer(answer)
			})
			continue
		}
		s.resume(func(c filter.Call) filter.Verdict {
			h.bypass(c, noShare)
			return filter.Continue
		})
	}
}

// resume lets a call that waits go on.
func (s *seat) resume(then filter.Then) {
	s.pause.Resume(func(c filter.Call) filter.Verdict {
		s.resumed = true
		return then(c)
	})
}

// keep keeps an answer.
func (f *cache) keep(c filter.Call, e *entry) {
	var g gone
	f.store.mu.Lock()
	f.store.put(e, f.now(), &g)
	f.store.mu.Unlock()
	f.report(c, g)
}

// report tells how much there is in the store, and what has left it. The gauges are set
// under the lock: of two threads the later one is right.
func (f *cache) report(c filter.Call, g gone) {
	f.store.mu.Lock()
	f.entries.Set(c, uint64(len(f.store.entries)))
	f.bytes.Set(c, uint64(f.store.bytes)) //nolint:gosec // not negative
	f.store.mu.Unlock()
	if g.full > 0 {
		f.evictions.Add(c, g.full, f.name, "full")
	}
	if g.expired > 0 {
		f.evictions.Add(c, g.expired, f.name, "expired")
	}
}
