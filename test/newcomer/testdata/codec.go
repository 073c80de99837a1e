// Package ledger teaches Envoy the protocol ledger.
//
// A message is
//
//	 0  2  "LG"
//	 2  1  kind, see below
//	 3  1  how many entries there are
//	 4  8  id: an answer has that of its request
//	12  4  length of the message, with this header
//	16     of a request: the destination, SERVICE#METHOD, entries (each a key and a value), payload;
//	       of an answer: entries, payload;
//	       of an error: two bytes with its code, text
//
// A text is two bytes with a length and that many bytes. Numbers are little-endian.
package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

const (
	magic      = "LG"
	headerSize = 16
)

const (
	kindRequest  = 'Q'
	kindOneWay   = 'N'
	kindResponse = 'A'
	kindFailure  = 'E'
	kindPing     = 'P'
	kindPong     = 'O'
)

var kinds = map[byte]sdk.Kind{
	kindRequest: sdk.KindRequest, kindOneWay: sdk.KindOneWay, kindResponse: sdk.KindResponse,
	kindFailure: sdk.KindResponse, kindPing: sdk.KindHeartbeat, kindPong: sdk.KindHeartbeatReply,
}

// Definition is how a library, and a plugin, get the codec.
func Definition() sdk.Definition {
	return sdk.Definition{Name: "ledger", Summary: "the protocol ledger", New: func(config []byte) (sdk.Codec, error) {
		return Codec{}, sdk.ParseConfig(config, &struct{}{})
	}}
}

// Codec is the protocol.
type Codec struct{}

// Name implements sdk.Codec.
func (Codec) Name() string { return "ledger" }

// Decode finds a message at the front of b.
func (Codec) Decode(_ sdk.Side, b []byte, m *sdk.Message) (int, error) {
	if n := min(len(b), len(magic)); string(b[:n]) != magic[:n] {
		return 0, &sdk.ConnectionError{Element: "magic", Err: errors.New("not LG")}
	}
	if len(b) < headerSize {
		return headerSize, sdk.ErrNeedMore
	}
	kind, known := kinds[b[2]]
	if !known {
		return 0, &sdk.ConnectionError{Element: "kind", Offset: 2, Err: errors.New("unknown")}
	}
	m.Kind, m.ID = kind, binary.LittleEndian.Uint64(b[4:])
	n := int(binary.LittleEndian.Uint32(b[12:]))
	if n < headerSize {
		return 0, &sdk.ConnectionError{Element: "length", Offset: 12, Err: errors.New("shorter than the header")}
	}
	if len(b) < n {
		return n, sdk.ErrNeedMore
	}
	return n, nil
}

// Metadata reads what calls are routed by.
func (Codec) Metadata(m *sdk.Message) error {
	r := wire.NewReader(m.Bytes)
	r.Skip(headerSize)
	switch m.Bytes[2] {
	case kindFailure:
		native := number(&r)
		m.Status = sdk.Status{Code: codeOf(native), Native: native, Message: r.Rest()}
		return malformed("code", &r)
	case kindRequest, kindOneWay:
		var found bool
		if m.Service, m.Method, found = bytes.Cut(text(&r), []byte("#")); !found {
			r.Fail(errors.New("not SERVICE#METHOD"))
		}
		if r.Err() != nil {
			return malformed("destination", &r)
		}
	}
	for n := m.Bytes[3]; n > 0 && r.Err() == nil; n-- {
		key, value := text(&r), text(&r)
		m.Set(key, value)
	}
	m.Notes[0] = r.Offset() // where the payload begins
	return malformed("entries", &r)
}

func malformed(element string, r *wire.Reader) error {
	if r.Err() == nil {
		return nil
	}
	return sdk.Malformed(element, r.Offset(), r.Err())
}

