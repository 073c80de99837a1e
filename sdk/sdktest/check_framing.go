package sdktest

import (
	"bytes"
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// checkDecode reads each frame, and compares with what it says of itself.
func checkDecode(c *checker) {
	for i := range c.Frames {
		f := &c.Frames[i]
		c.on(f)
		c.tried()
		m := &sdk.Message{}
		err := c.read(c.connection(), f.From, f.Bytes, m)
		cause, refused := causeOf(err)
		switch {
		case f.Refused != sdk.CauseUnknown:
			if !refused || cause != f.Refused {
				c.fail(f.Bytes, "must be refused as %v, and gets: %v", f.Refused, err)
			}
		case errors.Is(err, sdk.ErrNeedMore):
			c.fail(f.Bytes, "Decode wants more bytes than the message has")
		case err != nil:
			c.fail(f.Bytes, "is not read: %v", err)
		default:
			if err := f.expect(readingOf(m)); err != nil {
				c.fail(f.Bytes, "%v", err)
			}
		}
	}
}

// checkPrefixes cuts each frame at each byte: a part is no message, and no error.
func checkPrefixes(c *checker) {
	for i := range c.Frames {
		f := &c.Frames[i]
		c.on(f)
		for _, n := range points(len(f.Bytes)) {
			c.tried()
			m := &sdk.Message{}
			want, err := c.decode(c.connection(), f.From, f.Bytes[:n:n], m)
			switch {
			case !errors.Is(err, sdk.ErrNeedMore):
				c.fail(f.Bytes[:n], "Decode of the first %d of %d bytes: message of %d bytes, error %v; want ErrNeedMore", n, len(f.Bytes), want, err)
			case want > len(f.Bytes):
				c.fail(f.Bytes[:n], "with %d bytes, Decode wants %d, and the message has %d", n, want, len(f.Bytes))
			case m.Kind != sdk.KindUnknown && want != len(f.Bytes):
				c.fail(f.Bytes[:n], "with %d bytes, Decode has set the kind and wants %d bytes; it must be the message's %d", n, want, len(f.Bytes))
			}
		}
	}
}

// checkPieces hands a message over as a connection does: bit by bit, in memory that
// changes its place.
func checkPieces(c *checker) {
	for i := range c.Frames {
		f := &c.Frames[i]
		c.on(f)
		whole := &sdk.Message{}
		wholeErr := c.read(c.connection(), f.From, f.Bytes, whole)
		for _, at := range points(len(f.Bytes)) {
			c.inPieces(f, []int{at}, whole, wholeErr)
		}
		c.inPieces(f, points(len(f.Bytes)), whole, wholeErr)
	}
}

// inPieces reads a frame on one connection, cut at several places.
func (c *checker) inPieces(f *Frame, cuts []int, whole *sdk.Message, wholeErr error) {
	c.tried()
	codec, m, wanted := c.connection(), &sdk.Message{}, 0
	for _, n := range cuts {
		if n < wanted {
			continue // the host would not have asked
		}
		piece := bytes.Clone(f.Bytes[:n])
		want, err := c.decode(codec, f.From, piece, m)
		scribble(piece)
		if !errors.Is(err, sdk.ErrNeedMore) {
			c.fail(f.Bytes[:n], "Decode of %d of %d bytes, after fewer: %v; want ErrNeedMore", n, len(f.Bytes), err)
			return
		}
		wanted = want
	}
	err := c.read(codec, f.From, f.Bytes, m)
	if (err == nil) != (wholeErr == nil) {
		c.fail(f.Bytes, "in pieces (cut at %v) the verdict is %v, and at once %v", brief(cuts), err, wholeErr)
		return
	}
	if err := readingOf(m).differs(readingOf(whole)); err == nil {
		return
	} else if wholeErr == nil {
		c.fail(f.Bytes, "in pieces (cut at %v): %v", brief(cuts), err)
	}
}

func brief(cuts []int) []int { return cuts[:min(len(cuts), 5)] }

// checkPipelining puts other bytes behind a message: the next message, and rubbish.
func checkPipelining(c *checker) {
	const followers = 12
	for i := range c.Frames {
		f := &c.Frames[i]
		c.on(f)
		for _, rubbish := range []byte{0x00, 0xff, ' ', '\n'} {
			c.followed(f, bytes.Repeat([]byte{rubbish}, 40), nil)
		}
		n := 0
		for j := range c.Frames {
			g := &c.Frames[(i+j)%len(c.Frames)]
			if c.mayFollow(f, g) && n < followers {
				n++
				c.followed(f, g.Bytes, g)
			}
		}
	}
}

// mayFollow reports whether a connection can carry g behind f.
func (c *checker) mayFollow(f, g *Frame) bool {
	_, state := c.Codec.(sdk.PerConnection)
	switch {
	case f.From != g.From:
		return false
	case f == g:
		return true
	case state && f.Connection == "":
		return false
	}
	return f.Connection == g.Connection
}

// followed reads f with other bytes behind it, and then those if they are a frame.
func (c *checker) followed(f *Frame, behind []byte, next *Frame) {
	c.tried()
	both := append(bytes.Clone(f.Bytes), behind...)
	codec, m := c.connection(), &sdk.Message{}
	n, err := c.decode(codec, f.From, both, m)
	if _, call := causeOf(err); n != len(f.Bytes) || err != nil && !call {
		c.fail(both, "with other bytes behind it, Decode finds %d bytes instead of %d: %v", n, len(f.Bytes), err)
		return
	}
	if next == nil {
		return
	}
	n, err = c.decode(codec, f.From, both[len(f.Bytes):], m)
	if _, call := causeOf(err); n != len(behind) || err != nil && !call {
		c.fail(both, "behind it, %s is read as %d bytes instead of %d: %v", next.Name, n, len(behind), err)
	}
}

// points are places to cut n bytes: each, if there are not too many, else those at the
// front and at the end, and some between.
func points(n int) []int {
	const each = 512
	var at []int
	for i := 1; i < n; {
		at = append(at, i)
		switch {
		case n <= 3*each, i < each, n-i <= each/4:
			i++
		default:
			i += min(n/each+1, n-each/4-i)
		}
	}
	return at
}
