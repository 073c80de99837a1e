package record

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

const (
	// queueCalls bounds the queue beside its bytes.
	queueCalls = 1024
	// retryAfter is how long nothing is tried after a write that failed.
	retryAfter = 5 * time.Second
)

// writer writes calls to files, on a goroutine of its own that begins with the first
// call and ends with close. All threads may use it at once.
type writer struct {
	host  filter.Host
	room  int64
	files files

	queue   chan *entry
	pending atomic.Int64  // bytes that open calls and the queue hold
	lost    atomic.Uint64 // calls that could not be written and that nobody has counted yet
	begin   sync.Once
	closing chan struct{}
	ended   chan struct{} // closed when the goroutine has ended
}

// entry is a call on its way to the file.
type entry struct {
	call *format.Call
	held int64 // bytes of the room, which the writer gives back
}

func newWriter(s *settings, h filter.Host) *writer {
	return &writer{
		host: h, room: s.MaxPendingBytes, queue: make(chan *entry, queueCalls),
		closing: make(chan struct{}), ended: make(chan struct{}),
		files: files{
			directory: s.Directory, name: s.Name, maxBytes: s.MaxFileBytes, maxAge: time.Duration(s.MaxFileAge), keep: s.Keep,
			header: header(h),
		},
	}
}

// header is the header of the files but for the time.
func header(h filter.Host) format.Header {
	known := h.Codecs()
	codecs := make([]format.Codec, 0, len(known))
	for _, c := range known {
		codecs = append(codecs, format.Codec{Name: c.Name, Config: c.Config})
	}
	return format.Header{Codecs: codecs}
}

// reserve takes n bytes of the room, if there are as many.
func (w *writer) reserve(n int64) bool {
	if w.pending.Add(n) > w.room {
		w.pending.Add(-n)
		return false
	}
	return true
}

func (w *writer) release(n int64) { w.pending.Add(-n) }

// put hands a call over. It reports whether the queue had a place for it; if not, the
// room stays with the caller.
func (w *writer) put(e *entry) bool {
	w.begin.Do(func() { go w.run() })
	select {
	case w.queue <- e:
		return true
	default:
		return false
	}
}

// close lets the goroutine write what is in the queue and end. It does not wait.
func (w *writer) close() { close(w.closing) }

func (w *writer) run() {
	defer close(w.ended)
	var o outage
	for {
		select {
		case e := <-w.queue:
			w.write(e, &o)
		case <-w.closing:
			for len(w.queue) > 0 { // nobody adds to it any more
				w.write(<-w.queue, &o)
			}
			w.files.close()
			return
		}
	}
}

// outage is a time in which nothing can be written.
type outage struct {
	on    bool
	retry time.Time
}

// write writes a call. It must not panic, since nobody else could recover.
func (w *writer) write(e *entry, o *outage) {
	defer w.release(e.held)
	defer func() {
		if value := recover(); value != nil {
			w.lost.Add(1)
			w.host.Log(filter.Error, "a call is not recorded: panic: %v", value)
		}
	}()
	now := w.host.Now()
	if o.on && now.Before(o.retry) {
		w.lost.Add(1)
		return
	}
	err := w.files.write(e.call, now)
	switch {
	case err != nil:
		w.lost.Add(1)
		if !o.on {
			w.host.Log(filter.Error, "calls are not recorded: %v; trying again every %v", err, retryAfter)
		}
		*o = outage{on: true, retry: now.Add(retryAfter)}
	case o.on:
		*o = outage{}
		w.host.Log(filter.Info, "calls are recorded again")
	}
	if stale := w.files.stale; stale != nil {
		w.files.stale = nil
		w.host.Log(filter.Warn, "an old file stays: %v", stale)
	}
}
