// Package codec teaches Envoy the protocol Parley (see package frame).
package codec

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

const (
	headerSize = 12
	errorKind  = 4
)

// kinds are the kinds of messages by their number.
var kinds = map[byte]sdk.Kind{
	1: sdk.KindRequest, 2: sdk.KindOneWay, 3: sdk.KindResponse, errorKind: sdk.KindResponse,
	5: sdk.KindHeartbeat, 6: sdk.KindHeartbeatReply,
}

// Definition is how a library gets the codec.
func Definition() sdk.Definition {
	return sdk.Definition{Name: "parley", Summary: "the protocol of the example", New: func(config []byte) (sdk.Codec, error) {
		return Codec{}, sdk.ParseConfig(config, &struct{}{}) // nothing to configure, and nothing is taken for it
	}}
}

// Codec is the protocol.
type Codec struct{}

// Name implements sdk.Codec.
func (Codec) Name() string { return "parley" }

// Decode finds a message: the header tells its length.
func (Codec) Decode(_ sdk.Side, b []byte, m *sdk.Message) (int, error) {
	if b[0] != 'P' {
		return 0, &sdk.ConnectionError{Element: "magic", Err: errors.New("not 'P'")}
	}
	if len(b) < headerSize {
		return headerSize, sdk.ErrNeedMore
	}
	var known bool
	if m.Kind, known = kinds[b[1]]; !known {
		return 0, &sdk.ConnectionError{Element: "kind", Offset: 1, Err: errors.New("unknown")}
	}
	m.ID = uint64(binary.BigEndian.Uint32(b[4:]))
	n := headerSize + int(binary.BigEndian.Uint32(b[8:]))
	if len(b) < n {
		return n, sdk.ErrNeedMore
	}
	return n, nil
}

// Metadata reads service, method and entries. The payload is nobody's business.
func (Codec) Metadata(m *sdk.Message) error {
	r := wire.NewReader(m.Bytes)
	r.Skip(headerSize)
	m.Service, m.Method = word(&r), word(&r)
	for n := binary.BigEndian.Uint16(m.Bytes[2:]); n > 0 && r.Err() == nil; n-- {
		key, value := word(&r), word(&r)
		if m.Bytes[1] == errorKind && string(key) == "code" {
			m.Status.Native, _ = strconv.Atoi(string(value)) // the outcome, and no metadata
			continue
		}
		m.Set(key, value)
	}
	if r.Err() != nil {
		return sdk.Malformed("entries", r.Offset(), r.Err())
	}
	m.Notes[0] = r.Offset() // where the payload starts, for Encode
	if m.Bytes[1] == errorKind {
		m.Status.Code, m.Status.Message = codeOf(m.Status.Native), r.Rest()
	}
	return nil
}

// word reads a byte with a length and that many bytes.
func word(r *wire.Reader) []byte { return r.Bytes(int(r.Uint8())) }

// codeOf is what an error counts as: 503 says that the server has not begun the call,
// so that a mesh may try another one.
func codeOf(native int) sdk.Code {
	switch native {
	case 404:
		return sdk.Unimplemented
	case 408:
		return sdk.DeadlineExceeded
	case 503:
		return sdk.Unavailable
	}
	return sdk.Unknown
}

// Encode writes the message anew, around the same payload.
func (Codec) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	if mut.Empty() {
		return append(dst, m.Bytes...), nil
	}
	id, service, method := m.ID, m.Service, m.Method
	if mut.NewID {
		id = mut.ID
	}
	if mut.Service != nil {
		service = mut.Service
	}
	if mut.Method != nil {
		method = mut.Method
	}
	var entries []sdk.Entry
	if m.Bytes[1] == errorKind {
		entries = append(entries, code(strconv.Itoa(m.Status.Native)))
	}
	return appendMessage(dst, m.Bytes[1], id, service, method, mut.Apply(entries, m.Entries()), m.Bytes[m.Notes[0]:])
}

func appendMessage(dst []byte, kind byte, id uint64, service, method []byte, entries []sdk.Entry, payload []byte) ([]byte, error) {
	start := len(dst)
	dst = wire.AppendUint16(append(dst, 'P', kind), uint16(len(entries)))
	dst = wire.AppendZeros(wire.AppendUint32(dst, uint32(id)), 4)
	words := [][]byte{service, method}
	for _, e := range entries {
		words = append(words, e.Key, e.Value)
	}
	for _, w := range words {
		if len(w) > 255 {
			return dst[:start], sdk.Unsupported(string(w[:20])+"...", errors.New("longer than 255 bytes"))
		}
		dst = append(append(dst, byte(len(w))), w...)
	}
	dst = append(dst, payload...)
	return dst, wire.PutLen32(dst, start+8, len(dst)-start-headerSize)
}

// Reply makes the protocol's own error.
func (Codec) Reply(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error) {
	native := map[sdk.Code]string{sdk.Unimplemented: "404", sdk.DeadlineExceeded: "408", sdk.Unavailable: "503", sdk.PermissionDenied: "403"}[f.Code]
	if native == "" {
		native = "500"
	}
	return appendMessage(dst, errorKind, call.ID, nil, nil, []sdk.Entry{code(native)}, []byte(f.Text()))
}

func code(native string) sdk.Entry { return sdk.Entry{Key: []byte("code"), Value: []byte(native)} }

// HeartbeatReply answers a ping.
func (Codec) HeartbeatReply(dst []byte, m *sdk.Message) []byte {
	dst, _ = appendMessage(dst, 6, m.ID, nil, nil, nil, nil)
	return dst
}

// Sniff lets the protocol share a port with others.
func (Codec) Sniff(b []byte) sdk.Match {
	switch {
	case b[0] != 'P':
		return sdk.MatchNo
	case len(b) == 1:
		return sdk.MatchMaybe
	case kinds[b[1]] == sdk.KindUnknown: // "POST", say
		return sdk.MatchNo
	}
	return sdk.MatchYes
}
