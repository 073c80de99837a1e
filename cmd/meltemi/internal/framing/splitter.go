package framing

import (
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Splitter takes the bytes of one direction as they come, and gives the messages
// in them. It is used by one goroutine at a time.
type Splitter struct {
	codec sdk.Codec
	from  sdk.Side
	limit int

	buf   []byte // buf[at:] is not yet split
	at    int
	start int64 // offset of buf[0] in the direction
	need  int   // length that buf[at:] must have before Decode makes sense again
}

// NewSplitter returns a splitter of what the given side sent. limit is the greatest
// length of a message in bytes; below 1 it is sdk.DefaultMaxMessage.
func NewSplitter(codec sdk.Codec, from sdk.Side, limit int) *Splitter {
	if limit < 1 {
		limit = sdk.DefaultMaxMessage
	}
	return &Splitter{codec: codec, from: from, limit: limit}
}

// Feed adds a copy of b. It ends the life of the messages that Next gave.
func (s *Splitter) Feed(b []byte) {
	if s.at > 0 {
		n := copy(s.buf, s.buf[s.at:])
		s.buf = s.buf[:n]
		s.start += int64(s.at)
		s.at = 0
	}
	s.buf = append(s.buf, b...)
}

// Next reads the next message into m, whose slices are valid until the next Feed.
//
//   - nil: m holds a message.
//   - sdk.ErrNeedMore: the bytes so far end within a message, or between two.
//   - *sdk.CallError: m.Bytes is one message that cannot be served. Go on with Next.
//   - any other error: the boundary is lost at Offset. Every later Next fails in the
//     same way, unless Skip moves on.
func (s *Splitter) Next(m *sdk.Message) error {
	rest := s.buf[s.at:]
	if len(rest) == 0 || len(rest) < s.need {
		m.Reset()
		return sdk.ErrNeedMore
	}
	n, err := decode(s.codec, s.from, rest, m)
	if errors.Is(err, sdk.ErrNeedMore) {
		return s.wait(n, len(rest))
	}
	if n > s.limit {
		return &TooLargeError{Size: n, Limit: s.limit}
	}
	var refused *sdk.CallError
	if err != nil && (!errors.As(err, &refused) || n <= 0 || n > len(rest)) {
		return err
	}
	m.Bytes = rest[:n:n]
	s.at += n
	s.need = 0
	return err
}

// wait notes how much a message of which have bytes are there needs.
func (s *Splitter) wait(need, have int) error {
	if need > s.limit {
		return &TooLargeError{Size: need, Limit: s.limit}
	}
	if have >= s.limit {
		return &TooLargeError{Limit: s.limit}
	}
	s.need = need
	return sdk.ErrNeedMore
}

// End is what the end of the input means here: nil between two messages, and a
// *TruncatedError within one.
func (s *Splitter) End() error {
	if s.Pending() == 0 {
		return nil
	}
	return &TruncatedError{Have: s.Pending(), Need: s.need}
}

// Offset is where the next message starts, counted from the first byte fed.
func (s *Splitter) Offset() int64 { return s.start + int64(s.at) }

// Pending is the number of bytes that no message has taken.
func (s *Splitter) Pending() int { return len(s.buf) - s.at }

// Rest is a view of these bytes, valid until the next Feed.
func (s *Splitter) Rest() []byte { return s.buf[s.at:] }

// Skip leaves out the next n bytes, at most those that are there.
func (s *Splitter) Skip(n int) {
	s.at += min(max(n, 0), s.Pending())
	s.need = 0
}
