// Package testcodec is a small protocol for the tests of the engine and of the
// library, with switches for what can go wrong. Applications do not use it.
//
// A message is a header of 24 bytes, entries, and a payload:
//
//	 0  2  magic "TY"
//	 2  1  kind: 1 request, 2 one-way, 3 response, 4 heartbeat, 5 its answer, 6 go-away
//	 3  1  status of a response, a gRPC code
//	 4  8  id
//	12  4  timeout in milliseconds
//	16  4  length of the entries
//	20  4  length of the payload
//	24     entries: u16 length and key, u16 length and value; then the payload
//
// The entries ":service" and ":method" are what their names say. Numbers are
// big-endian.
package testcodec

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// HeaderSize is the length of a message's fixed part.
const HeaderSize = 24

// PanicMethod makes Metadata panic, UnreadableMethod makes it give up.
const (
	PanicMethod      = "panic"
	UnreadableMethod = "unreadable"
)

const (
	keyService = ":service"
	keyMethod  = ":method"
)

// kinds are the message kinds by their number on the wire.
var kinds = [...]sdk.Kind{
	sdk.KindUnknown, sdk.KindRequest, sdk.KindOneWay, sdk.KindResponse, sdk.KindHeartbeat,
	sdk.KindHeartbeatReply, sdk.KindGoAway,
}

// Codec is the protocol. The zero value is ready for use.
type Codec struct {
	// InSequence makes replies follow the order of requests.
	InSequence bool
	// Fixed refuses every change of metadata.
	Fixed bool
	// Mute has no way to tell an error.
	Mute bool
	// Impolite knows no go-away.
	Impolite bool
	// Doubtful has servers that may answer one-way calls.
	Doubtful bool
}

// Definition returns the codec's definition, under the name "toy".
func Definition() sdk.Definition {
	return sdk.Definition{
		Name:    "toy",
		Summary: "the protocol of Meltemi's own tests",
		New: func(config []byte) (sdk.Codec, error) {
			c := &Codec{}
			if err := sdk.ParseConfig(config, &struct {
				InSequence *bool `json:"in_sequence"`
				Fixed      *bool `json:"fixed"`
				Mute       *bool `json:"mute"`
				Doubtful   *bool `json:"doubtful"`
			}{&c.InSequence, &c.Fixed, &c.Mute, &c.Doubtful}); err != nil {
				return nil, err
			}
			return c, nil
		},
	}
}

// Name returns "toy".
func (*Codec) Name() string { return "toy" }

// InOrder implements sdk.Ordered.
func (c *Codec) InOrder() bool { return c.InSequence }

// Decode implements sdk.Codec.
func (*Codec) Decode(_ sdk.Side, b []byte, m *sdk.Message) (int, error) {
	const magic = "TY"
	for i := range min(len(b), len(magic)) {
		if b[i] != magic[i] {
			return 0, &sdk.ConnectionError{Element: "magic", Offset: i, Err: errors.New("not TY")}
		}
	}
	if len(b) < HeaderSize {
		return HeaderSize, sdk.ErrNeedMore
	}
	if b[2] == 0 || int(b[2]) >= len(kinds) {
		return 0, &sdk.ConnectionError{Element: "kind", Offset: 2, Err: errors.New("unknown")}
	}
	m.ID = binary.BigEndian.Uint64(b[4:])
	total := HeaderSize + uint64(binary.BigEndian.Uint32(b[16:])) + uint64(binary.BigEndian.Uint32(b[20:]))
	m.Kind = kinds[b[2]]
	if total > uint64(len(b)) {
		return int(total), sdk.ErrNeedMore
	}
	return int(total), nil
}

// Metadata implements sdk.Codec.
func (*Codec) Metadata(m *sdk.Message) error {
	m.Timeout = time.Duration(binary.BigEndian.Uint32(m.Bytes[12:])) * time.Millisecond
	m.Status = sdk.Status{Code: sdk.Code(m.Bytes[3]), Native: int(m.Bytes[3])}
	r := wire.NewReader(m.Bytes[HeaderSize:])
	entries := wire.NewReader(r.Bytes64(uint64(binary.BigEndian.Uint32(m.Bytes[16:]))))
	for entries.Len() > 0 {
		key := entries.Bytes(int(entries.Uint16()))
		value := entries.Bytes(int(entries.Uint16()))
		switch string(key) {
		case keyService:
			m.Service = value
		case keyMethod:
			m.Method = value
		default:
			m.Set(key, value)
		}
	}
	if entries.Err() != nil {
		return sdk.Malformed("entries", HeaderSize+entries.Offset(), entries.Err())
	}
	switch string(m.Method) {
	case PanicMethod:
		panic("a method named panic")
	case UnreadableMethod:
		return sdk.Unreadable("method", HeaderSize, errors.New("the test wants it"))
	}
	if m.Status.Code != sdk.OK {
		m.Status.Message = r.Rest()
	}
	return nil
}

