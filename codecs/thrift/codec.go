package thrift

import (
	"bytes"
	"encoding/binary"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Codec is Thrift.
type Codec struct {
	// What is taken and built. Where any is taken, the first one is built.
	transport    transport
	protocol     protocol
	anyTransport bool
	anyProtocol  bool

	inOrder bool
	oneway  map[string]bool // names of methods, as in messages
	meant   sdk.Code        // what exceptions of the application count as
	other   sdk.Code        // and those that servers made of undeclared ones
}

// Name returns "thrift".
func (*Codec) Name() string { return "thrift" }

// InOrder implements sdk.Ordered. Clients in C++ and Python give all calls the id 0.
func (c *Codec) InOrder() bool { return c.inOrder }

func (c *Codec) expects(p protocol) bool { return c.anyProtocol || c.protocol == p }

// Decode implements sdk.Codec. It names the call too, since Reply wants the name of
// the method for messages that are refused before Metadata has seen them.
//
// The end of an unframed message that comes in pieces is looked for from its start
// with each of them; a codec from NewConnection goes on where it was.
func (c *Codec) Decode(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
	return c.decode(from, b, m, nil)
}

// decode is Decode, on a connection if there is one.
func (c *Codec) decode(from sdk.Side, b []byte, m *sdk.Message, on *connection) (int, error) {
	l, need, err := c.locate(b)
	switch {
	case err != nil:
		return 0, err
	case need > 0:
		return need, sdk.ErrNeedMore
	case l.end == 0:
		end, need, err := on.end(from, b, &l)
		if err != nil {
			return 0, &sdk.ConnectionError{Element: "struct", Offset: end, Err: err}
		}
		if need > 0 {
			return need, sdk.ErrNeedMore
		}
		c.describe(from, b, m, &l)
		return end, nil
	}
	c.describe(from, b, m, &l)
	if len(b) < l.end {
		return l.end, sdk.ErrNeedMore
	}
	if l.sound() {
		l.bad = checkStruct(b[:l.end], &l)
	}
	return l.end, l.bad
}

// checkStruct skips the struct of a message, and refuses what stands behind it.
func checkStruct(b []byte, l *layout) error {
	var s skipper
	s.start(l.protocol, l.body)
	done, _, err := s.run(b)
	switch {
	case err != nil:
		return sdk.Malformed("struct", s.at, err)
	case !done:
		return sdk.Malformed("struct", s.at, errEndsEarly)
	case s.at != len(b):
		return sdk.Malformed("struct", s.at, errBehind)
	}
	return nil
}

// describe tells what message l is the layout of.
func (c *Codec) describe(from sdk.Side, b []byte, m *sdk.Message, l *layout) {
	name := b[l.name.from:l.name.to]
	m.Token = l.token()
	if m.ID = uint64(l.seq); l.transport.headers() {
		m.ID = uint64(binary.BigEndian.Uint32(b[idAt:]))
	}
	if l.transport == ttheader {
		m.Method = name
	} else {
		m.Service, m.Method = splitName(name)
	}
	switch l.kind {
	case typeCall:
		if m.Kind = sdk.KindRequest; c.oneway[string(name)] {
			m.Kind = sdk.KindOneWay
		}
	case typeOneway:
		m.Kind = sdk.KindOneWay
	case typeReply, typeException:
		m.Kind = sdk.KindResponse
	default: // what cannot be read is a call or its reply by the side that sent it
		if m.Kind = sdk.KindRequest; from == sdk.FromServer {
			m.Kind = sdk.KindResponse
		}
	}
	if m.Kind == sdk.KindResponse {
		m.Service, m.Method = nil, nil
	}
}

// splitName splits the name of a method of a multiplexed service.
// Source: Apache Thrift, TMultiplexedProcessor, in all its languages.
func splitName(name []byte) (service, method []byte) {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[:i:i], name[i+1:]
	}
	return nil, name
}

// The token of a message: what Reply has to know of a call. Its upper half is the
// sequence id of the envelope, which headers need not agree with.
const (
	tokenTransport = 0x03
	tokenProtocol  = 0x0c
	tokenInner     = 0x10 // a length stands in front of a TTHeader's envelope
	tokenFlaw      = 0x60

	protocolShift = 2
	flawShift     = 5
	seqShift      = 32
)

func (l *layout) token() uint64 {
	t := uint64(l.transport) | uint64(l.protocol)<<protocolShift | uint64(l.flaw)<<flawShift | uint64(l.seq)<<seqShift
	if l.inner {
		t |= tokenInner
	}
	return t
}

// form is how the messages of a call are written, from its token.
type form struct {
	transport transport
	protocol  protocol
	inner     bool
	flaw      flaw
	seq       uint32
}

func formOf(token uint64) form {
	return form{
		transport: transport(token & tokenTransport),
		protocol:  protocol(token & tokenProtocol >> protocolShift),
		inner:     token&tokenInner != 0,
		flaw:      flaw(token & tokenFlaw >> flawShift),
		seq:       uint32(token >> seqShift),
	}
}
