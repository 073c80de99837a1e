package brpc

// Fields of an entry: of user_fields, a map, and of ext_fields.
const (
	entryKey   = 1
	entryValue = 2
)

// entry is an entry of user_fields or of ext_fields, with places in the message. A map
// takes a part that is missing for empty.
type entry struct {
	key, value field // the last of each
	exact      bool  // key and value, and nothing else: the form of an ext_field
	at         int   // where it is wrong, if err is set
	err        error
}

// readEntry reads the entry in b[at.from:at.to].
func readEntry(b []byte, at span) (e entry) {
	r := fieldsOf(b, at)
	n := 0
	for f, ok := r.next(); ok; f, ok = r.next() {
		n++
		switch {
		case f.kind != wireBytes:
		case f.number == entryKey:
			e.key = f
		case f.number == entryValue:
			e.value = f
		}
	}
	e.at, e.err = r.at, r.err
	e.exact = r.err == nil && n == 2 && e.key.number != 0 && e.value.number != 0 && e.key.at < e.value.at
	return e
}

// text is the value of a field of bytes, empty if it is missing.
func (f *field) text(b []byte) []byte { return b[f.body.from:f.body.to:f.body.to] }
