package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"
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

// AppendFloat appends a number as JSON has it, with as few digits as tell it from all
// others of that many bits (32 or 64): 1, 0.25, 1e+21. What JSON has no number for is
// NaN, Infinity or -Infinity.
func AppendFloat(dst []byte, f float64, bits int) []byte {
	small, large := math.Abs(f) < 1e-6, math.Abs(f) >= 1e21
	if bits == 32 {
		small, large = float32(math.Abs(f)) < 1e-6, float32(math.Abs(f)) >= 1e21
	}
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		return append(dst, '0') // of either sign
	case large:
		return strconv.AppendFloat(dst, f, 'e', -1, bits)
	case small:
		dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
		if n := len(dst); dst[n-2] == '0' { // the exponent has two digits at least, 1e-07
			dst = append(dst[:n-2], dst[n-1])
		}
		return dst
	}
	return strconv.AppendFloat(dst, f, 'f', -1, bits)
}

// AppendMillis appends a time, in milliseconds since 1970, as RFC 3339 has it:
// 2026-11-25T05:50:48.000Z.
func AppendMillis(dst []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
}
