package hessian2

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// maxChunk is how many units hessian-lite puts into one chunk of a string.
const maxChunk = 0x8000

// AppendText appends a string. Invalid UTF-8 is written as U+FFFD.
func AppendText(dst []byte, s string) []byte {
	units := countUnits(s)
	for units > maxChunk {
		head, n := splitUnits(s, maxChunk)
		dst = append(dst, 'R')
		dst = binary.BigEndian.AppendUint16(dst, uint16(n)) //nolint:gosec // at most maxChunk
		dst = appendUnits(dst, head)
		s, units = s[len(head):], units-n
	}
	switch {
	case units <= 0x1f:
		dst = append(dst, byte(units))
	case units <= 0x3ff:
		dst = append(dst, 0x30+byte(units>>8), byte(units))
	default:
		dst = append(dst, 'S')
		dst = binary.BigEndian.AppendUint16(dst, uint16(units))
	}
	return appendUnits(dst, s)
}

func countUnits(s string) int {
	n := 0
	for _, c := range s {
		if n++; c > 0xffff {
			n++
		}
	}
	return n
}

// splitUnits returns the head of s with at most that many units, never half a
// character, and how many they are.
func splitUnits(s string, most int) (head string, n int) {
	for i, c := range s {
		width := 1
		if c > 0xffff {
			width = 2
		}
		if n+width > most {
			return s[:i], n
		}
		n += width
	}
	return s, n
}

// appendUnits appends the characters, those beyond 16 bits as two surrogates of
// three bytes each.
func appendUnits(dst []byte, s string) []byte {
	for _, c := range s {
		if c <= 0xffff {
			dst = utf8.AppendRune(dst, c)
			continue
		}
		c -= 0x10000
		dst = appendUnit(dst, 0xd800+c>>10)
		dst = appendUnit(dst, 0xdc00+c&0x3ff)
	}
	return dst
}

func appendUnit(dst []byte, u rune) []byte {
	return append(dst, 0xe0|byte(u>>12), 0x80|byte(u>>6)&0x3f, 0x80|byte(u)&0x3f)
}

// AppendInt appends an int.
func AppendInt(dst []byte, v int32) []byte {
	switch {
	case v >= -16 && v <= 47:
		return append(dst, byte(v+0x90))
	case v >= -2048 && v <= 2047:
		return append(dst, byte(v>>8+0xc8), byte(v))
	case v >= -262144 && v <= 262143:
		return append(dst, byte(v>>16+0xd4), byte(v>>8), byte(v))
	}
	return binary.BigEndian.AppendUint32(append(dst, 'I'), uint32(v)) //nolint:gosec // two's complement
}

// AppendLong appends a long.
func AppendLong(dst []byte, v int64) []byte {
	switch {
	case v >= -8 && v <= 15:
		return append(dst, byte(v+0xe0))
	case v >= -2048 && v <= 2047:
		return append(dst, byte(v>>8+0xf8), byte(v))
	case v >= -262144 && v <= 262143:
		return append(dst, byte(v>>16+0x3c), byte(v>>8), byte(v))
	case v >= math.MinInt32 && v <= math.MaxInt32:
		return binary.BigEndian.AppendUint32(append(dst, 0x59), uint32(v)) //nolint:gosec // two's complement
	}
	return binary.BigEndian.AppendUint64(append(dst, 'L'), uint64(v)) //nolint:gosec // two's complement
}

// AppendDouble appends a double.
func AppendDouble(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, 'D'), math.Float64bits(v))
}

// AppendBool appends a boolean.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 'T')
	}
	return append(dst, 'F')
}

// AppendBinary appends bytes.
func AppendBinary(dst, b []byte) []byte {
	const most = math.MaxUint16
	for len(b) > most {
		dst = append(dst, 'A', 0xff, 0xff)
		dst, b = append(dst, b[:most]...), b[most:]
	}
	dst = append(dst, 'B')
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(b))) //nolint:gosec // at most that
	return append(dst, b...)
}
