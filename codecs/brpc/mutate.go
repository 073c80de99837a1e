package brpc

import (
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// change is what becomes of one field.
type change struct {
	set, remove bool
	n           uint64 // of a number
	text        []byte // of anything else
	last        int    // of an entry: where the last one with its key starts; 0 if there is none
}

// editor writes a message with its changes. It copies what it does not change.
type editor struct {
	*Codec
	m       *sdk.Message
	l       layout
	k       call // of a request
	form    form
	payload bool // what tells of the payload may change, too
	inCall  bool // something inside the request changes

	mut     *sdk.Mutation
	numbers [callTimeout + 1]change // of a request, by field; that of field 7 is request_id
	about   [metaContent + 1]change // of the meta, about the payload

	// Metadata as it is on the wire: changes by key, and the keys in their order.
	entries map[string]*change
	keys    []string

	scratch []byte
}

// Encode implements sdk.Codec.
func (c *Codec) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	return c.encode(dst, m, mut, false)
}

// encode is Encode. With payload, entries about the payload may change as well.
func (c *Codec) encode(dst []byte, m *sdk.Message, mut *sdk.Mutation, payload bool) ([]byte, error) {
	if mut.Empty() {
		return append(dst, m.Bytes...), nil
	}
	l, err := layoutOf(m)
	if err != nil {
		return dst, err
	}
	e := editor{Codec: c, m: m, l: l, payload: payload, mut: mut}
	if err := e.plan(); err != nil {
		return dst, err
	}
	start := len(dst)
	dst = e.appendMeta(appendHeader(dst))
	end := len(dst)
	return finish(append(dst, m.Bytes[l.meta.to:]...), start, end)
}

// appendMeta appends the meta with its changes.
func (e *editor) appendMeta(dst []byte) []byte {
	b := e.m.Bytes
	r := fieldsOf(b, e.l.meta)
	for f, ok := r.next(); ok; f, ok = r.next() {
		whole := b[f.at:f.body.to]
		switch {
		case f.number == metaRequest && f.kind == wireBytes && e.inCall:
			dst = e.appendCall(dst, &f)
		case f.at == e.l.id.at && e.mut.NewID:
			dst = wire.AppendUvarint(append(dst, b[f.at:f.body.from]...), e.mut.ID)
		case f.kind == wireVarint && f.number <= metaContent && (e.about[f.number].set || e.about[f.number].remove):
			// It comes anew behind all others, or not at all.
		case f.number == metaUserFields && f.kind == wireBytes && e.form == userFields:
			dst = e.appendEntry(dst, &f)
		default:
			dst = append(dst, whole...)
		}
	}
	if e.mut.NewID && e.l.id.number == 0 {
		dst = wire.AppendUvarint(append(dst, tagID), e.mut.ID)
	}
	for number := range e.about {
		if ch := &e.about[number]; ch.set {
			dst = wire.AppendUvarint(append(dst, byte(number<<3)|byte(wireVarint)), ch.n)
		}
	}
	if e.form == userFields {
		dst = e.appendNew(dst, tagUserFields)
	}
	return dst
}
