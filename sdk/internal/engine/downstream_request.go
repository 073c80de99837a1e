package engine

import (
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// hardCap is how many times the limit a message may declare before the connection
// is given up instead of skipping it.
const hardCap = 4

// messages takes all whole messages off b and returns the rest.
func (d *Downstream) messages(b []byte) []byte {
	d.drain.lastRead = d.now
	b = d.takeMessages(b)
	d.share.resize(d.cfg.Budget, len(b)) // there is room: it was asked for
	return b
}

// takeMessages is messages without its accounts.
func (d *Downstream) takeMessages(b []byte) []byte {
	for len(b) > 0 && !d.drain.failed {
		if d.skip > 0 {
			n := min(d.skip, len(b))
			d.skip, b = d.skip-n, b[n:]
			continue
		}
		if len(b) < d.wanted && d.share.resize(d.cfg.Budget, len(b)) {
			break
		}
		m := &d.scratch.message
		m.Reset()
		n, err := d.decode(sdk.FromClient, b, m)
		switch {
		case errors.Is(err, sdk.ErrNeedMore):
			switch d.wanted = n; {
			case n > d.cfg.maxMessage:
				d.refuseEarly(m, n, d.overlimit(n))
				continue
			case n == 0 && len(b) > d.cfg.maxMessage:
				d.lost(errOverlimit)
				continue
			case !d.share.resize(d.cfg.Budget, len(b)):
				d.refuseEarly(m, n, overBudget())
				continue
			}
			return b
		case err != nil && (n <= 0 || n > len(b)):
			d.lost(err)
			return nil
		}
		d.wanted = 0
		m.Bytes = b[:n:n]
		if err == nil && n > d.cfg.maxMessage {
			err = d.overlimit(n)
		}
		d.arrived(m, err)
		b = b[n:]
	}
	if d.drain.failed {
		return nil
	}
	return b
}

var errOverlimit = errors.New("the message is over the limit, and its length unknown")

func (d *Downstream) overlimit(n int) error {
	return &sdk.CallError{
		Cause: sdk.CauseTooLarge, Element: "message", Offset: -1,
		Err: fmt.Errorf("%d bytes, limit %d (max_message_bytes)", n, d.cfg.maxMessage),
	}
}

// refuseEarly refuses a message of n bytes before they are here, and skips them.
func (d *Downstream) refuseEarly(m *sdk.Message, n int, err error) {
	d.wanted, d.skip = 0, n
	if n == 0 || m.Kind == sdk.KindUnknown {
		d.lost(err) // nobody knows where it ends, or whom to answer
		return
	}
	switch m.Kind {
	case sdk.KindRequest, sdk.KindOneWay:
		d.called(m, err)
	case sdk.KindUnknown, sdk.KindResponse, sdk.KindHeartbeat, sdk.KindHeartbeatReply, sdk.KindGoAway:
		d.counts.Add(MetricDecodeErrors, 1)
	}
	if n > hardCap*d.cfg.maxMessage {
		d.lost(err)
	}
}

// lost ends the reading: where the next message starts is not known, or not worth
// waiting for. Calls that are open may finish.
func (d *Downstream) lost(error) {
	d.counts.Add(MetricConnectionErrors, 1)
	d.fail()
}

// arrived acts on one message of the client.
func (d *Downstream) arrived(m *sdk.Message, err error) {
	switch m.Kind {
	case sdk.KindRequest, sdk.KindOneWay:
		d.called(m, err)
	case sdk.KindHeartbeat:
		d.counts.Add(MetricHeartbeats, 1)
		d.toPeer = d.heartbeatReply(d.toPeer, m)
	case sdk.KindGoAway:
		d.counts.Add(MetricGoAways, 1)
	case sdk.KindResponse:
		d.counts.Add(MetricUnmatchedAnswers, 1)
	case sdk.KindUnknown:
		d.lost(err) // nobody knows whom to answer
	case sdk.KindHeartbeatReply:
	}
}

// called sends a call to the connection manager, lets it wait, or refuses it.
func (d *Downstream) called(m *sdk.Message, err error) {
	oneway, opaque, err := d.readCall(m, err)
	full := len(d.open) >= d.peer.maxStreams
	switch {
	case err == nil && (d.waiting.len() > 0 || full):
		d.wait(m, nil)
	case err != nil && d.kind().ordered && !oneway && d.waiting.len() > 0:
		d.wait(m, err) // where order counts, it must not overtake the requests before it
	default:
		d.submit(m, oneway, opaque, err)
	}
}

// readCall reads what a call says of itself, unless err tells already that it is refused.
func (d *Downstream) readCall(m *sdk.Message, err error) (oneway, opaque bool, _ error) {
	if err != nil {
		return m.Kind == sdk.KindOneWay, false, err
	}
	if err = d.metadata(m); err != nil && d.cfg.passOpaque && isUnreadable(err) {
		opaque, err = true, nil
	}
	if err == nil && d.drain.refusing() {
		err = &sdk.CallError{Cause: sdk.CauseDraining, Offset: -1, Err: errDraining}
	}
	return d.cfg.isOneway(m), opaque, err
}

// submit sends a call that has a stream, or refuses it.
func (d *Downstream) submit(m *sdk.Message, oneway, opaque bool, err error) {
	if err == nil {
		err = d.scratch.fields.request(d.cfg, &d.guarded, m, &d.env, oneway, opaque)
	}
	if err != nil {
		d.refuse(m, err, oneway)
		return
	}
	d.counts.Add(MetricCalls, 1)
	d.counts.Add(MetricOpenCalls, 1)
	if oneway {
		d.counts.Add(MetricOnewayCalls, 1)
	}
	d.send(d.newCall(m, oneway), m.Bytes)
}

var (
	errDraining = errors.New("the proxy is going away")
	errExpired  = errors.New("the client's time was up before there was a stream for its call")
)

// send opens a stream for the call and writes its frame as far as windows allow.
func (d *Downstream) send(c *call, frame []byte) {
	c.stream = d.nextStream
	if d.nextStream += 2; d.nextStream > maxStreamID-2 {
		d.beginDrain()
		d.drain.final, d.drain.last = true, c.stream
	}
	d.open[c.stream] = c
	if d.kind().ordered && !c.oneway {
		d.order = append(d.order, c)
	}
	d.scratch.block = d.encoder.appendBlock(d.scratch.block[:0], d.scratch.fields.list)
	d.http = appendHeaderBlock(d.http, d.scratch.block, c.stream, d.peer.maxFrame)
	if rest := d.data(c, frame); len(rest) > 0 {
		c.body = append(c.body[:0], rest...)
		d.blocked = append(d.blocked, c)
	}
}

// data writes as much of the frame as the windows allow and returns the rest.
func (d *Downstream) data(c *call, frame []byte) []byte {
	for {
		n := int(min(int64(len(frame)), int64(d.peer.maxFrame), c.window, d.sendWindow))
		if n <= 0 {
			return frame
		}
		c.window -= int64(n)
		d.sendWindow -= int64(n)
		flags := byte(0)
		if n == len(frame) {
			flags = flagEndStream
		}
		d.http = append(appendFrameHeader(d.http, n, frameData, flags, c.stream), frame[:n]...)
		if frame = frame[n:]; len(frame) == 0 {
			return nil
		}
	}
}

// unblock writes what windows had no room for.
func (d *Downstream) unblock() {
	still := d.blocked[:0]
	for _, c := range d.blocked {
		if d.open[c.stream] != c {
			continue // it has ended meanwhile
		}
		rest := d.data(c, c.body)
		c.body = c.body[:copy(c.body, rest)]
		if len(rest) > 0 {
			still = append(still, c)
		}
	}
	clear(d.blocked[len(still):])
	d.blocked = still
}

// refuse answers a message that does not become a request.
func (d *Downstream) refuse(m *sdk.Message, err error, oneway bool) {
	f := failureFrom(err, sdk.CauseMalformed, sdk.InvalidArgument)
	d.counts.Add(MetricRefused(f.Cause), 1)
	d.counts.Add(MetricDecodeErrors, 1)
	if oneway {
		return
	}
	c := d.newCall(m, false)
	if d.kind().ordered {
		d.order = append(d.order, c)
	}
	d.finish(c, f)
}