func number(r *wire.Reader) int {
	if b := r.Bytes(2); len(b) == 2 {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func text(r *wire.Reader) []byte { return r.Bytes(number(r)) }

var codes = map[sdk.Code]uint16{
	sdk.Unimplemented: 404, sdk.PermissionDenied: 403, sdk.DeadlineExceeded: 408,
	sdk.ResourceExhausted: 429, sdk.Unavailable: 503,
}

func codeOf(native int) sdk.Code {
	for code, n := range codes {
		if int(n) == native {
			return code
		}
	}
	return sdk.Unknown
}

// Encode writes the message with its changes.
func (Codec) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	if mut.Empty() {
		return append(dst, m.Bytes...), nil
	}
	out := message{kind: m.Bytes[2], id: m.ID, service: m.Service, method: m.Method}
	if mut.NewID {
		out.id = mut.ID
	}
	if out.kind == kindFailure {
		if len(mut.Set)+len(mut.Remove) > 0 {
			return dst, sdk.Unsupported("entries", errors.New("an error has none"))
		}
		return out.append(dst, uint16(m.Status.Native), m.Status.Message)
	}
	if mut.Service != nil {
		out.service = mut.Service
	}
	if mut.Method != nil {
		out.method = mut.Method
	}
	out.entries = mut.Apply(nil, m.Entries())
	return out.append(dst, 0, m.Bytes[m.Notes[0]:])
}

// Reply makes the protocol's own error.
func (Codec) Reply(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error) {
	native, known := codes[f.Code]
	if !known {
		native = 500
	}
	out := message{kind: kindFailure, id: call.ID}
	return out.append(dst, native, []byte(f.Text()))
}

// HeartbeatReply answers a ping.
func (Codec) HeartbeatReply(dst []byte, m *sdk.Message) []byte {
	out := message{kind: kindPong, id: m.ID}
	dst, _ = out.append(dst, 0, nil)
	return dst
}

// message is what append writes.
type message struct {
	kind            byte
	id              uint64
	service, method []byte
	entries         []sdk.Entry
}

// append writes the message. Errors have a code, and other kinds none.
func (w *message) append(dst []byte, code uint16, payload []byte) ([]byte, error) {
	start := len(dst)
	texts, err := w.texts()
	if err != nil {
		return dst, err
	}
	dst = append(append(dst, magic...), w.kind, byte(len(w.entries)))
	dst = binary.LittleEndian.AppendUint64(dst, w.id)
	dst = wire.AppendZeros(dst, 4)
	if w.kind == kindFailure {
		dst = binary.LittleEndian.AppendUint16(dst, code)
	}
	for _, text := range texts {
		if len(text) > math.MaxUint16 {
			return dst[:start], sdk.Unsupported("text", errors.New("longer than 65535 bytes"))
		}
		dst = append(binary.LittleEndian.AppendUint16(dst, uint16(len(text))), text...)
	}
	dst = append(dst, payload...)
	if len(dst)-start > math.MaxUint32 {
		return dst[:start], sdk.Unsupported("message", errors.New("longer than 4 GiB"))
	}
	binary.LittleEndian.PutUint32(dst[start+12:], uint32(len(dst)-start))
	return dst, nil
}

// texts are the destination, if the message has one, and the entries.
func (w *message) texts() ([][]byte, error) {
	if len(w.entries) > math.MaxUint8 {
		return nil, sdk.Unsupported("entries", errors.New("more than 255"))
	}
	var texts [][]byte
	switch {
	case w.kind == kindRequest || w.kind == kindOneWay:
		if bytes.Contains(w.service, []byte("#")) {
			return nil, sdk.Unsupported("service", errors.New("it has a #"))
		}
		texts = append(texts, bytes.Join([][]byte{w.service, w.method}, []byte("#")))
	case len(w.service)+len(w.method) > 0:
		return nil, sdk.Unsupported("service", errors.New("only requests have one"))
	}
	for _, e := range w.entries {
		texts = append(texts, e.Key, e.Value)
	}
	return texts, nil
}
