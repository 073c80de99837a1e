package explain

import (
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/capture"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// Streams explains the streams of a capture. It implements capture.Sink.
type Streams struct {
	codec   sdk.Codec
	limit   int
	emit    func(Record)
	streams map[int]*conversation

	// Paths are those of each Direction.
	Paths []sdk.Path
}

// conversation is a stream with its two directions.
type conversation struct {
	codec      sdk.Codec
	directions [2]*Direction // by side; nil if it sent nothing
	bytes      int64
	open       int // directions that have not ended
}

// NewStreams returns an explainer of captures; limit is the greatest length of a
// message. emit is called with each *Frame, *Problem and *Ignored, and owns it.
func NewStreams(codec sdk.Codec, limit int, emit func(Record)) *Streams {
	return &Streams{codec: codec, limit: limit, emit: emit, streams: make(map[int]*conversation)}
}

// Data implements capture.Sink.
func (s *Streams) Data(st *capture.Stream, from sdk.Side, b []byte, at time.Time) {
	c, d := s.direction(st, from, true)
	c.bytes += int64(len(b))
	d.Feed(b, at)
}

// Gap implements capture.Sink.
func (s *Streams) Gap(st *capture.Stream, from sdk.Side, n int) {
	// Where the beginning is missing, bytes that are no message prove nothing.
	_, d := s.direction(st, from, false)
	d.Gap(n)
}

// End implements capture.Sink.
func (s *Streams) End(st *capture.Stream, from sdk.Side) {
	c, d := s.direction(st, from, true)
	d.End()
	c.open--
	if c.open > 0 {
		return
	}
	delete(s.streams, st.Number)
	var foreign *Problem
	frames := 0
	for _, d := range c.directions {
		if d == nil {
			continue
		}
		frames += d.frames
		if d.foreign != nil && foreign == nil {
			foreign = d.foreign
		}
	}
	if foreign != nil && frames == 0 {
		s.emit(&Ignored{Stream: st.Number, Client: st.Client, Server: st.Server, Reason: foreign.Fault.Text, Bytes: c.bytes})
		return
	}
	for _, d := range c.directions {
		if d != nil && d.foreign != nil {
			d.foreign.Skipped = d.unread
			s.emit(d.foreign)
		}
	}
}

// direction finds or makes the explainer of a direction.
func (s *Streams) direction(st *capture.Stream, from sdk.Side, strict bool) (*conversation, *Direction) {
	c := s.streams[st.Number]
	if c == nil {
		c = &conversation{codec: s.codec}
		if p, ok := s.codec.(sdk.PerConnection); ok {
			c.codec = p.NewConnection()
		}
		s.streams[st.Number] = c
	}
	d := c.directions[from]
	if d == nil {
		place := Place{Stream: st.Number, Client: st.Client, Server: st.Server}
		d = NewDirection(c.codec, from, s.limit, place, s.emit)
		d.strict, d.Paths = strict, s.Paths
		c.directions[from] = d
		c.open++
	}
	return c, d
}
