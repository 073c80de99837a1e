// Package wire holds what every codec needs to read and write bytes: a reader
// that cannot read too far, and helpers that append.
package wire

import (
	"encoding/binary"
	"errors"
)

// ErrShort is the reader's error for an element that ends behind the input.
var ErrShort = errors.New("ends too early")

// ErrVarint is the reader's error for a varint of more than ten bytes.
var ErrVarint = errors.New("varint is too long")

// Reader reads a byte slice from front to back. Its first failure sticks: every
// later read returns zero and moves nothing, so a parser can read a whole
// structure and look at Err once. No method allocates, and none panics, whatever
// the input and the arguments.
//
// The slices that it returns are views of the input, not copies.
type Reader struct {
	b   []byte
	off int
	err error
}

// NewReader returns a reader of b.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Offset is the number of bytes read, which is where the reader stands. After a
// failure it is the start of the element that failed.
func (r *Reader) Offset() int { return r.off }

// Len is the number of bytes left, 0 after a failure.
func (r *Reader) Len() int {
	if r.err != nil {
		return 0
	}
	return len(r.b) - r.off
}

// Err is the first failure, or nil.
func (r *Reader) Err() error { return r.err }

// Fail makes the reader fail with err at the current offset, unless it has
// failed before. Parsers use it for what is wrong beyond length.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Bytes reads n bytes. The result is a view of the input with no spare capacity.
// A negative n fails like one that is too large.
func (r *Reader) Bytes(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.b)-r.off {
		r.err = ErrShort
		return nil
	}
	b := r.b[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

// Bytes64 is Bytes for a length that came from the wire as 64 bits.
func (r *Reader) Bytes64(n uint64) []byte {
	if n > uint64(r.Len()) { //nolint:gosec // Len is never negative
		r.Fail(ErrShort)
		return nil
	}
	return r.Bytes(int(n)) //nolint:gosec // n <= Len
}

// Skip moves n bytes on.
func (r *Reader) Skip(n int) { r.Bytes(n) }

// Rest reads all that is left.
func (r *Reader) Rest() []byte { return r.Bytes(r.Len()) }

// Left returns all that is left without reading it, nothing after a failure.
func (r *Reader) Left() []byte {
	if r.err != nil {
		return nil
	}
	return r.b[r.off:len(r.b):len(r.b)]
}

// Peek returns the next byte without reading it; ok is false at the end.
func (r *Reader) Peek() (b byte, ok bool) {
	if r.Len() == 0 {
		return 0, false
	}
	return r.b[r.off], true
}

// Uint8 reads one byte.
func (r *Reader) Uint8() uint8 {
	if r.err != nil {
		return 0
	}
	if r.off >= len(r.b) {
		r.err = ErrShort
		return 0
	}
	v := r.b[r.off]
	r.off++
	return v
}

// Uint16 reads two bytes, big-endian.
func (r *Reader) Uint16() uint16 {
	if b := r.Bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// Uint32 reads four bytes, big-endian.
func (r *Reader) Uint32() uint32 {
	if b := r.Bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads eight bytes, big-endian.
func (r *Reader) Uint64() uint64 {
	if b := r.Bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Uvarint reads an unsigned varint: seven bits a byte, low bits first, the high
// bit set on all but the last byte, as in Protocol Buffers.
func (r *Reader) Uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.b[r.off:])
	switch {
	case n > 0:
		r.off += n
		return v
	case n == 0:
		r.err = ErrShort
	default:
		r.err = ErrVarint
	}
	return 0
}

// Count checks a number of elements that came from the wire, each of which takes
// at least size bytes, against the bytes that are left, and returns it. A count
// that cannot be true fails the reader: nothing has to be allocated to find out.
func (r *Reader) Count(n uint64, size int) int {
	if n > uint64(r.Len()/max(size, 1)) { //nolint:gosec // Len is never negative
		r.Fail(ErrShort)
		return 0
	}
	return int(n) //nolint:gosec // n <= Len
}

// Rewind goes back to an offset that was read before. It does not mend a failure.
func (r *Reader) Rewind(offset int) {
	if r.err == nil && offset >= 0 && offset <= r.off {
		r.off = offset
	}
}
