package thrift

import (
	"github.com/meltemi-mesh/meltemi/sdk"
)

// skipper finds the end of a struct without recursion, so that it can stop where the
// bytes end and go on from there when more have come. What has been skipped is not
// looked at again.
type skipper struct {
	protocol protocol
	at       int // where the next element starts
	depth    int // how many levels are open
	levels   [sdk.MaxDepth]level
}

// level is a struct or a container whose end has not been reached.
type level struct {
	types [2]wireType // of the elements; keys and values alternate in a map
	pairs bool        // a map
	left  uint32      // elements, keys and values counted apart; unused in a struct
	fixed bool        // a container and no struct
}

// start makes s skip the struct that starts at at.
func (s *skipper) start(p protocol, at int) {
	s.protocol, s.at, s.depth = p, at, 1
	s.levels[0] = level{}
}

// run goes on in b. It returns done at the end of the struct, with s.at behind it. If
// b ends before, need is a length that b must have; it may have to be longer still.
// The error is about what starts at s.at.
func (s *skipper) run(b []byte) (done bool, need int, err error) {
	return s.runTo(b, 0)
}

// runTo is run until no more than depth levels are open.
func (s *skipper) runTo(b []byte, depth int) (done bool, need int, err error) {
	for s.depth > depth {
		l := &s.levels[s.depth-1]
		if !l.fixed {
			if need, err = s.field(b); need > 0 || err != nil {
				return false, need, err
			}
			continue
		}
		if l.left == 0 {
			s.depth--
			continue
		}
		t := l.types[0]
		if l.pairs {
			t = l.types[l.left&1]
		}
		next, need, err := s.value(b, s.at, t) // which may open a level above l
		if need > 0 || err != nil {
			return false, need, err
		}
		s.at = next
		l.left--
	}
	return true, 0, nil
}

func (s *skipper) push(l level) error {
	if s.depth == len(s.levels) {
		return errDepth
	}
	s.levels[s.depth] = l
	s.depth++
	return nil
}

// field skips the next field of a struct, or ends the struct.
func (s *skipper) field(b []byte) (need int, err error) {
	f, need, err := readField(b, s.at, s.protocol)
	switch {
	case need > 0 || err != nil:
		return need, err
	case f.kind == tStop:
		s.at = f.value
		s.depth--
		return 0, nil
	case f.inline:
		s.at = f.value
		return 0, nil
	}
	next, need, err := s.value(b, f.value, f.kind)
	if need == 0 && err == nil {
		s.at = next
	}
	return need, err
}

// rest is how many bytes must at least follow what run has asked for: one for each
// element that has not begun, and one for the end of each struct but the innermost.
func (s *skipper) rest() (n uint64) {
	for i := range s.depth {
		l := &s.levels[i]
		innermost := i == s.depth-1
		switch {
		case l.fixed && innermost:
			n += uint64(l.left) - 1 // run has asked for a part of one
		case l.fixed:
			n += uint64(l.left)
		case !innermost:
			n++
		}
	}
	return n
}

// value skips a value of type t at b[at:], or opens its level if it has elements. It
// returns where to go on.
func (s *skipper) value(b []byte, at int, t wireType) (next, need int, err error) {
	if n := t.size(s.protocol); n > 0 {
		return s.until(b, at, uint64(n))
	}
	most := varint32
	switch t {
	case tString:
		n, from, need, err := readLength(b, at, s.protocol)
		if need > 0 || err != nil {
			return 0, need, err
		}
		return s.until(b, from, n)
	case tStruct:
		return at, 0, s.push(level{})
	case tList, tSet, tMap:
		c, need, err := readContainer(b, at, t, s.protocol)
		if need > 0 || err != nil {
			return 0, need, err
		}
		return s.container(b, c)
	case tI64:
		most = varint64
	default: // i16 and i32 of the compact protocol
	}
	_, next = varint(b, at, most)
	switch {
	case next < 0:
		return 0, 0, errVarint
	case next == 0:
		return 0, len(b) + 1, nil
	}
	return next, 0, nil
}

// container skips a container at once if all its elements have the same size, and
// opens a level otherwise.
func (s *skipper) container(b []byte, c container) (next, need int, err error) {
	if c.left == 0 {
		return c.elements, 0, nil // of types that need not exist
	}
	value, key := c.types[0].size(s.protocol), c.types[1].size(s.protocol)
	switch {
	case c.pairs && key > 0 && value > 0:
		return s.until(b, c.elements, uint64(c.left/2)*uint64(key+value))
	case !c.pairs && value > 0:
		return s.until(b, c.elements, uint64(c.left)*uint64(value))
	}
	return c.elements, 0, s.push(c.level)
}

// until skips n bytes.
func (s *skipper) until(b []byte, at int, n uint64) (next, need int, err error) {
	if n > maxLength {
		return 0, 0, errLong
	}
	end := at + int(n)
	if end > len(b) {
		return 0, end, nil
	}
	return end, 0, nil
}
