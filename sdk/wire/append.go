package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// AppendUint16 appends v, big-endian.
func AppendUint16(dst []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(dst, v) }

// AppendUint32 appends v, big-endian.
func AppendUint32(dst []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(dst, v) }

// AppendUint64 appends v, big-endian.
func AppendUint64(dst []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(dst, v) }

// AppendUvarint appends v as Reader.Uvarint reads it.
func AppendUvarint(dst []byte, v uint64) []byte { return binary.AppendUvarint(dst, v) }

// AppendZeros appends n zero bytes, the place of a field that is filled in later.
func AppendZeros(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, 0)
	}
	return dst
}

// PutLen32 writes n at b[at:at+4], big-endian: the length of something that has
// been appended meanwhile. It is an error if n does not fit.
func PutLen32(b []byte, at, n int) error {
	if n < 0 || n > math.MaxUint32 {
		return fmt.Errorf("length %d does not fit into 32 bits", n)
	}
	binary.BigEndian.PutUint32(b[at:], uint32(n))
	return nil
}

// PutLen16 writes n at b[at:at+2], big-endian. It is an error if n does not fit.
func PutLen16(b []byte, at, n int) error {
	if n < 0 || n > math.MaxUint16 {
		return fmt.Errorf("length %d does not fit into 16 bits", n)
	}
	binary.BigEndian.PutUint16(b[at:], uint16(n))
	return nil
}
