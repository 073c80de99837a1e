package thrift

import (
	"encoding/binary"
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// layout is where the parts of a message stand.
type layout struct {
	envelope
	transport transport
	end       int   // of the message; 0 if only its struct tells
	payload   int   // where the envelope starts, behind length and headers
	inner     bool  // a length stands in front of a TTHeader's envelope
	bad       error // a CallError: why the message cannot be served
	flaw      flaw
}

// flaw is what is wrong with a message, as far as Reply tells it apart.
type flaw uint8

const (
	flawless      flaw = iota
	transformed        // the payload is compressed or the like
	otherProtocol      // the payload is in a protocol that is not read here
	noType             // the type of the message is none
)

// Flags and protocols of headers. Sources: Apache Thrift, doc/specs/HeaderFormat.md;
// cloudwego/gopkg, protocol/ttheader.
const (
	flagStreaming = 0x0002

	headerBinary  = 0
	headerCompact = 2
)

var (
	errStream      = errors.New("streams are not supported")
	errMessageType = errors.New("not a type of message")
	errTransform   = errors.New("the payload is transformed")
	errNotThrift   = errors.New("the payload is in a protocol that is not read")
	errInner       = errors.New("it is not that of the payload")
	errBehind      = errors.New("bytes follow the struct, which a server may take for another message")
	errEndsEarly   = errors.New("ends too early")
	errHeadersEnd  = errors.New("headers end too early")
)

// locate reads the head of the message at the front of b: everything in front of its
// struct. If b ends before, need is a length that b must have.
func (c *Codec) locate(b []byte) (l layout, need int, err error) {
	var p protocol
	l.transport, p, need, err = c.detect(b)
	if need > 0 || err != nil {
		return l, need, err
	}
	if l.transport.headers() {
		return c.locateHeaders(b, l.transport)
	}
	if l.transport == framed {
		l.payload, l.end = magicAt, frameEnd(b)
		b = b[:min(len(b), l.end)]
	}
	l.envelope, need, err = readEnvelope(b, l.payload, p)
	switch {
	case err != nil:
		return l, 0, err
	case l.end > 0 && max(need, l.body) >= l.end:
		return l, 0, &sdk.ConnectionError{Element: "envelope", Offset: l.payload, Err: errEndsEarly}
	case need > 0:
		return l, need, nil
	case !l.kind.known() && l.transport == unframed:
		return l, 0, &sdk.ConnectionError{Element: "message type", Offset: l.payload, Err: errMessageType}
	}
	l.checkType()
	return l, 0, nil
}

func (l *layout) checkType() {
	if !l.kind.known() {
		l.flaw, l.bad = noType, sdk.Malformed("message type", l.payload, errMessageType)
	}
}

// locateHeaders is locate for transports with headers. Their boundary is sound
// whatever the payload is, so nothing in there costs the connection.
func (c *Codec) locateHeaders(b []byte, t transport) (l layout, need int, err error) {
	l.transport = t
	if len(b) < infoAt {
		return l, infoAt, nil
	}
	n := binary.BigEndian.Uint32(b)
	words := int(binary.BigEndian.Uint16(b[wordsAt:]))
	if n > maxLength {
		return l, 0, &sdk.ConnectionError{Element: "length", Offset: 0, Err: errLength}
	}
	l.end, l.payload = 4+int(n), infoAt+4*words
	if words == 0 || words > maxWords || l.payload > l.end {
		return l, 0, &sdk.ConnectionError{Element: "size of headers", Offset: wordsAt, Err: errWords}
	}
	if len(b) < l.payload {
		return l, l.payload, nil
	}
	b = b[:min(len(b), l.end)]
	p, need := l.payloadProtocol(b)
	l.protocol = p // of a reply too, if there is nothing else to read
	if need > l.end || need == 0 && l.sound() && !c.expects(p) {
		l.flaw, need = otherProtocol, 0
	}
	if need == 0 && l.sound() {
		need = l.payloadEnvelope(b, p)
	}
	return l, need, nil
}

// sound reports whether nothing is wrong with the message so far.
func (l *layout) sound() bool { return l.flaw == flawless && l.bad == nil }

// payloadEnvelope reads the envelope behind headers.
func (l *layout) payloadEnvelope(b []byte, p protocol) (need int) {
	e, need, err := readEnvelope(b, l.payload, p)
	switch {
	case err != nil:
		l.bad = sdk.Malformed("envelope", l.payload, err)
		return 0
	case max(need, e.body) >= l.end:
		l.bad = sdk.Malformed("envelope", l.payload, errEndsEarly)
		return 0
	case need > 0:
		return need
	}
	l.envelope = e
	l.checkType()
	return 0
}

// payloadProtocol tells the protocol of the payload, and whether it can be read. The
// headers are all there. For THeader it is what the headers say, for TTHeader what the
// payload starts with: so do their servers.
func (l *layout) payloadProtocol(b []byte) (p protocol, need int) {
	if l.transport == ttheader {
		return l.ttheaderPayload(b)
	}
	id, at := varint(b[:l.payload], infoAt, varint32)
	if at > 0 {
		var transforms uint64
		if transforms, at = varint(b[:l.payload], at, varint32); transforms > 0 {
			l.flaw = transformed
		}
	}
	switch {
	case at <= 0:
		l.bad = sdk.Malformed("headers", infoAt, errHeadersEnd)
		return strict, 0
	case id == headerCompact:
		p = compact
	case id != headerBinary:
		l.flaw = otherProtocol
	}
	if l.flaw != flawless {
		return p, 0
	}
	found, need, err := detectProtocol(b, l.payload)
	if err != nil || need == 0 && (found == compact) != (p == compact) {
		l.flaw = otherProtocol
		return p, 0
	}
	return found, need
}

func (l *layout) ttheaderPayload(b []byte) (p protocol, need int) {
	if binary.BigEndian.Uint16(b[flagsAt:])&flagStreaming != 0 {
		l.bad = sdk.Unsupported("TTHeader", errStream)
		return strict, 0
	}
	if b[infoAt+1] != 0 {
		l.flaw = transformed
		return strict, 0
	}
	if need = l.payload + 8; len(b) < need {
		return strict, need
	}
	if isStrict(b[l.payload:]) {
		return strict, 0
	}
	if !isStrict(b[l.payload+4:]) {
		l.flaw = otherProtocol
		return strict, 0
	}
	n := binary.BigEndian.Uint32(b[l.payload:])
	if l.payload += 4; uint64(n) != uint64(l.end-l.payload) { //nolint:gosec // payload <= end
		l.bad = sdk.Malformed("length of the payload", l.payload-4, errInner)
	}
	l.inner = true
	return strict, 0
}

func isStrict(b []byte) bool { return b[0] == strict0 && b[1] == strict1 }
