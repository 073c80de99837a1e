package explain

import (
	"errors"
	"fmt"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// Direction explains the bytes that one side sent. It is used by one goroutine.
type Direction struct {
	// Paths are looked up in requests; to be set before Feed. The codec is a
	// sdk.ArgumentReader that knows them, if there are any.
	Paths []sdk.Path

	codec sdk.Codec
	split *framing.Splitter
	place Place
	emit  func(Record)

	m       sdk.Message
	lost    *Problem // the boundary is lost since here
	least   int      // what Resync skips at least
	skip    int      // bytes of a message over the limit that are still to come
	strict  bool     // a direction that does not start with a message is not read
	foreign *Problem // what a strict direction started with
	unread  int64    // bytes of a foreign direction
	frames  int
}

// NewDirection returns an explainer of what the given side sent. place is copied into
// each record; limit is the greatest length of a message. emit is called with each
// *Frame and *Problem, and owns it.
func NewDirection(codec sdk.Codec, from sdk.Side, limit int, place Place, emit func(Record)) *Direction {
	place.From = from.String()
	return &Direction{codec: codec, split: framing.NewSplitter(codec, from, limit), place: place, emit: emit}
}

// Feed explains the messages that end in b. at is when b was captured, zero if that is
// not known.
func (d *Direction) Feed(b []byte, at time.Time) {
	if d.foreign != nil {
		d.unread += int64(len(b))
		return
	}
	d.place.Time = nil
	if !at.IsZero() {
		d.place.Time = &at
	}
	d.split.Feed(b)
	for d.foreign == nil && d.step() {
	}
}

// Gap says that n bytes are missing here, or an unknown number if n is negative. The
// bytes behind are searched for the next message.
func (d *Direction) Gap(n int) {
	if d.foreign != nil {
		return
	}
	text := fmt.Sprintf("%d bytes are missing in the capture", n)
	if n < 0 {
		text = "the capture begins in the middle of the stream"
	}
	d.flush()
	pending := d.split.Pending()
	if pending > 0 {
		text = fmt.Sprintf("%s; the %d bytes before are the beginning of a message", text, pending)
	}
	d.lost = d.problem(errors.New(text))
	d.lost.Skipped = int64(pending)
	d.split.Skip(pending)
	d.skip, d.least = 0, 0
}

// End says that no more bytes will come.
func (d *Direction) End() {
	if d.foreign != nil {
		return
	}
	if d.skip > 0 {
		d.emit(d.problem(fmt.Errorf("ends in the middle of a message: %d bytes of it are missing", d.skip)))
	}
	if d.lost == nil {
		if err := d.split.End(); err != nil {
			d.lost = d.problem(err)
			d.lost.Fault.Context = hexContext(d.split.Rest(), d.split.Offset(), d.split.Pending())
		}
	}
	d.flush()
}

// step does one thing with the bytes that are there, and reports whether there may be
// more to do.
func (d *Direction) step() bool {
	if d.skip > 0 {
		n := min(d.skip, d.split.Pending())
		d.split.Skip(n)
		d.skip -= n
		return d.skip == 0
	}
	if d.lost != nil {
		n, found := d.split.Resync(d.least)
		d.least = 0
		d.lost.Skipped += int64(n)
		if !found {
			return false
		}
		d.emit(d.lost)
		d.lost = nil
	}
	offset := d.split.Offset()
	err := d.split.Next(&d.m)
	var refused *sdk.CallError
	switch {
	case err == nil, errors.As(err, &refused):
		d.frames++
		d.emit(d.frame(offset, err))
		return true
	case errors.Is(err, sdk.ErrNeedMore):
		return false
	}
	d.lose(err)
	return true
}

// lose deals with a place where no message can be read.
func (d *Direction) lose(err error) {
	p := d.problem(err)
	p.Fault = fault(err, d.split.Rest(), d.split.Offset())
	var large *framing.TooLargeError
	if errors.As(err, &large) && large.Size > 0 && d.m.Kind != sdk.KindUnknown {
		d.skip = large.Size
		p.Skipped = int64(large.Size)
		d.emit(p)
		return
	}
	if d.strict && d.frames == 0 {
		d.foreign = p
		d.unread = int64(d.split.Pending())
		return
	}
	d.lost, d.least = p, 1
}

// flush emits the problem that is open.
func (d *Direction) flush() {
	if d.lost != nil {
		pending := d.split.Pending()
		d.lost.Skipped += int64(pending)
		d.split.Skip(pending)
		d.emit(d.lost)
		d.lost = nil
	}
}

// problem is a problem at the current place.
func (d *Direction) problem(err error) *Problem {
	p := &Problem{Place: d.place, Fault: Fault{Text: err.Error(), Offset: -1}}
	p.Offset = d.split.Offset()
	return p
}
