package engine

import "github.com/meltemi-mesh/meltemi/sdk"

// queue holds requests that wait for a stream of the connection manager, as the
// frames that they came in: header blocks must be made in the order of streams.
type queue struct {
	frames [][]byte // from first on
	first  int
	spare  [][]byte
	size   int // bytes of all frames
}

func (q *queue) len() int { return len(q.frames) - q.first }

func (q *queue) push(frame []byte) {
	var b []byte
	if n := len(q.spare); n > 0 {
		b, q.spare = q.spare[n-1], q.spare[:n-1]
	}
	q.frames = append(q.frames, append(b[:0], frame...))
	q.size += len(frame)
}

// pop takes the oldest frame. It is given back with free.
func (q *queue) pop() []byte {
	b := q.frames[q.first]
	q.frames[q.first] = nil
	q.size -= len(b)
	if q.first++; q.first == len(q.frames) {
		q.frames, q.first = q.frames[:0], 0
	} else if q.first > 1024 && q.first > len(q.frames)/2 {
		q.frames = q.frames[:copy(q.frames, q.frames[q.first:])]
		q.first = 0
	}
	return b
}

func (q *queue) free(b []byte) {
	if len(q.spare) < maxSpare && cap(b) <= maxIdleBuffer {
		q.spare = append(q.spare, b)
	}
}

// wait lets a request wait for a stream, and stops the reading if too many do.
func (d *Downstream) wait(m *sdk.Message) {
	d.waiting.push(m.Bytes)
	d.counts.Add(MetricOpenCalls, 1)
	if !d.paused && (d.waiting.len() >= d.cfg.maxQueued || d.waiting.size >= d.cfg.maxMessage) {
		d.paused = true
		d.out.Reading = ReadPause
	}
}

// admit sends requests that waited, as far as there are streams for them.
func (d *Downstream) admit() {
	m := &d.scratch.message
	for d.waiting.len() > 0 && len(d.open) < d.peer.maxStreams {
		b := d.waiting.pop()
		d.counts.Add(MetricOpenCalls, -1)
		m.Reset()
		n, err := d.decode(sdk.FromClient, b, m)
		if n != len(b) {
			d.lost(err) // it was a message before: a defect of the codec
			return
		}
		m.Bytes = b
		waiting := d.waiting
		d.waiting = queue{} // called must not make it wait again
		d.called(m, err)
		d.waiting = waiting
		d.waiting.free(b)
	}
	if d.paused && !d.drain.failed && d.waiting.len() <= d.cfg.maxQueued/2 && d.waiting.size <= d.cfg.maxMessage/2 {
		d.paused = false
		d.out.Reading = ReadResume
	}
}
