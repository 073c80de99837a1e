package engine

import (
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Upstream is one connection to a server: it finds messages in the server's bytes
// and pairs replies with open calls. It is the part of the server's edge that both
// carriers share. A [Bridge] opens one call at a time on it, under the caller's own
// id; a carrier of many calls on one connection lets it rewrite ids.
type Upstream struct {
	guarded
	rewrite bool // wire ids are ours

	calls []openCall // by slot
	free  []uint32   // unused slots
	queue []uint32   // slots in the order of their requests, for ordered codecs

	in     inbox
	joined []byte // scratch of in
	wanted int    // how many bytes it takes before decoding makes sense
	goAway bool   // the server wants no more calls
	broken error  // why the connection cannot be used any more

	message sdk.Message
}

// openCall is a call that waits for its reply.
type openCall struct {
	live bool
	wire uint64 // the id on the server's connection
	id   uint64 // the id that the caller chose
	uses uint32 // how often the slot was used, part of a rewritten id
}

// slotBits is how much of a rewritten id is the slot; the rest, up to 31 bits, is
// how often the slot was used. Ids of 31 bits fit into every protocol.
const slotBits = 20

var (
	errUnsolicited = errors.New("the server sent a reply that nobody waits for")
	errOverlong    = errors.New("the server's message is over the limit")
	errNoState     = errors.New("the codec has no state for the connection")
	errTrailing    = errors.New("bytes follow the reply")
)

// upstreamHandler is what a carrier does with what arrives.
type upstreamHandler interface {
	// reply takes the reply of an open call, which is closed by then. The message
	// is borrowed. id is the one that the caller chose. Opaque says that the codec
	// could not read it.
	reply(slot uint32, id uint64, m *sdk.Message, opaque bool)
	// send takes bytes for the server: answers to heartbeats and to requests.
	send(b []byte)
}

func (u *Upstream) reset(c *Config, counts *Counts, rewrite bool) {
	*u = Upstream{
		guarded: guarded{cfg: c, codec: c.codecs[0], counts: counts},
		rewrite: rewrite,
		calls:   u.calls[:0], free: u.free[:0], queue: u.queue[:0], in: u.in, joined: u.joined,
		message: u.message,
	}
	u.in.reset()
	if cap(u.joined) > maxIdleBuffer {
		u.joined = nil
	}
	u.message.Reset()
	if p := c.kinds[0].perConnection; p != nil {
		if !u.connect(p) {
			u.codec, u.broken = c.codecs[0], errNoState
		}
	}
}

// open notes a call with the id that the caller chose, and returns the id that the
// server must see.
func (u *Upstream) open(id uint64) (wire uint64) {
	var slot uint32
	if n := len(u.free); n > 0 {
		slot, u.free = u.free[n-1], u.free[:n-1]
	} else {
		slot = uint32(len(u.calls)) //nolint:gosec // bounded by the carrier's streams
		u.calls = append(u.calls, openCall{})
	}
	c := &u.calls[slot]
	c.live, c.id, c.wire = true, id, id
	if u.rewrite {
		c.uses++
		c.wire = uint64(c.uses)<<slotBits&0x7fffffff | uint64(slot)
	}
	if u.kind().ordered {
		u.queue = append(u.queue, slot)
	}
	return c.wire
}

// take finds the call that a reply belongs to and closes it.
func (u *Upstream) take(m *sdk.Message) (slot uint32, id uint64, ok bool) {
	if u.kind().ordered {
		if len(u.queue) == 0 {
			return 0, 0, false
		}
		slot = u.queue[0]
		u.queue = u.queue[:copy(u.queue, u.queue[1:])]
		ok = u.calls[slot].live
	} else {
		slot, ok = u.slotOf(m.ID)
	}
	if !ok {
		return 0, 0, false
	}
	c := &u.calls[slot]
	c.live = false
	u.free = append(u.free, slot)
	return slot, c.id, true
}

func (u *Upstream) slotOf(wire uint64) (uint32, bool) {
	if u.rewrite {
		slot := wire & (1<<slotBits - 1)
		if slot < uint64(len(u.calls)) && u.calls[slot].live && u.calls[slot].wire == wire {
			return uint32(slot), true
		}
		return 0, false
	}
	for i := range u.calls {
		if u.calls[i].live && u.calls[i].wire == wire {
			return uint32(i), true
		}
	}
	return 0, false
}

// feed takes bytes of the server. An error means that the connection must not be
// used again; it is returned once and kept in broken.
func (u *Upstream) feed(chunks [][]byte, h upstreamHandler) error {
	if u.broken != nil {
		return u.broken
	}
	b, own := u.in.add(chunks, &u.joined)
	for len(b) > 0 && u.broken == nil {
		if len(b) < u.wanted {
			break
		}
		m := &u.message
		m.Reset()
		n, err := u.decode(sdk.FromServer, b, m)
		if errors.Is(err, sdk.ErrNeedMore) {
			if n > u.cfg.maxMessage || n == 0 && len(b) > u.cfg.maxMessage {
				u.broken = errOverlong
			}
			u.wanted = n
			break
		}
		u.wanted = 0
		if n > u.cfg.maxMessage && n <= len(b) {
			u.broken = errOverlong // however it was cut
			break
		}
		if err != nil && (n <= 0 || n > len(b)) {
			u.counts.Add(MetricConnectionErrors, 1)
			u.broken = err
			break
		}
		m.Bytes = b[:n:n]
		u.handle(m, err, h)
		b = b[n:]
	}
	u.in.keep(b, own)
	return u.broken
}

// clean reports whether the connection stands between two messages of the server.
func (u *Upstream) clean() bool { return u.broken == nil && u.in.empty() }

// handle acts on one message of the server.
func (u *Upstream) handle(m *sdk.Message, err error, h upstreamHandler) {
	if err != nil {
		u.counts.Add(MetricDecodeErrors, 1)
	}
	switch m.Kind {
	case sdk.KindResponse:
		slot, id, ok := u.take(m)
		if !ok {
			u.counts.Add(MetricUnmatchedAnswers, 1)
			u.broken = errUnsolicited
			return
		}
		opaque := err != nil
		if err == nil {
			// What cannot be read is passed on as it is: the caller may understand it.
			err := u.metadata(m)
			if opaque = err != nil; opaque && !isUnreadable(err) {
				u.counts.Add(MetricDecodeErrors, 1)
			}
		}
		h.reply(slot, id, m, opaque)
	case sdk.KindHeartbeat:
		u.counts.Add(MetricHeartbeats, 1)
		if b := u.heartbeatReply(nil, m); len(b) > 0 {
			h.send(b)
		}
	case sdk.KindGoAway:
		u.counts.Add(MetricGoAways, 1)
		u.goAway = true
	case sdk.KindRequest:
		u.counts.Add(MetricRefused(sdk.CauseUnsupported), 1)
		call := sdk.Call{ID: m.ID, Token: m.Token}
		failure := sdk.Failure{Cause: sdk.CauseUnsupported, Code: sdk.Unimplemented, Message: "this client serves no calls"}
		if b, ok := u.guarded.reply(nil, call, failure); ok {
			h.send(b)
		}
	case sdk.KindOneWay:
		u.counts.Add(MetricRefused(sdk.CauseUnsupported), 1)
	case sdk.KindHeartbeatReply, sdk.KindUnknown:
	}
}

func isUnreadable(err error) bool {
	var call *sdk.CallError
	return asCallError(err, &call) && call.Cause == sdk.CauseUnreadable
}
