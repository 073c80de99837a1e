package thrift

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"unicode/utf8"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// valueReader reads values. Its first failure sticks.
type valueReader struct {
	b        []byte
	at       int
	protocol protocol
	err      error
}

// bytes reads n bytes, nil if they are not there.
func (r *valueReader) bytes(n int) []byte {
	if r.err == nil && n > len(r.b)-r.at {
		r.err = errEndsEarly
	}
	if r.err != nil {
		return nil
	}
	from := r.at
	r.at += n
	return r.b[from:r.at:r.at]
}

// text reads a string.
func (r *valueReader) text() []byte {
	if r.err != nil {
		return nil
	}
	n, from, need, err := readLength(r.b, r.at, r.protocol)
	if need > 0 {
		err = errEndsEarly
	}
	if err != nil {
		r.err = err
		return nil
	}
	r.at = from
	return r.bytes(int(n)) //nolint:gosec // readLength allows 31 bits
}

// integer reads a number of type i8, i16, i32 or i64.
func (r *valueReader) integer(t wireType) int64 {
	if n := t.size(r.protocol); n > 0 {
		b := r.bytes(n)
		if b == nil {
			return 0
		}
		var v uint64
		for _, c := range b {
			v = v<<8 | uint64(c)
		}
		shift := 64 - 8*n
		return int64(v<<shift) >> shift //nolint:gosec // the sign is in the first bit
	}
	if r.err != nil {
		return 0
	}
	v, next := varint(r.b, r.at, varint64)
	switch {
	case next < 0:
		r.err = errVarint
	case next == 0:
		r.err = errEndsEarly
	default:
		r.at = next
	}
	return zigzag(v)
}

// double reads a double. The compact protocol has its bytes in reverse.
func (r *valueReader) double() float64 {
	b := r.bytes(8)
	switch {
	case b == nil:
		return 0
	case r.protocol == compact:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

// value reads a value as sdk.View has it.
func (r *valueReader) value(t wireType, depth int) any {
	if depth > sdk.MaxDepth {
		r.err = errDepth
	}
	if r.err != nil {
		return nil
	}
	switch t {
	case tBool:
		b := r.bytes(1)
		return len(b) == 1 && b[0] == 1
	case tI8, tI16, tI32, tI64:
		return r.integer(t)
	case tDouble:
		return printable(r.double())
	case tFloat:
		if b := r.bytes(4); b != nil {
			return printable(float64(math.Float32frombits(binary.BigEndian.Uint32(b))))
		}
	case tString:
		s := r.text()
		if utf8.Valid(s) {
			return string(s)
		}
		return append([]byte(nil), s...)
	case tUUID:
		return uuid(r.bytes(16))
	case tStruct:
		return r.structure(depth)
	case tMap, tSet, tList:
		return r.container(t, depth)
	case tStop:
	}
	return nil
}

// structure reads a struct; its keys are the ids of fields.
func (r *valueReader) structure(depth int) sdk.OrderedMap {
	fields := sdk.OrderedMap{}
	for id := int16(0); ; {
		_, v, ok := r.field(&id, depth)
		if !ok {
			return fields
		}
		fields = append(fields, sdk.MapEntry{Key: id, Value: v})
	}
}

// field reads a field of a struct, after one with the id *id, and sets it; ok is
// false at the end.
func (r *valueReader) field(id *int16, depth int) (f field, value any, ok bool) {
	if r.err != nil {
		return f, nil, false
	}
	f, need, err := readField(r.b, r.at, r.protocol)
	if need > 0 {
		err = errEndsEarly
	}
	if r.err = err; err != nil {
		return f, nil, false
	}
	if r.at = f.value; f.kind == tStop {
		return f, nil, false
	}
	if *id = f.number(*id); f.inline {
		return f, f.truth, true
	}
	value = r.value(f.kind, depth+1)
	return f, value, r.err == nil
}

// container reads a list, a set or a map.
func (r *valueReader) container(t wireType, depth int) any {
	c, need, err := readContainer(r.b, r.at, t, r.protocol)
	if need > 0 {
		err = errEndsEarly
	}
	if r.err = err; err != nil {
		return nil
	}
	r.at = c.elements
	if c.pairs {
		entries := sdk.OrderedMap{}
		for ; c.left > 0 && r.err == nil; c.left -= 2 {
			key := r.value(c.types[0], depth+1)
			entries = append(entries, sdk.MapEntry{Key: key, Value: r.value(c.types[1], depth+1)})
		}
		return entries
	}
	list := []any{}
	for ; c.left > 0 && r.err == nil; c.left-- {
		list = append(list, r.value(c.types[0], depth+1))
	}
	return list
}

// printable is a number that JSON has, or the name of one that it has not.
func printable(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return f
}

// uuid is a UUID as it is written.
func uuid(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	s := hex.EncodeToString(b)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
