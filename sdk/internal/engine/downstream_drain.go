package engine

import (
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// drain is how a connection comes to its end.
type drain struct {
	draining  bool      // the connection manager wants no new streams soon
	began     time.Time // when it said so
	mute      bool      // the client cannot be asked to go
	parting   []byte    // the answer that it is left behind
	final     bool      // and takes none above last
	last      uint32    // the last stream that it served
	failed    bool      // the client's side is lost: finish what is open, then close
	giveUp    time.Time // when a failed connection is closed whatever is open
	lastRead  time.Time // for heartbeats
	heartbeat uint64    // id of the last one
	closeNow  bool
	ended     bool      // the client has closed its side
	endBy     time.Time // when the connection is closed then, whatever is open
}

const (
	// leaveGrace is how long a client may take to go, or to come to an answer behind
	// which it can be left, until the connection is closed under it, once it is empty.
	leaveGrace = time.Second
	// endGrace is how long one-way calls may take to reach a server, after their client
	// has closed its side: as long as Envoy lets a connection take by default.
	endGrace = 5 * time.Second
	// failGrace is how long open calls of a broken connection may take.
	failGrace = time.Second
)

// goAwayFrame is the connection manager's GOAWAY. Envoy sends two: one with the
// highest id, so that no stream is lost meanwhile, and a final one.
func (d *Downstream) goAwayFrame(last uint32) {
	d.beginDrain()
	if last >= maxStreamID {
		return
	}
	d.drain.final, d.drain.last = true, last
	for stream, c := range d.open {
		if stream <= last {
			continue
		}
		d.forget(c)
		if c.oneway {
			d.release(c)
			continue
		}
		d.finish(c, sdk.Failure{Cause: sdk.CauseDraining, Code: sdk.Unavailable, Message: errDraining.Error()})
	}
}

// Ended tells that the client has closed its side. Nobody waits for an answer then, but
// the one-way calls that it has sent still go to the server: clients may close as soon
// as they have sent one. It is called once, before the Read of the last bytes, which
// may be none.
func (d *Downstream) Ended(now time.Time) {
	d.drain.ended, d.drain.endBy = true, now.Add(endGrace)
	d.due(d.drain.endBy)
}

// onewayOpen reports whether a one-way call is on its way, or may be among those that
// wait.
func (d *Downstream) onewayOpen() bool {
	if d.waiting.len() > 0 {
		return true
	}
	for _, c := range d.open {
		if c.oneway {
			return true
		}
	}
	return false
}

// beginDrain asks the client to go, if its protocol can say so.
func (d *Downstream) beginDrain() {
	if d.drain.draining {
		return
	}
	d.drain.draining, d.drain.began = true, d.now
	d.counts.Add(MetricGoAways, 1)
	before := len(d.toPeer)
	d.toPeer = d.guarded.goAway(d.toPeer)
	d.drain.mute = len(d.toPeer) == before
	d.due(d.now.Add(leaveGrace))
}

// refusing reports whether new calls would not be served any more.
func (d *drain) refusing() bool { return d.final }

// fail ends the reading from the client.
func (d *Downstream) fail() {
	if d.drain.failed {
		return
	}
	d.drain.failed = true
	d.drain.giveUp = d.now.Add(failGrace)
	d.out.Reading = ReadPause
	d.due(d.drain.giveUp)
}

// broken ends the connection because the connection manager's side is lost. Its calls
// have their answers before.
func (d *Downstream) broken() {
	d.counts.Add(MetricConnectionErrors, 1)
	for _, c := range d.open {
		d.forget(c)
		if !c.oneway {
			d.finish(c, sdk.Failure{Cause: sdk.CauseInternal, Code: sdk.Internal, Message: errHTTP2.Error()})
		}
	}
	for d.waiting.len() > 0 {
		item := d.waiting.pop()
		d.resume(&item, internalError(errHTTP2))
	}
	d.drain.failed, d.drain.closeNow = true, true
}

// closing says whether the connection should end now.
func (d *Downstream) closing() CloseKind {
	idle := d.idle()
	switch {
	case d.drain.closeNow || d.drain.failed && !d.drain.giveUp.IsZero() && !d.now.Before(d.drain.giveUp):
		return CloseAfterFlush
	case d.drain.failed && idle:
		return CloseAfterFlush
	case d.drain.ended && (!d.onewayOpen() || !d.now.Before(d.drain.endBy)):
		return CloseAfterFlush
	case d.drain.draining && idle && d.in.empty() && d.skip == 0 && d.left():
		return CloseAfterFlush
	}
	return CloseNone
}

// idle reports whether no call is open or waits.
func (d *Downstream) idle() bool {
	return len(d.open) == 0 && d.waiting.len() == 0 && len(d.order) == 0
}

// left reports whether the client has had the time to go. One that cannot be asked to
// is left together with an answer: a close that comes later may cross the next call,
// which is lost then.
func (d *Downstream) left() bool {
	return d.drain.mute && len(d.toPeer) > 0 || d.now.Sub(d.drain.began) >= leaveGrace
}

// part holds the answer back that a client is to be left together with, since nothing
// can be closed from Write.
func (d *Downstream) part() {
	if d.drain.mute && d.idle() {
		d.drain.parting = append(d.drain.parting, d.toPeer...)
		d.toPeer = d.toPeer[:0]
	}
}

// due makes Wake come no later than at t.
func (d *Downstream) due(t time.Time) {
	if d.deadline.IsZero() || t.Before(d.deadline) {
		d.deadline = t
	}
}

// tick does what was waiting for its time, or for a moment when it is allowed.
func (d *Downstream) tick() {
	if !d.deadline.IsZero() && !d.now.Before(d.deadline) {
		d.deadline = time.Time{}
		if d.drain.draining && !d.left() {
			d.due(d.drain.began.Add(leaveGrace))
		}
		if d.drain.failed && !d.drain.giveUp.IsZero() {
			d.due(d.drain.giveUp)
		}
		if d.drain.ended {
			d.due(d.drain.endBy)
		}
	}
	switch d.mode {
	case undecided:
		if !d.decideBy.IsZero() && !d.now.Before(d.decideBy) {
			d.unrecognised()
		}
		return
	case isHTTP, isNothing:
		return
	case isRPC:
	}
	d.expire()
	d.admit()
	d.probe()
}

// probe sends a heartbeat to a client that has been silent, if configured.
func (d *Downstream) probe() {
	interval := d.cfg.heartbeat
	if interval <= 0 || d.kind().prober == nil || d.drain.failed {
		return
	}
	if silent := d.now.Sub(d.drain.lastRead); silent < interval {
		d.due(d.now.Add(interval - silent))
		return
	}
	d.drain.heartbeat++
	d.toPeer = d.guarded.heartbeat(d.toPeer, d.drain.heartbeat)
	d.due(d.now.Add(interval))
}
