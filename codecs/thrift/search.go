package thrift

import (
	"bytes"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// NewConnection implements sdk.PerConnection: unframed messages that come in pieces
// have to be remembered.
func (c *Codec) NewConnection() sdk.Codec {
	if !c.anyTransport && c.transport != unframed {
		return c
	}
	return &connection{Codec: c}
}

// connection is the codec of one connection.
type connection struct {
	*Codec
	searches [2]*search // by the side that sent
}

// Decode implements sdk.Codec.
func (c *connection) Decode(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
	return c.decode(from, b, m, c)
}

// end is search.end, with a search that is made when it first has to be remembered.
// On no connection nothing is.
func (c *connection) end(from sdk.Side, b []byte, l *layout) (end, need int, err error) {
	if c != nil && c.searches[from&1] != nil {
		return c.searches[from&1].end(b, l)
	}
	var s search
	end, need, err = s.end(b, l)
	if c != nil && need > 0 {
		kept := s
		c.searches[from&1] = &kept
	}
	return end, need, err
}

// search looks for the end of an unframed message. What it has seen of a message it
// remembers, so that each byte is looked at once however many pieces there are.
type search struct {
	skipper skipper
	seen    int // bytes of a message without an end; 0 if there is none
	head    [32]byte
	tail    [32]byte
}

// end returns where the message at the front of b ends. If b ends before, need is a
// length that b must have. If there is an error, end is where.
//
// A host may give up a message and come with another one, so what was found by going
// on counts only if it is found again from the start. That is once for a message.
func (s *search) end(b []byte, l *layout) (end, need int, err error) {
	resumed := s.resumes(b)
	if !resumed {
		s.skipper.start(l.protocol, l.body)
	}
	done, need, err := s.skipper.run(b)
	if resumed && (done || err != nil) {
		s.skipper.start(l.protocol, l.body)
		done, need, err = s.skipper.run(b)
	}
	least := uint64(need) + s.skipper.rest() //nolint:gosec // a length is not negative
	if !done && least > maxLength {
		err = errLong
	}
	if done || err != nil {
		s.seen = 0
		return s.skipper.at, 0, err
	}
	s.seen = len(b)
	copy(s.head[:], b)
	copy(s.tail[:], lastSeen(b))
	return 0, int(least), nil //nolint:gosec // at most maxLength
}

// resumes reports whether b starts with what was seen of a message.
func (s *search) resumes(b []byte) bool {
	if s.seen == 0 || s.seen > len(b) {
		return false
	}
	seen := b[:s.seen]
	n := min(len(seen), len(s.head))
	tail := lastSeen(seen)
	return bytes.Equal(seen[:n], s.head[:n]) && bytes.Equal(tail, s.tail[:len(tail)])
}

func lastSeen(b []byte) []byte { return b[max(0, len(b)-len(search{}.tail)):] }
