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
func (f *Finder) AppendScalar(dst []byte) []byte {
	tag, ok := f.Peek()
	switch {
	case !ok:
		f.Fail(wire.ErrShort)
		return dst
	case isText(tag):
		s, _ := f.Text(text.Copier{})
		return append(dst, s...)
	}
	if n, ok := f.integer(tag); ok {
		return strconv.AppendInt(dst, n, 10)
	}
	at := f.Offset()
	f.Uint8()
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
		return wire.AppendFloat(dst, math.Float64frombits(f.Uint64()), 64)
	case tagFloat:
		return wire.AppendFloat(dst, float64(math.Float32frombits(f.Uint32())), 32)
	case tagDoubleLong, tagFloatInt, tagDecimalLong, tagBigintLong:
		if n, ok := f.integer(f.tag()); ok {
			return strconv.AppendInt(dst, n, 10)
		}
	case tagDecimal:
		if scale := f.Length(); scale >= 0 && scale <= maxScale {
			if n, ok := f.integer(f.tag()); ok {
				return appendDecimal(dst, n, scale)
			}
		}
	case tagChar:
		if isInt(f.tag()) {
			return utf8.AppendRune(dst, rune(f.Length())) //nolint:gosec // what is no character becomes U+FFFD
		}
	case tagMillis:
		return wire.AppendMillis(dst, int64(f.Uint64())) //nolint:gosec // the wire's sign
	case tagSeconds:
		return wire.AppendMillis(dst, 1000*int64(int32(f.Uint32()))) //nolint:gosec // likewise
	case tagMinutes:
		return wire.AppendMillis(dst, 60_000*int64(int32(f.Uint32()))) //nolint:gosec // likewise
	}
	f.Rewind(at)
	f.Fail(ErrScalar)
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