// Encode implements sdk.Codec.
func (c *Codec) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	if c.Fixed && (len(mut.Set) > 0 || len(mut.Remove) > 0) {
		return dst, sdk.Unsupported("metadata", errors.New("fixed"))
	}
	if tooLong(mut.Service, mut.Method) || slices.ContainsFunc(mut.Set, entryTooLong) {
		return dst, sdk.Unsupported("entry", errors.New("longer than its length can say"))
	}
	start := len(dst)
	dst = append(dst, m.Bytes[:HeaderSize]...)
	if mut.NewID {
		binary.BigEndian.PutUint64(dst[start+4:], mut.ID)
	}
	entries := wire.NewReader(m.Bytes[HeaderSize : HeaderSize+int(binary.BigEndian.Uint32(m.Bytes[16:]))])
	written := map[string]bool{}
	for entries.Len() > 0 {
		key := entries.Bytes(int(entries.Uint16()))
		value := entries.Bytes(int(entries.Uint16()))
		value, drop := changed(key, value, mut)
		if written[string(key)] = true; !drop {
			dst = appendEntry(dst, key, value)
		}
	}
	more := mut.Set
	if !c.Fixed {
		more = append(slices.Clip(more), mut.Optional...)
	}
	for _, e := range more {
		if !written[string(e.Key)] && !entryTooLong(e) { // only an optional one can be
			dst = appendEntry(dst, e.Key, e.Value)
		}
	}
	binary.BigEndian.PutUint32(dst[start+16:], uint32(len(dst)-start-HeaderSize))
	return append(dst, m.Bytes[HeaderSize+entries.Offset():]...), nil
}

func tooLong(a, b []byte) bool { return max(len(a), len(b)) > math.MaxUint16 }

func entryTooLong(e sdk.Entry) bool { return tooLong(e.Key, e.Value) }

func changed(key, value []byte, mut *sdk.Mutation) (_ []byte, drop bool) {
	switch string(key) {
	case keyService:
		if mut.Service != nil {
			return mut.Service, false
		}
	case keyMethod:
		if mut.Method != nil {
			return mut.Method, false
		}
	}
	for _, list := range [][]sdk.Entry{mut.Set, mut.Optional} {
		for _, e := range list {
			if string(e.Key) == string(key) {
				return e.Value, false
			}
		}
	}
	for _, k := range mut.Remove {
		if string(k) == string(key) {
			return nil, true
		}
	}
	return value, false
}

// Reply implements sdk.Codec: a response with the failure's code, its text as
// payload, and its cause as an entry.
func (c *Codec) Reply(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error) {
	if c.Mute {
		return dst, errors.New("mute")
	}
	return Append(dst, Message{
		Kind: sdk.KindResponse, ID: call.ID, Status: f.Code, Payload: f.Text(),
		Entries: [][2]string{{"cause", f.Cause.String()}},
	}), nil
}

// HeartbeatReply implements sdk.Heartbeater.
func (*Codec) HeartbeatReply(dst []byte, m *sdk.Message) []byte {
	return Append(dst, Message{Kind: sdk.KindHeartbeatReply, ID: m.ID})
}

// Heartbeat implements sdk.Prober.
func (*Codec) Heartbeat(dst []byte, id uint64) []byte {
	return Append(dst, Message{Kind: sdk.KindHeartbeat, ID: id})
}

// GoAway implements sdk.GoAwayer.
func (c *Codec) GoAway(dst []byte) []byte {
	if c.Impolite {
		return dst
	}
	return Append(dst, Message{Kind: sdk.KindGoAway})
}

// NameReply implements sdk.ReplyNamer. Replies name a method only if tests say so.
func (c *Codec) NameReply(dst []byte, m *sdk.Message, method []byte) ([]byte, error) {
	return c.Encode(dst, m, &sdk.Mutation{Method: method})
}

// MayBeAnswered implements sdk.OneWayDoubter.
func (c *Codec) MayBeAnswered(*sdk.Message) bool { return c.Doubtful }

// Sniff implements sdk.Sniffer.
func (*Codec) Sniff(b []byte) sdk.Match {
	switch {
	case b[0] != 'T' || len(b) > 1 && b[1] != 'Y':
		return sdk.MatchNo
	case len(b) == 1:
		return sdk.MatchMaybe
	}
	return sdk.MatchYes
}
