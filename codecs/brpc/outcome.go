package brpc

import "github.com/meltemi-mesh/meltemi/sdk"

// outcome reads a response.
func (c *Codec) outcome(m *sdk.Message, l *layout) error {
	meta := fieldsOf(m.Bytes, l.meta)
	code := int32(0)
	for f, ok := meta.next(); ok; f, ok = meta.next() {
		if f.number != metaResponse || f.kind != wireBytes {
			continue
		}
		r := fieldsOf(m.Bytes, f.body)
		for g, ok := r.next(); ok; g, ok = r.next() {
			switch {
			case g.number == replyCode && g.kind == wireVarint:
				code = g.int32()
			case g.number == replyText && g.kind == wireBytes:
				m.Status.Message = g.text(m.Bytes)
			}
		}
		if r.err != nil {
			return sdk.Malformed("response", r.at, r.err)
		}
	}
	m.Status.Code, m.Status.Native = c.codeOf(code), int(code)
	if code == 0 {
		m.Status.Message = nil
	}
	if c.dialect == dialectJava {
		return nil // it has no metadata in responses
	}
	return l.showUserFields(m)
}
