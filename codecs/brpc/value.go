package brpc

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// isMessage reports whether b[at.from:at.to] is made of fields.
func isMessage(b []byte, at span) bool {
	r := fieldsOf(b, at)
	for _, ok := r.next(); ok; {
		_, ok = r.next()
	}
	return r.err == nil
}

// viewMessage is the message in b[at.from:at.to], which is one, by the numbers of its
// fields. A field that comes again is a list.
func viewMessage(b []byte, at span, depth int) sdk.OrderedMap {
	var (
		fields = sdk.OrderedMap{}
		index  = map[int]int{}
		lists  = map[int][]any{}
	)
	r := fieldsOf(b, at)
	for f, ok := r.next(); ok; f, ok = r.next() {
		v := viewValue(b, &f, depth)
		i, again := index[f.number]
		if !again {
			index[f.number] = len(fields)
			fields = append(fields, sdk.MapEntry{Key: f.number, Value: v})
			continue
		}
		list := lists[f.number]
		if list == nil {
			list = []any{fields[i].Value}
		}
		lists[f.number] = append(list, v)
	}
	for number, list := range lists {
		fields[index[number]].Value = list
	}
	return fields
}

// viewValue is a value: of a number int64, which is right but for unsigned ones of more
// than 63 bits and for sint32 and sint64, and fixed ones as they are without a sign.
func viewValue(b []byte, f *field, depth int) any {
	switch f.kind {
	case wireVarint:
		return int64(f.n) //nolint:gosec // most often it is one
	case wireFixed32:
		return uint64(binary.LittleEndian.Uint32(b[f.body.from:]))
	case wireFixed64:
		return binary.LittleEndian.Uint64(b[f.body.from:])
	case wireBytes:
	}
	text := f.text(b)
	// A message is often one of a text, whose tag is a line feed.
	inside := len(text) > 0 && depth < sdk.MaxDepth && isMessage(b, f.body)
	switch {
	case inside && text[0] == '\n', inside && !isText(text):
		return viewMessage(b, f.body, depth+1)
	case isText(text):
		return string(text)
	}
	return bytes.Clone(text)
}

// isText reports whether people can read it.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(b)
}
