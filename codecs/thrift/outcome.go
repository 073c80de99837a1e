package thrift

import (
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// outcome reads what a reply says into m.Status.
func (c *Codec) outcome(m *sdk.Message, l *layout) error {
	if l.kind == typeException {
		e, err := readException(m.Bytes, l)
		if err != nil {
			return err
		}
		m.Status = sdk.Status{Code: c.codeOf(e.kind), Native: int(e.kind), Message: e.text}
		return nil
	}
	f, need, err := readField(m.Bytes, l.body, l.protocol)
	if err != nil || need > 0 {
		return sdk.Malformed("result", l.body, errEndsEarly)
	}
	if f.kind != tStop && f.id != 0 {
		m.Status.Code = c.meant
		var digits [8]byte
		m.Set(declaredKey, m.Keep(strconv.AppendInt(digits[:0], int64(f.id), 10)))
		return nil
	}
	if l.transport == ttheader {
		c.businessError(m)
	}
	return nil
}

// businessError reads the headers of a reply by which Kitex tells of a failure.
func (c *Codec) businessError(m *sdk.Message) {
	text, _ := m.Get(keyBusinessStatus)
	if n, ok := number(text); ok && n != 0 {
		m.Status.Code, m.Status.Native = c.meant, int(n)
		m.Status.Message, _ = m.Get(keyBusinessText)
	}
}

// exception is a TApplicationException.
type exception struct {
	kind int32
	text []byte
}

// readException reads the struct of a message of type EXCEPTION: field 1 is a text
// and field 2 a number, and either may be missing.
// Source: Apache Thrift, doc/specs/thrift-rpc.md.
func readException(b []byte, l *layout) (e exception, err error) {
	var s skipper
	s.start(l.protocol, l.body)
	for id := int16(0); ; {
		f, need, err := readField(b, s.at, l.protocol)
		if err != nil || need > 0 {
			return e, sdk.Malformed("exception", s.at, errEndsEarly)
		}
		if f.kind == tStop {
			return e, nil
		}
		id = f.number(id)
		r := valueReader{b: b, at: f.value, protocol: l.protocol}
		switch {
		case id == 1 && f.kind == tString:
			e.text = r.text()
		case id == 2 && f.kind == tI32:
			e.kind = int32(r.integer(tI32)) //nolint:gosec // it has 32 bits
		}
		if need, err = s.field(b); need == 0 && err == nil {
			_, need, err = s.runTo(b, 1)
		}
		if err != nil || need > 0 || r.err != nil {
			return e, sdk.Malformed("exception", s.at, errEndsEarly)
		}
	}
}
