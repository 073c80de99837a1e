package jsonb

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// AppendScalar reads the next value and appends it as text, as sdk.ArgumentReader wants it.
func (r *Reader) AppendScalar(dst []byte) []byte {
	tag, ok := r.Peek()
	switch {
	case !ok:
		r.Fail(wire.ErrShort)
		return dst
	case isText(tag):
		s, _ := r.Text(text.Copier{})
		return append(dst, s...)
	}
	if n, ok := r.integer(tag); ok {
		return strconv.AppendInt(dst, n, 10)
	}
	at := r.Offset()
	r.Uint8()
	switch tag {
	case tagTrue:
		return append(dst, "true"...)
	case tagFalse:
		return append(dst, "false"...)
	case tagDouble0:
		return append(dst, '0')
	case tagDouble1:
		return append(dst, '1')
	case tagDouble:
		return wire.AppendFloat(dst, math.Float64frombits(r.Uint64()), 64)
	case tagFloat:
		return wire.AppendFloat(dst, float64(math.Float32frombits(r.Uint32())), 32)
	case tagDoubleLong, tagFloatInt, tagDecimalLong, tagBigintLong:
		if n, ok := r.integer(r.tag()); ok {
			return strconv.AppendInt(dst, n, 10)
		}
	case tagDecimal:
		if scale := r.Length(); scale >= 0 && scale <= maxScale {
			if n, ok := r.integer(r.tag()); ok {
				return appendDecimal(dst, n, scale)
			}
		}
	case tagChar:
		if isInt(r.tag()) {
			return utf8.AppendRune(dst, rune(r.Length())) //nolint:gosec // what is no character becomes U+FFFD
		}
	case tagMillis:
		return wire.AppendMillis(dst, int64(r.Uint64())) //nolint:gosec // the wire's sign
	case tagSeconds:
		return wire.AppendMillis(dst, 1000*int64(int32(r.Uint32()))) //nolint:gosec // likewise
	case tagMinutes:
		return wire.AppendMillis(dst, 60_000*int64(int32(r.Uint32()))) //nolint:gosec // likewise
	}
	r.Rewind(at)
	r.Fail(ErrScalar)
	return dst
}

// maxScale is the greatest number of digits behind the point of a decimal number that is
// read: more than 64 bits have.
const maxScale = 20

// appendDecimal appends n with that many digits behind the point, as BigDecimal writes
// itself.
func appendDecimal(dst []byte, n int64, scale int) []byte {
	digits := strconv.FormatInt(n, 10)
	if n < 0 {
		dst, digits = append(dst, '-'), digits[1:]
	}
	if scale == 0 {
		return append(dst, digits...)
	}
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - scale
	return append(append(append(dst, digits[:point]...), '.'), digits[point:]...)
}

// integer reads a number of 32 or 64 bits, if it is next.
func (r *Reader) integer(tag byte) (n int64, ok bool) {
	if isInt(tag) {
		return int64(r.Length()), true
	}
	return r.long(tag)
}
