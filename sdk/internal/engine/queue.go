package engine

import (
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// queue holds requests that wait for a stream of the connection manager, as the
// frames that they came in: header blocks must be made in the order of streams.
type queue struct {
	items []queued // from first on
	first int
	spare [][]byte
	size  int // bytes of all frames
}

// queued is a request that waits, or where order counts, a refusal that waits for the
// requests before it.
type queued struct {
	frame    []byte
	arrived  time.Time
	deadline time.Time // when its client gives up; zero if the message does not say

	refused error // why there is no frame
	id      uint64
	token   uint64
}

func (q *queue) len() int { return len(q.items) - q.first }

func (q *queue) push(item *queued, frame []byte) {
	if item.refused == nil {
		var b []byte
		if n := len(q.spare); n > 0 {
			b, q.spare = q.spare[n-1], q.spare[:n-1]
		}
		b = append(b[:0], frame...)
		item.frame = b
	}
	q.items = append(q.items, *item)
	q.size += len(item.frame)
}

// pop takes the oldest request. Its frame is given back with free.
func (q *queue) pop() queued {
	item := q.items[q.first]
	q.items[q.first] = queued{}
	q.size -= len(item.frame)
	if q.first++; q.first == len(q.items) {
		q.items, q.first = q.items[:0], 0
	} else if q.first > 1024 && q.first > len(q.items)/2 {
		q.items = q.items[:copy(q.items, q.items[q.first:])]
		q.first = 0
	}
	return item
}

func (q *queue) free(b []byte) {
	if len(q.spare) < maxSpare && cap(b) <= maxIdleBuffer {
		q.spare = append(q.spare, b)
	}
}

// expired takes the requests out whose clients have given up: where order counts, only
// as long as nothing waits before them.
func (q *queue) expired(now time.Time, ordered bool) (late []queued, next time.Time) {
	kept := q.items[:q.first]
	for i := q.first; i < len(q.items); i++ {
		item := q.items[i]
		switch isLate := !item.deadline.IsZero() && !now.Before(item.deadline); {
		case isLate && !(ordered && len(kept) > q.first):
			late = append(late, item)
			q.size -= len(item.frame)
			continue
		case !isLate && !item.deadline.IsZero() && (next.IsZero() || item.deadline.Before(next)):
			next = item.deadline
		}
		kept = append(kept, item)
	}
	clear(q.items[len(kept):])
	q.items = kept
	return late, next
}

// wait lets a request wait for a stream, or its refusal for the requests before it.
func (d *Downstream) wait(m *sdk.Message, refused error) {
	item := queued{arrived: d.now, refused: refused, id: m.ID, token: m.Token}
	if refused == nil && m.Timeout > d.cfg.margin {
		item.deadline = d.now.Add(m.Timeout - d.cfg.margin)
		d.due(item.deadline)
	}
	d.waiting.push(&item, m.Bytes)
	d.counts.Add(MetricOpenCalls, 1)
}

// admit sends requests that waited, as far as there are streams for them.
func (d *Downstream) admit() {
	for d.waiting.len() > 0 && (len(d.open) < d.peer.maxStreams || d.waiting.items[d.waiting.first].refused != nil) {
		item := d.waiting.pop()
		d.resume(&item, nil)
	}
}

// resume acts on a message that waited: it refuses it with err, or sends it if there is
// none.
func (d *Downstream) resume(item *queued, err error) {
	d.counts.Add(MetricOpenCalls, -1)
	m := &d.scratch.message
	m.Reset()
	if item.refused != nil {
		m.Kind, m.ID, m.Token = sdk.KindRequest, item.id, item.token
		d.refuse(m, item.refused, false)
		return
	}
	n, decodeErr := d.decode(sdk.FromClient, item.frame, m)
	if n != len(item.frame) {
		d.lost(decodeErr) // it was a message before: a defect of the codec
		return
	}
	m.Bytes = item.frame
	oneway, opaque, readErr := d.readCall(m, decodeErr)
	if err == nil {
		err = readErr
	}
	if err == nil && m.Timeout > 0 {
		if m.Timeout -= d.now.Sub(item.arrived); m.Timeout <= d.cfg.margin {
			err = expired()
		}
	}
	d.submit(m, oneway, opaque, err)
	d.waiting.free(item.frame)
}

func expired() error {
	return &sdk.CallError{Cause: sdk.CauseTimeout, Offset: -1, Err: errExpired}
}

// expire answers the calls that have waited for longer than their clients do.
func (d *Downstream) expire() {
	if d.waiting.len() == 0 {
		return
	}
	late, next := d.waiting.expired(d.now, d.kind().ordered)
	for i := range late {
		d.resume(&late[i], expired())
	}
	if !next.IsZero() {
		d.due(next)
	}
}

// minHeld is how many bytes a client may make the proxy hold, whatever the longest
// message is.
const minHeld = 1 << 20

// holding is how much of what the client sent, or is to get, the proxy holds: requests that
// wait for a stream or for a window, and replies that wait for their turn.
func (d *Downstream) holding() (calls, bytes int) {
	calls, bytes = d.waiting.len()+d.kept, d.waiting.size+d.keptBytes
	for _, c := range d.blocked {
		bytes += len(c.body)
	}
	return calls, bytes
}

// pressure tells whether the client should not be read from now, and whether it may be
// again.
func (d *Downstream) pressure() (pause, resume bool) {
	limit := max(d.cfg.maxMessage, minHeld)
	calls, bytes := d.holding()
	if d.drain.failed {
		return false, false // it is paused, and stays so
	}
	return !d.paused && (calls >= d.cfg.maxQueued || bytes >= limit), d.paused && calls <= d.cfg.maxQueued/2 && bytes <= limit/2
}

// throttle stops and resumes the reading.
func (d *Downstream) throttle() {
	switch pause, resume := d.pressure(); {
	case pause:
		d.paused = true
		d.out.Reading = ReadPause
	case resume:
		d.paused = false
		d.out.Reading = ReadResume
	}
}
