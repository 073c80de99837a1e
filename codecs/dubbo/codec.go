package dubbo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// The header's fields. Source: Apache Dubbo, ExchangeCodec.
const (
	headerSize = 16
	magic0     = 0xda
	magic1     = 0xbb

	flagRequest = 0x80
	flagTwoWay  = 0x40
	flagEvent   = 0x20
	maskSerial  = 0x1f

	statusAt = 3
	idAt     = 4
	lengthAt = 12
)

// Serializations. Source: Apache Dubbo, serialize.Constants.
const (
	serialHessian2  = 2
	serialFastjson  = 6
	serialFastjson2 = 23
)

var (
	errMagic    = errors.New("not da bb")
	errNegative = errors.New("negative length")
)

// Codec is the Dubbo 2 protocol.
type Codec struct {
	meant sdk.Code // what exceptions of the application count as
	other sdk.Code // and all others
}

// Name returns "dubbo".
func (*Codec) Name() string { return "dubbo" }

// Decode implements sdk.Codec. The token is the serialization.
func (*Codec) Decode(_ sdk.Side, b []byte, m *sdk.Message) (int, error) {
	if b[0] != magic0 {
		return 0, &sdk.ConnectionError{Element: "magic", Offset: 0, Err: errMagic}
	}
	if len(b) > 1 && b[1] != magic1 {
		return 0, &sdk.ConnectionError{Element: "magic", Offset: 1, Err: errMagic}
	}
	if len(b) < headerSize {
		return headerSize, sdk.ErrNeedMore
	}
	body := int32(binary.BigEndian.Uint32(b[lengthAt:])) //nolint:gosec // Java's int
	if body < 0 {
		return 0, &sdk.ConnectionError{Element: "length", Offset: lengthAt, Err: errNegative}
	}
	n := headerSize + int(body)
	flags := b[2]
	m.ID = binary.BigEndian.Uint64(b[idAt:])
	m.Token = uint64(flags & maskSerial)
	if flags&flagEvent != 0 {
		// An event is tiny, and what it is stands in its body.
		if len(b) < n {
			m.Kind = sdk.KindHeartbeatReply
			return n, sdk.ErrNeedMore
		}
		m.Kind = eventKind(flags, b[headerSize:n])
		return n, nil
	}
	switch {
	case flags&flagRequest == 0:
		m.Kind = sdk.KindResponse
	case flags&flagTwoWay == 0:
		m.Kind = sdk.KindOneWay
	default:
		m.Kind = sdk.KindRequest
	}
	if len(b) < n {
		return n, sdk.ErrNeedMore
	}
	return n, nil
}

// eventKind tells what an event is: read-only asks for no more requests; anything
// else that is no string is a heartbeat, answered if it wants an answer.
func eventKind(flags byte, body []byte) sdk.Kind {
	switch {
	case flags&flagRequest == 0:
		return sdk.KindHeartbeatReply
	case isReadOnly(flags&maskSerial, body):
		return sdk.KindGoAway
	case flags&flagTwoWay != 0 && isNull(flags&maskSerial, body):
		return sdk.KindHeartbeat
	}
	return sdk.KindHeartbeatReply
}

func isReadOnly(serial byte, body []byte) bool {
	d := dialectOf(serial)
	return d != nil && bytes.HasPrefix(body, []byte(d.readOnly()))
}

// isNull takes the bodies of serializations that it does not know for null.
func isNull(serial byte, body []byte) bool {
	d := dialectOf(serial)
	return d == nil || bytes.HasPrefix(body, []byte(d.null()))
}

// appendHeader appends a header; the body's length is filled in by finish.
func appendHeader(dst []byte, flags, status byte, id uint64) []byte {
	dst = append(dst, magic0, magic1, flags, status)
	dst = binary.BigEndian.AppendUint64(dst, id)
	return append(dst, 0, 0, 0, 0)
}

// finish fills in the length of the message that starts at start.
func finish(b []byte, start int) ([]byte, error) {
	n := len(b) - start - headerSize
	if n > 1<<31-1 {
		return b[:start], sdk.Unsupported("length", fmt.Errorf("a body of %d bytes does not fit", n))
	}
	binary.BigEndian.PutUint32(b[start+lengthAt:], uint32(n)) //nolint:gosec // checked
	return b, nil
}

// HeartbeatReply implements sdk.Heartbeater: the request's id, and the null of its
// serialization.
func (*Codec) HeartbeatReply(dst []byte, m *sdk.Message) []byte {
	serial := byte(m.Token) //nolint:gosec // five bits
	start := len(dst)
	dst = appendHeader(dst, flagEvent|serial, statusOK, m.ID)
	text := m.Bytes[headerSize:] // whatever it is, it is their null
	if d := dialectOf(serial); d != nil {
		text = []byte(d.null())
	}
	dst, _ = finish(append(dst, text...), start)
	return dst
}

// Heartbeat implements sdk.Prober. Dubbo 3.2 answers only what is null to the byte.
func (*Codec) Heartbeat(dst []byte, id uint64) []byte {
	start := len(dst)
	dst = appendHeader(dst, flagRequest|flagTwoWay|flagEvent|serialHessian2, 0, id)
	dst, _ = finish(append(dst, hessianDialect{}.null()...), start)
	return dst
}

// GoAway implements sdk.GoAwayer: the read-only event, which wants no answer.
func (*Codec) GoAway(dst []byte) []byte {
	start := len(dst)
	dst = appendHeader(dst, flagRequest|flagEvent|serialHessian2, 0, 0)
	dst, _ = finish(append(dst, hessianDialect{}.readOnly()...), start)
	return dst
}

// Sniff implements sdk.Sniffer.
func (*Codec) Sniff(b []byte) sdk.Match {
	switch {
	case b[0] != magic0 || len(b) > 1 && b[1] != magic1:
		return sdk.MatchNo
	case len(b) == 1:
		return sdk.MatchMaybe
	}
	return sdk.MatchYes
}
