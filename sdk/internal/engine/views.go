package engine

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// view is how a metadata entry looks as a header. Both ends compute it from the
// frame: the near end to make headers, the far end to find out what was changed.
type view struct {
	name, value []byte
	key         []byte // of the entry
	bare        bool   // a tracing header, under its own name
	hidden      bool   // folds onto another entry
	seen        bool   // scratch of the comparison: a header of that name exists
}

// addViews computes the views of the exposed entries of m.
func (f *fields) addViews(c *Config, m *sdk.Message) error {
	size := 0
	entries := m.Entries()
	for i := range entries {
		e := &entries[i]
		if len(e.Key) == 0 || !c.exposed(e.Key) {
			continue
		}
		v, shown := f.view(c, e)
		if !shown {
			continue
		}
		if size += len(v.name) + len(v.value); size > c.maxMetadataBytes {
			return tooLarge("metadata", fmt.Errorf("names and values are over %d bytes", c.maxMetadataBytes))
		}
		if len(f.views) >= c.maxMetadata {
			return tooLarge("metadata", fmt.Errorf("more than %d entries", c.maxMetadata))
		}
		if other := f.folded(&v); other != nil {
			if !c.hideFolded {
				// In one order, for clients may send the same metadata in many.
				a, b := other.key, v.key
				if bytes.Compare(a, b) > 0 {
					a, b = b, a
				}
				return sdk.Malformed("metadata", -1, fmt.Errorf("keys %q and %q look the same as headers", a, b))
			}
			other.hidden, v.hidden = true, true
		}
		f.views = append(f.views, v)
	}
	return nil
}

// view computes the view of one entry. A tracing value that HTTP does not allow is
// not shown.
func (f *fields) view(c *Config, e *sdk.Entry) (v view, shown bool) {
	f.grow(len(prefix) + 3*len(e.Key) + 2)
	from := len(f.scratch)
	f.scratch = append(f.scratch, prefix...)
	f.scratch = appendKey(f.scratch, e.Key)
	valid := validValue(e.Value)
	v = view{name: f.tail(from), value: e.Value, key: e.Key}
	if bare := v.name[len(prefix):]; c.isTracing(bare) {
		v.name, v.bare = bare, true
		return v, valid
	}
	if valid {
		return v, true
	}
	f.scratch = append(f.scratch, escapeMark) // grow left room for it
	v.name = f.tail(from)
	f.grow(3 * len(e.Value))
	from = len(f.scratch)
	f.scratch = appendMarkedValue(f.scratch, e.Value)
	v.value = f.tail(from)
	return v, true
}

// folded returns the view with the same name as v, marks of values aside.
func (f *fields) folded(v *view) *view {
	plain := plainName(v.name)
	if bit := nameBit(plain); f.seen&bit == 0 {
		f.seen |= bit
		return nil
	}
	return f.lookup(plain, 0)
}

// lookup returns the view with that name, which is looked for at that place first.
func (f *fields) lookup(plain []byte, at int) *view {
	if at < len(f.views) && bytes.Equal(plainName(f.views[at].name), plain) {
		return &f.views[at]
	}
	for i := range f.views {
		if bytes.Equal(plainName(f.views[i].name), plain) {
			return &f.views[i]
		}
	}
	return nil
}

// nameBit returns one of 64 bits for a name. Names are few: mostly each has a bit of its
// own, and no search has to find out that it is not there twice.
func nameBit(plain []byte) uint64 {
	n := len(plain)
	if n == 0 {
		return 1
	}
	return 1 << ((uint(plain[n-1]) + 3*uint(plain[n/2]) + 5*uint(n)) % 64)
}

// doubleBits are the bits that more than one of the headers has.
func doubleBits(headers []Field) (twice uint64) {
	once := uint64(0)
	for i := range headers {
		bit := nameBit(plainName(headers[i].Name))
		twice |= once & bit
		once |= bit
	}
	return twice
}

// showViews adds the views as headers.
func (f *fields) showViews() {
	for i := range f.views {
		if v := &f.views[i]; !v.hidden {
			f.list = append(f.list, Field{v.name, v.value})
		}
	}
}

