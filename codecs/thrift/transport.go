package thrift

import (
	"encoding/binary"
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// transport is what stands around an envelope and its struct.
type transport uint8

const (
	framed transport = iota
	unframed
	theader
	ttheader
)

// String returns the name that the configuration uses.
func (t transport) String() string {
	switch t {
	case unframed:
		return "unframed"
	case theader:
		return "theader"
	case ttheader:
		return "ttheader"
	case framed:
	}
	return "framed"
}

// headers reports whether the transport carries metadata.
func (t transport) headers() bool { return t == theader || t == ttheader }

// The head of transports with headers, which both have alike: a length, the magic
// number, flags, an id, and the size of the headers in words of four bytes.
// Sources: Apache Thrift, doc/specs/HeaderFormat.md; cloudwego/gopkg,
// protocol/ttheader.
const (
	magicAt = 4
	flagsAt = 6
	idAt    = 8
	wordsAt = 12
	infoAt  = 14

	theaderMagic  = 0x0fff
	ttheaderMagic = 0x1000
)

const (
	// maxLength is the greatest length of a message. It is that of THeader, far
	// beyond what Thrift's servers take.
	maxLength = 0x3fffffff
	// maxWords is the greatest size of headers. Kitex multiplies in 16 bits, so
	// beyond it a server would see the payload elsewhere than we do.
	maxWords = 1<<14 - 1
)

var (
	errTransport = errors.New("not the start of a message in a transport that is expected")
	errProtocol  = errors.New("not a protocol that is expected")
	errLength    = errors.New("not a length of a message")
	errWords     = errors.New("not a size of headers that fits")
)

// detect tells transport and protocol from the first bytes of a message. The protocol
// of transports with headers stands in their headers.
func (c *Codec) detect(b []byte) (t transport, p protocol, need int, err error) {
	if b[0] >= 0x80 {
		t = unframed
		p, need, err = detectProtocol(b, 0)
	} else {
		t, p, need, err = detectLength(b)
	}
	switch {
	case err != nil || need > 0:
		return t, p, need, err
	case !c.anyTransport && c.transport != t:
		return t, p, 0, &sdk.ConnectionError{Element: "transport " + t.String(), Offset: 0, Err: errTransport}
	case !t.headers() && !c.expects(p):
		return t, p, 0, &sdk.ConnectionError{Element: "protocol " + p.String(), Offset: 0, Err: errProtocol}
	}
	return t, p, 0, nil
}

// detectLength is detect for messages that start with a length.
func detectLength(b []byte) (t transport, p protocol, need int, err error) {
	if b[0] > maxLength>>24 {
		return t, p, 0, &sdk.ConnectionError{Element: "length", Offset: 0, Err: errLength}
	}
	switch {
	case len(b) >= magicAt && frameEnd(b) == magicAt:
		return t, p, 0, &sdk.ConnectionError{Element: "length", Offset: 0, Err: errLength}
	case len(b) <= magicAt:
		return t, p, magicAt + 1, nil
	}
	switch first := b[magicAt]; {
	case first == theaderMagic>>8:
		need, err = magic(b, theaderMagic)
		return theader, p, need, err
	case first == ttheaderMagic>>8:
		need, err = magic(b, ttheaderMagic)
		return ttheader, p, need, err
	case startsName(first):
		p, need, err = detectProtocol(b, 0)
		return unframed, p, need, err
	}
	p, need, err = detectProtocol(b, magicAt)
	if need > frameEnd(b) {
		err = &sdk.ConnectionError{Element: "name", Offset: magicAt, Err: errEndsEarly}
	}
	return framed, p, need, err
}

// frameEnd is where a message ends that starts with its length.
func frameEnd(b []byte) int { return magicAt + int(binary.BigEndian.Uint32(b)) }

// magic checks the magic number of a transport with headers.
func magic(b []byte, want uint16) (need int, err error) {
	switch {
	case frameEnd(b) < infoAt:
		return 0, &sdk.ConnectionError{Element: "length", Offset: 0, Err: errLength}
	case len(b) < flagsAt:
		return flagsAt, nil
	case binary.BigEndian.Uint16(b[magicAt:]) != want:
		return 0, &sdk.ConnectionError{Element: "magic", Offset: magicAt + 1, Err: errTransport}
	}
	return 0, nil
}

// detectProtocol tells the protocol of the envelope at b[at:].
func detectProtocol(b []byte, at int) (p protocol, need int, err error) {
	if len(b) <= at {
		return p, at + 1, nil
	}
	switch b[at] {
	case strict0, compact0:
		if len(b) <= at+1 {
			return p, at + 2, nil
		}
		if b[at] == strict0 && b[at+1] == strict1 {
			return strict, 0, nil
		}
		if b[at] == compact0 && b[at+1]&compactVersion == compact1 {
			return compact, 0, nil
		}
		return p, 0, &sdk.ConnectionError{Element: "version", Offset: at + 1, Err: errVersion}
	case 0:
		need, err = detectName(b, at)
		return lax, need, err
	}
	return p, 0, &sdk.ConnectionError{Element: "envelope", Offset: at, Err: errProtocol}
}

// detectName checks the name that an envelope without a version starts with. It is
// all that such an envelope can be told by.
func detectName(b []byte, at int) (need int, err error) {
	if len(b) > at+1 && b[at+1] != 0 {
		return 0, &sdk.ConnectionError{Element: "name", Offset: at + 1, Err: errProtocol}
	}
	if len(b) < at+4 {
		return at + 4, nil
	}
	n := int(binary.BigEndian.Uint32(b[at:]))
	if n == 0 {
		return 0, &sdk.ConnectionError{Element: "name", Offset: at, Err: errNotName}
	}
	for i := range n {
		if len(b) <= at+4+i {
			return at + 4 + n + 1, nil
		}
		if c := b[at+4+i]; !inName(c) || i == 0 && !startsName(c) {
			return 0, &sdk.ConnectionError{Element: "name", Offset: at + 4 + i, Err: errNotName}
		}
	}
	return 0, nil
}

// inName reports whether a character may stand in a name of such an envelope.
func inName(c byte) bool { return c > ' ' && c <= '~' }

func startsName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= '0' && c <= '9'
}
