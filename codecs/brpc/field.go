package brpc

import (
	"errors"
	"math"
)

// wireType is the form of a field's value.
// Source: https://protobuf.dev/programming-guides/encoding/
type wireType byte

const (
	wireVarint  wireType = 0
	wireFixed64 wireType = 1
	wireBytes   wireType = 2
	wireFixed32 wireType = 5
)

const (
	maxVarint = 10 // bytes of a number
	maxShort  = 5  // bytes of a tag or a length: what C++ reads
)

var (
	errEndsEarly = errors.New("ends too early")
	errVarint    = errors.New("a number is too long")
	errNumber    = errors.New("not the number of a field")
	errWireType  = errors.New("a group, or no known form of a value")
)

// span is a place in a message.
type span struct{ from, to int }

// field is a field of a message in Protocol Buffers, with its place.
type field struct {
	number int // 0 where a field is missing
	kind   wireType
	at     int    // its tag
	body   span   // its value, behind the length if it has one
	n      uint64 // the value, if it is a number
}

// fieldReader reads the fields of a message one after another. It does not allocate.
// Groups are refused: readers differ in what they make of them, and no meta has one.
type fieldReader struct {
	b   []byte // up to the end of the message
	at  int    // after an error, where the field starts that is wrong
	err error
}

// fieldsOf reads the fields in b[at.from:at.to]; places are those in b.
func fieldsOf(b []byte, at span) fieldReader { return fieldReader{b: b[:at.to], at: at.from} }

// next returns the next field; ok is false at the end and at the first error.
func (r *fieldReader) next() (f field, ok bool) {
	if r.err != nil || r.at >= len(r.b) {
		return f, false
	}
	tag, at := varint(r.b, r.at, maxShort)
	f = field{number: int(tag >> 3), kind: wireType(tag & 7), at: r.at}
	switch {
	case at <= 0:
		return f, r.fail(at)
	case tag > math.MaxUint32 || f.number == 0:
		r.err = errNumber
		return f, false
	}
	switch f.body.from = at; f.kind {
	case wireVarint:
		if f.n, at = varint(r.b, at, maxVarint); at <= 0 {
			return f, r.fail(at)
		}
	case wireBytes:
		n, from := varint(r.b, at, maxShort)
		if from <= 0 {
			return f, r.fail(from)
		}
		if n > uint64(len(r.b)-from) { //nolint:gosec // from <= len
			return f, r.fail(0)
		}
		f.body.from, at = from, from+int(n) //nolint:gosec // n <= len
	case wireFixed64:
		at += 8
	case wireFixed32:
		at += 4
	default:
		r.err = errWireType
		return f, false
	}
	if at > len(r.b) {
		return f, r.fail(0)
	}
	f.body.to, r.at = at, at
	return f, true
}

// fail notes why a varint was not read.
func (r *fieldReader) fail(verdict int) bool {
	if r.err = errEndsEarly; verdict < 0 {
		r.err = errVarint
	}
	return false
}

// varint reads a number at b[at:], of at most so many bytes. next is where it ends, 0
// if b ends before, negative if it is too long.
func varint(b []byte, at, most int) (v uint64, next int) {
	for i := range most {
		if at+i >= len(b) {
			return 0, 0
		}
		c := b[at+i]
		if i == maxVarint-1 && c > 1 {
			return 0, -1 // more than 64 bits
		}
		if v |= uint64(c&0x7f) << (7 * i); c < 0x80 {
			return v, at + i + 1
		}
	}
	return 0, -1
}
