package brpc

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// The header. Source: apache/brpc, src/brpc/policy/baidu_rpc_protocol.cpp and
// streaming_rpc_protocol.cpp.
const (
	headerSize = 12
	bodyAt     = 4
	metaAt     = 8

	magic       = "PRPC"
	streamMagic = "STRM"

	// maxBody is what brpc-java can read as a size; bRPC takes 64 MiB.
	maxBody = math.MaxInt32
)

// tokenCredentials marks the token of a call that is refused for its credentials.
const tokenCredentials = 1

var (
	errMagic      = errors.New("neither PRPC nor STRM")
	errBodySize   = errors.New("the body is longer than any")
	errMetaSize   = errors.New("the meta is longer than the body")
	errStreamData = errors.New("a stream's frame, and no stream is open")
)

// dialect is whose metadata requests carry.
type dialect byte

const (
	dialectAuto dialect = iota // each request tells
	dialectCPP
	dialectJava
)

// Codec is bRPC's baidu_std.
type Codec struct {
	dialect           dialect
	sharedCredentials bool
	fullNames         bool     // services without a package are refused
	lowerCase         bool     // service and method are shown in lower case
	meant             sdk.Code // what errors of applications count as
	other             sdk.Code // and those of which nobody knows whose they are
}

// Name returns "brpc".
func (*Codec) Name() string { return "brpc" }

// Decode implements sdk.Codec. A frame of a stream is dropped: none is open, since no
// request for one has passed.
func (c *Codec) Decode(_ sdk.Side, b []byte, m *sdk.Message) (int, error) {
	stream := b[0] == streamMagic[0]
	want := magic
	if stream {
		want = streamMagic
	}
	for i := range min(len(b), len(want)) {
		if b[i] != want[i] {
			return 0, &sdk.ConnectionError{Element: "magic", Offset: i, Err: errMagic}
		}
	}
	if len(b) < headerSize {
		return headerSize, sdk.ErrNeedMore
	}
	body, meta := binary.BigEndian.Uint32(b[bodyAt:]), binary.BigEndian.Uint32(b[metaAt:])
	switch {
	case body > maxBody:
		return 0, &sdk.ConnectionError{Element: "body size", Offset: bodyAt, Err: errBodySize}
	case meta > body:
		return 0, &sdk.ConnectionError{Element: "meta size", Offset: metaAt, Err: errMetaSize}
	}
	n := headerSize + int(body)
	if stream {
		if m.Kind = sdk.KindOneWay; len(b) < n {
			return n, sdk.ErrNeedMore
		}
		return n, sdk.Unsupported("magic", errStreamData)
	}
	at := span{headerSize, headerSize + int(meta)}
	if len(b) < at.to {
		return at.to, sdk.ErrNeedMore
	}
	l, offset, err := locate(b, at)
	if err != nil {
		return 0, &sdk.ConnectionError{Element: "meta", Offset: offset, Err: err}
	}
	m.ID = l.id.n
	if l.credentials && !c.sharedCredentials {
		m.Token = tokenCredentials
	}
	if m.Kind = sdk.KindRequest; l.responses > 0 {
		m.Kind = sdk.KindResponse
	}
	if len(b) < n {
		return n, sdk.ErrNeedMore
	}
	return n, nil
}

// layoutOf is the layout of a message that Decode has found.
func layoutOf(m *sdk.Message) (layout, error) {
	meta := binary.BigEndian.Uint32(m.Bytes[metaAt:])
	l, offset, err := locate(m.Bytes, span{headerSize, headerSize + int(meta)})
	if err != nil {
		return l, sdk.Malformed("meta", offset, err)
	}
	return l, nil
}

// Sniff implements sdk.Sniffer. A client does not begin with a frame of a stream.
func (*Codec) Sniff(b []byte) sdk.Match {
	n := min(len(b), len(magic))
	switch {
	case string(b[:n]) != magic[:n]:
		return sdk.MatchNo
	case n < len(magic):
		return sdk.MatchMaybe
	}
	return sdk.MatchYes
}
