package brpc

import "github.com/meltemi-mesh/meltemi/sdk"

// form is where a request has its metadata.
type form byte

const (
	userFields form = iota // C++: field 9 of the meta; field 7 of the request is its id
	extFields              // Java: field 7 of the request
)

// formOf tells the form of a request that says k.
func (c *Codec) formOf(k *call) form {
	if c.dialect == dialectJava || c.dialect == dialectAuto && k.exts > 0 && k.others == 0 {
		return extFields
	}
	return userFields
}

// showMetadata makes entries of the metadata of a request.
func (c *Codec) showMetadata(m *sdk.Message, l *layout, k *call) error {
	if c.formOf(k) == extFields {
		if l.userFields > 0 && c.dialect == dialectAuto {
			return sdk.Malformed("user_fields", l.meta.from, errBothForms)
		}
		return l.showExtFields(m)
	}
	if id := &k.last[callSeven]; id.number != 0 {
		m.Set(requestIDKey, id.text(m.Bytes))
	}
	return l.showUserFields(m)
}

// showUserFields makes entries of user_fields. In a map the last of equal keys counts.
func (l *layout) showUserFields(m *sdk.Message) error {
	if l.userFields == 0 {
		return nil
	}
	r := fieldsOf(m.Bytes, l.meta)
	for f, ok := r.next(); ok; f, ok = r.next() {
		if f.number != metaUserFields || f.kind != wireBytes {
			continue
		}
		e := readEntry(m.Bytes, f.body)
		if e.err != nil {
			return sdk.Malformed("user_fields", e.at, e.err)
		}
		m.Set(shownKey(m, e.key.text(m.Bytes)), e.value.text(m.Bytes))
	}
	return nil
}

// showExtFields makes entries of ext_fields, which brpc-java puts into a map in their
// order.
func (l *layout) showExtFields(m *sdk.Message) error {
	meta := fieldsOf(m.Bytes, l.meta)
	for f, ok := meta.next(); ok; f, ok = meta.next() {
		if f.number != metaRequest || f.kind != wireBytes {
			continue
		}
		r := fieldsOf(m.Bytes, f.body)
		for g, ok := r.next(); ok; g, ok = r.next() {
			if g.number != callSeven || g.kind != wireBytes {
				continue
			}
			e := readEntry(m.Bytes, g.body)
			switch {
			case e.err != nil:
				return sdk.Malformed("ext_fields", e.at, e.err)
			case e.key.number == 0 || e.value.number == 0:
				return sdk.Malformed("ext_fields", g.at, errExtField)
			}
			m.Set(shownKey(m, e.key.text(m.Bytes)), e.value.text(m.Bytes))
		}
	}
	return nil
}

// showPayload makes entries of what the meta tells of the payload, where that is not the
// usual.
func (l *layout) showPayload(m *sdk.Message) error {
	if n := l.compress.int32(); n != 0 {
		m.Set(compressKey, named(m, compressNames, n))
	}
	if n := l.content.int32(); n != contentProtobuf {
		m.Set(contentKey, named(m, contentNames, n))
	}
	n := l.attachment.int32()
	if n < 0 || int(n) > len(m.Bytes)-l.meta.to {
		return sdk.Malformed("attachment_size", l.attachment.at, errAttachment)
	}
	if n != 0 {
		m.Set(attachmentKey, decimal(m, int64(n)))
	}
	return nil
}
