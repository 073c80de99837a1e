package brpc

import (
	"bytes"

	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// appendCall appends one of the requests in a meta, with its changes. Fields that are
// new are put into the last one.
func (e *editor) appendCall(dst []byte, f *field) []byte {
	b := e.m.Bytes
	content := e.scratch[:0]
	r := fieldsOf(b, f.body)
	for g, ok := r.next(); ok; g, ok = r.next() {
		content = e.appendCallField(content, &g)
	}
	if f.at == e.l.request {
		content = e.appendNewCallFields(content)
	}
	e.scratch = content
	return appendChanged(dst, b, f, content)
}

// appendChanged appends a submessage. It keeps its bytes if its content is the same,
// since its length may be written in more bytes than it takes.
func appendChanged(dst, b []byte, f *field, content []byte) []byte {
	if bytes.Equal(content, b[f.body.from:f.body.to]) {
		return append(dst, b[f.at:f.body.to]...)
	}
	_, length := varint(b, f.at, maxShort) // behind the tag
	return appendBytes(append(dst, b[f.at:length]...), content)
}

// appendCallField appends a field of a request with its change.
func (e *editor) appendCallField(dst []byte, g *field) []byte {
	whole := e.m.Bytes[g.at:g.body.to]
	if g.number > callTimeout || g.kind != callKinds[g.number] {
		return append(dst, whole...)
	}
	if g.number == callSeven && e.form == extFields {
		return e.appendEntry(dst, g)
	}
	switch ch := &e.numbers[g.number]; {
	case ch.remove:
		return dst
	case !ch.set || g.at != e.k.last[g.number].at:
		return append(dst, whole...)
	default:
		return appendCallValue(dst, g.number, ch)
	}
}

func appendCallValue(dst []byte, number int, ch *change) []byte {
	kind := callKinds[number]
	dst = append(dst, byte(number<<3)|byte(kind)) //nolint:gosec // at most 8
	if kind == wireVarint {
		return wire.AppendUvarint(dst, ch.n)
	}
	return appendBytes(dst, ch.text)
}

// appendNewCallFields appends what the request did not have.
func (e *editor) appendNewCallFields(dst []byte) []byte {
	for number := range e.numbers {
		if ch := &e.numbers[number]; ch.set && e.k.last[number].number == 0 {
			dst = appendCallValue(dst, number, ch)
		}
	}
	if e.form == extFields {
		dst = e.appendNew(dst, callSeven<<3|byte(wireBytes))
	}
	return dst
}