// diff compares the views of a frame with the headers that arrived beside it, and
// adds each difference to mut: the headers win. Tracing headers that arrived are
// offered; those that did not are left alone.
func (f *fields) diff(c *Config, mut *sdk.Mutation, headers []Field) error {
	doubles := doubleBits(headers)
	next := 0 // headers mostly come in the order of the views
	for i := range headers {
		h := &headers[i]
		metadata := isMetadata(h.Name)
		if !metadata && !c.isTracing(h.Name) {
			continue
		}
		plain := plainName(h.Name)
		v := f.lookup(plain, next)
		next++
		if v != nil && v.seen {
			continue // a repeated header; its first occurrence saw all values
		}
		value := h.Value
		if doubles&nameBit(plain) != 0 && repeated(headers[i+1:], plain) {
			if metadata && marked(headers[i:], plain) {
				return sdk.Malformed("header "+string(h.Name), -1, errSpelling)
			}
			value = joined(headers[i:], plain)
		}
		switch {
		case v == nil:
			key, text, err := f.entryOf(h.Name, value, metadata)
			if err != nil {
				return err
			}
			if metadata {
				if !c.exposedAs(key) {
					return sdk.Malformed("header "+string(h.Name), -1, errNotExposed)
				}
				mut.Set = addNew(mut.Set, key, text)
			} else {
				mut.Optional = addNew(mut.Optional, key, text)
			}
		case v.hidden && !metadata:
			// Tracing never refuses a call, and which of several keys is meant is not known.
		case v.hidden:
			return sdk.Malformed("metadata", -1, fmt.Errorf("header %q would set one of several keys that look the same", h.Name))
		default:
			v.seen = true
			if bytes.Equal(v.name, h.Name) && bytes.Equal(v.value, value) {
				continue
			}
			_, text, err := f.entryOf(h.Name, value, metadata)
			if err != nil {
				return err
			}
			if metadata {
				mut.Set = append(mut.Set, sdk.Entry{Key: v.key, Value: text})
			} else {
				mut.Optional = append(mut.Optional, sdk.Entry{Key: v.key, Value: text})
			}
		}
	}
	for i := range f.views {
		if v := &f.views[i]; !v.seen && !v.bare && !v.hidden {
			mut.Remove = append(mut.Remove, v.key)
		}
	}
	return nil
}

// errNotExposed refuses what would change an entry that no policy could see.
var errNotExposed = errors.New("entries of that name are not exposed here")

// entryOf undoes the escapes of a header. A header that is not spelled as view writes it
// is an error: whoever matches headers knows that spelling alone.
func (f *fields) entryOf(name, value []byte, metadata bool) (key, text []byte, err error) {
	if !metadata {
		return name, value, nil
	}
	plain := plainName(name)
	f.grow(len(plain))
	from := len(f.scratch)
	if f.scratch, err = appendUnkey(f.scratch, plain[len(prefix):]); err != nil {
		return nil, nil, sdk.Malformed("header "+string(name), -1, err)
	}
	if key = f.tail(from); len(key) == 0 {
		return nil, nil, sdk.Malformed("header "+string(name), -1, errors.New("it names no key"))
	}
	if f.grow(3*len(key) + 1); !f.spelled(plain[len(prefix):], func(dst []byte) []byte { return appendKey(dst, key) }) {
		return nil, nil, sdk.Malformed("header "+string(name), -1, errSpelling)
	}
	if len(plain) == len(name) {
		return key, value, nil
	}
	f.grow(len(value))
	from = len(f.scratch)
	if f.scratch, err = appendUnescaped(f.scratch, value, upperHex); err != nil {
		return nil, nil, sdk.Malformed("header "+string(name), -1, err)
	}
	text = f.tail(from)
	f.grow(3 * len(text))
	if validValue(text) || !f.spelled(value, func(dst []byte) []byte { return appendMarkedValue(dst, text) }) {
		return nil, nil, sdk.Malformed("header "+string(name), -1, errSpelling)
	}
	return key, text, nil
}

// spelled reports whether s is what write appends.
func (f *fields) spelled(s []byte, write func(dst []byte) []byte) bool {
	from := len(f.scratch)
	f.scratch = write(f.scratch)
	return bytes.Equal(f.tail(from), s)
}

// isMetadata reports whether a header stands for a metadata entry.
func isMetadata(name []byte) bool {
	return len(name) > len(prefix) && string(name[:len(prefix)]) == prefix &&
		string(name) != headerKind && string(name) != headerStatus && !bytes.HasPrefix(name, []byte(localPrefix))
}

// marked reports whether one of the headers of that name has a marked value.
func marked(headers []Field, plain []byte) bool {
	for i := range headers {
		if name := headers[i].Name; len(name) != len(plain) && bytes.Equal(plainName(name), plain) {
			return true
		}
	}
	return false
}

func repeated(headers []Field, plain []byte) bool {
	for i := range headers {
		if bytes.Equal(plainName(headers[i].Name), plain) {
			return true
		}
	}
	return false
}

// joined is the value of a header that is repeated, as RFC 9110, section 5.2, says.
func joined(headers []Field, plain []byte) (value []byte) {
	first := true
	for i := range headers {
		if !bytes.Equal(plainName(headers[i].Name), plain) {
			continue
		}
		if !first {
			value = append(value, ',') // behind an empty value too: policies see it so
		}
		first = false
		value = append(value, headers[i].Value...)
	}
	return value
}

// addNew adds an entry unless there is one with its key: the first occurrence of a
// repeated header saw all values.
func addNew(list []sdk.Entry, key, value []byte) []sdk.Entry {
	if slices.ContainsFunc(list, func(e sdk.Entry) bool { return bytes.Equal(e.Key, key) }) {
		return list
	}
	return append(list, sdk.Entry{Key: key, Value: value})
}

func tooLarge(element string, err error) error {
	return &sdk.CallError{Cause: sdk.CauseTooLarge, Element: element, Offset: -1, Err: err}
}
