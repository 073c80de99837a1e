package jsonb

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// Errors of a Finder.
var (
	ErrScalar = errors.New("neither text, a number, a boolean nor a time")
	ErrStep   = errors.New("neither a list nor an object: the path leads no further")
)

// Finder finds one value in a chunk. It reads the chunk from front to back, but for
// references, and stops when it has the value, unless an object is around it whose other
// keys have to be seen.
type Finder struct {
	Reader

	hit   int // where the value stands
	left  []sdk.Step
	refer []byte // Reader.refers before it
	found bool
}

// NewFinder returns a finder in a chunk.
func NewFinder(chunk []byte) Finder { return Finder{Reader: NewReader(chunk)} }

// Find looks for the value to which the steps lead from the chunk's: elements of lists by
// their index, of objects by their key. If there is one, it is the next value then. Null
// is none.
func (f *Finder) Find(steps []sdk.Step) bool {
	for follows := 0; ; follows++ {
		f.found = false
		f.look(steps, false)
		if f.Err() != nil || !f.found {
			return false
		}
		f.Rewind(f.hit)
		if f.tag() != tagReference {
			return f.tag() != tagNull
		}
		if follows == text.MaxFollows {
			f.Fail(text.ErrFollow)
			return false
		}
		f.Uint8()
		f.refers = f.refer
		way, err := text.ParseReference(f.readReference())
		if err != nil {
			f.Fail(err)
		}
		steps = append(way[:len(way):len(way)], f.left...)
		f.Rewind(0) // symbols get the same numbers again
	}
}

// look reads one value and notes what the steps lead to in it. Around it may be an
// object, for which it has to be read to its end.
func (f *Finder) look(steps []sdk.Step, around bool) {
	for f.tag() == tagTyped && f.Err() == nil {
		f.Uint8()
		f.typeName()
	}
	tag, ok := f.Peek()
	if !ok {
		f.Fail(wire.ErrShort)
		return
	}
	if len(steps) == 0 || tag == tagReference || tag == tagNull {
		f.hit, f.left, f.refer, f.found = f.Offset(), steps, f.refers, true
		if around {
			f.Skip()
		}
		return
	}
	f.Uint8()
	switch {
	case tag == tagObject:
		f.member(steps)
	case tag == tagArray:
		f.element(f.Length(), steps, around)
	case tag >= tagArrayFix && tag < tagArray:
		f.element(int(tag-tagArrayFix), steps, around)
	default:
		f.Fail(ErrStep)
	}
}

// member looks at an object, from its first key on. A key with a reference comes again
// with null, which fastjson2 writes behind references to fields' values; as references
// are resolved last, they are what counts.
func (f *Finder) member(steps []sdk.Step) {
	seen, reference := false, false
	for f.Err() == nil && !f.End() {
		isKey := f.isKey(&steps[0])
		tag := f.tag()
		switch {
		case f.Err() != nil:
		case !isKey, reference && tag == tagNull:
			f.Skip()
		case seen:
			f.Fail(text.ErrTwice)
		default:
			seen, reference = true, tag == tagReference
			f.look(steps[1:], true)
		}
	}
}

// isKey reads a key, and reports whether it is that of the step.
func (f *Finder) isKey(s *sdk.Step) bool {
	if tag := f.tag(); tag != tagSymbol && !isText(tag) {
		n, ok := f.integer(tag)
		if !ok {
			f.Skip()
		}
		return ok && s.IsNumber && n == int64(s.Number)
	}
	verdict := text.Compare(f.Key(text.Copier{}), s.Name)
	if verdict == text.Alike {
		f.Fail(text.ErrAlike)
	}
	return verdict == text.Same
}

// integer reads a number of 32 or 64 bits, if it is next.
func (f *Finder) integer(tag byte) (n int64, ok bool) {
	if isInt(tag) {
		return int64(f.Length()), true
	}
	return f.long(tag)
}

// element looks at a list of n elements.
func (f *Finder) element(n int, steps []sdk.Step, around bool) {
	if !steps[0].IsNumber || steps[0].Number < 0 {
		f.Fail(text.ErrIndex)
	}
	if n < 0 || n > f.Len() {
		f.Fail(wire.ErrShort)
	}
	for i := 0; i < n && f.Err() == nil; i++ {
		switch {
		case i > steps[0].Number && !around:
			return
		case i == steps[0].Number:
			f.look(steps[1:], around)
		default:
			f.Skip()
		}
	}
}

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
