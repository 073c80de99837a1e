package brpc

import "github.com/meltemi-mesh/meltemi/sdk/wire"

// findEntries finds the last entry of each key that is to be changed: it is the one that
// counts.
func (e *editor) findEntries() {
	b := e.m.Bytes
	meta := fieldsOf(b, e.l.meta)
	for f, ok := meta.next(); ok; f, ok = meta.next() {
		switch {
		case f.kind != wireBytes:
		case f.number == metaUserFields && e.form == userFields:
			e.findEntry(&f)
		case f.number == metaRequest && e.form == extFields:
			r := fieldsOf(b, f.body)
			for g, ok := r.next(); ok; g, ok = r.next() {
				if g.number == callSeven && g.kind == wireBytes {
					e.findEntry(&g)
				}
			}
		}
	}
}

func (e *editor) findEntry(f *field) {
	entry := readEntry(e.m.Bytes, f.body)
	if ch := e.entries[string(entry.key.text(e.m.Bytes))]; ch != nil {
		ch.last = f.at
	}
}

// appendEntry appends an entry of the message with its change.
func (e *editor) appendEntry(dst []byte, f *field) []byte {
	b := e.m.Bytes
	entry := readEntry(b, f.body)
	ch := e.entries[string(entry.key.text(b))]
	switch {
	case ch != nil && ch.remove:
		return dst
	case ch == nil || ch.last != f.at:
		return append(dst, b[f.at:f.body.to]...)
	}
	// The value alone is replaced: an entry may have fields that are not known.
	at, to := f.body.to, f.body.to
	if entry.value.number != 0 {
		at, to = entry.value.at, entry.value.body.to
	}
	content := append([]byte(nil), b[f.body.from:at]...)
	content = appendBytes(append(content, tagValue), ch.text)
	content = append(content, b[to:f.body.to]...)
	return appendChanged(dst, b, f, content)
}

// appendNew appends the entries that the message did not have, as fields with that tag.
func (e *editor) appendNew(dst []byte, tag byte) []byte {
	for _, key := range e.keys {
		if ch := e.entries[key]; ch.set && ch.last == 0 {
			dst = appendNewEntry(dst, tag, key, ch.text)
		}
	}
	return dst
}

// appendNewEntry appends an entry. Both parts are written even if they are empty, as
// brpc-java wants them.
func appendNewEntry(dst []byte, tag byte, key string, value []byte) []byte {
	n := 2 + varintSize(uint64(len(key))) + len(key) + varintSize(uint64(len(value))) + len(value)
	dst = wire.AppendUvarint(append(dst, tag), uint64(n)) //nolint:gosec // not negative
	dst = appendBytes(append(dst, tagKey), key)
	return appendBytes(append(dst, tagValue), value)
}
