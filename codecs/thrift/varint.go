package thrift

import "errors"

// The greatest lengths of varints.
const (
	varint32 = 5
	varint64 = 10
)

var errVarint = errors.New("varint is too long")

// varint reads the varint at b[at:], of at most most bytes. It returns where the next
// element starts: 0 if b ends before, and -1 if the varint is too long. Bits beyond
// the 64th are lost, as in the readers of Apache Thrift.
//
// Source: Apache Thrift, doc/specs/thrift-compact-protocol.md.
func varint(b []byte, at, most int) (v uint64, next int) {
	for i := range most {
		if at+i >= len(b) {
			return 0, 0
		}
		c := b[at+i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, at + i + 1
		}
	}
	return 0, -1
}
