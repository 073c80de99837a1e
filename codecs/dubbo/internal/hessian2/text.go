package hessian2

import (
	"encoding/binary"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
)

func isText(tag byte) bool {
	return tag <= 0x1f || tag >= 0x30 && tag <= 0x33 || tag == 'R' || tag == 'S'
}

// piece is a chunk of a string: its bytes, and whether they hold surrogates.
type piece struct {
	b          []byte
	surrogates bool
	last       bool
}

// chunk reads a chunk of a string, its tag already read.
func (r *Reader) chunk(tag byte) (p piece) {
	var units int
	p.last = true
	switch {
	case tag <= 0x1f:
		units = int(tag)
	case tag >= 0x30 && tag <= 0x33:
		units = int(tag-0x30)<<8 + int(r.Uint8())
	case tag == 'S':
		units = int(r.Uint16())
	case tag == 'R':
		units = int(r.Uint16())
		p.last = false
	default:
		r.Fail(ErrType)
		return p
	}
	p.b, p.surrogates = r.units(units)
	return p
}

// units reads n UTF-16 units, each of one to three bytes.
func (r *Reader) units(n int) (b []byte, surrogates bool) {
	left := r.Left()
	if n > len(left) {
		r.Bytes(n) // fails
		return nil, false
	}
	for size := 0; ; {
		ascii := asciiPrefix(left[size:min(size+n, len(left))])
		size += ascii
		if n -= ascii; n == 0 {
			return r.Bytes(size), surrogates
		}
		if size >= len(left) {
			r.Bytes(len(left) + 1) // fails
			return nil, false
		}
		width, surrogate := unit(left[size:])
		if width == 0 {
			r.Fail(ErrText)
			return nil, false
		}
		surrogates = surrogates || surrogate
		size += width
		n--
	}
}

// asciiPrefix returns how many bytes at the front of b are ASCII. It looks at 32 at a
// time, then at eight.
func asciiPrefix(b []byte) int {
	const high = 0x8080808080808080
	i := 0
	for ; len(b)-i >= 32; i += 32 {
		c := b[i : i+32]
		all := binary.LittleEndian.Uint64(c) | binary.LittleEndian.Uint64(c[8:]) |
			binary.LittleEndian.Uint64(c[16:]) | binary.LittleEndian.Uint64(c[24:])
		if all&high != 0 {
			break
		}
	}
	for ; len(b)-i >= 8; i += 8 {
		if binary.LittleEndian.Uint64(b[i:])&high != 0 {
			break
		}
	}
	for i < len(b) && b[i] < 0x80 {
		i++
	}
	return i
}

// A plain string is one chunk of at most 1023 characters, all of them ASCII, as names,
// keys and most values are: its characters are its bytes. What is here makes those
// faster and replaces nothing.

// chunkAt returns where the text of the chunk at the front of b begins and, if it is
// plain, ends; zero if it cannot be plain.
func chunkAt(b []byte) (from, to int) {
	switch {
	case len(b) > 0 && b[0] <= 0x1f:
		from, to = 1, 1+int(b[0])
	case len(b) > 1 && b[0]&^3 == 0x30:
		from, to = 2, 2+int(b[0]&3)<<8+int(b[1])
	}
	if to > len(b) {
		return 0, 0
	}
	return from, to
}

// ahead reports whether the bytes of left, what is left of the input, are ASCII between
// from and to. It looks as far as they are, so that each byte is looked at once.
func (r *Reader) ahead(left []byte, from, to int) bool {
	at := r.Offset()
	if r.ascii <= at+from {
		r.ascii = at + from + asciiPrefix(left[from:])
	}
	return at+to <= r.ascii
}

// plain reads a plain string. If there is none, it reads nothing and is false.
func (r *Reader) plain() (s []byte, ok bool) {
	left := r.Left()
	from, to := chunkAt(left)
	if from == 0 || r.Offset()+to > r.ascii && !r.ahead(left, from, to) {
		return nil, false
	}
	r.Reader.Skip(to)
	return left[from:to:to], true
}

// PlainPair reads two strings, each a single chunk of ASCII, as most entries of a map
// are, and returns where the second one stands. If there are none, it reads nothing and
// is false.
func (r *Reader) PlainPair() (key, value []byte, valueAt int, ok bool) {
	left := r.Left()
	from, valueAt := chunkAt(left)
	if from == 0 {
		return nil, nil, 0, false
	}
	valueFrom, to := chunkAt(left[valueAt:])
	if valueFrom == 0 {
		return nil, nil, 0, false
	}
	valueFrom, to = valueAt+valueFrom, valueAt+to
	if r.Offset()+to > r.ascii && !(r.ahead(left, from, valueAt) && r.ahead(left, valueFrom, to)) {
		return nil, nil, 0, false
	}
	key, value = left[from:valueAt:valueAt], left[valueFrom:to:to]
	valueAt += r.Offset()
	r.Reader.Skip(to)
	return key, value, valueAt, true
}

// unit measures the unit at the front of b, 0 if it is malformed. Java's reader does
// not mind a character in more bytes than it needs, and no writer makes one: it would
// let a message spell a key in a way that looks different here. The unit of a
// surrogate is well formed.
func unit(b []byte) (width int, surrogate bool) {
	lead := b[0]
	switch {
	case lead < 0x80:
		return 1, false
	case lead >= 0xc2 && lead < 0xe0:
		width = 2
	case lead >= 0xe0 && lead < 0xf0:
		width = 3
	default:
		return 0, false
	}
	if len(b) < width || b[1]&0xc0 != 0x80 || lead == 0xe0 && b[1] < 0xa0 || width == 3 && b[2]&0xc0 != 0x80 {
		return 0, false
	}
	return width, lead == 0xed && b[1] >= 0xa0
}

// text reads a string and forgets it.
func (r *Reader) text() { r.skipText(r.Uint8()) }

func (r *Reader) skipText(tag byte) {
	for r.Err() == nil {
		p := r.chunk(tag)
		if p.last {
			return
		}
		tag = r.Uint8()
	}
}

// Text reads a string as UTF-8; null is false, and so is a failure. The result is a
// view of the input or made with keep, see IfText.
func (r *Reader) Text(keep text.Keeper) (s []byte, ok bool) {
	if s, ok = r.plain(); ok {
		return s, true
	}
	if s, ok = r.IfText(keep); !ok && r.Uint8() != 'N' {
		r.Fail(ErrType)
	}
	return s, ok
}

// IfText reads the next value as UTF-8 if it is a string. If it is none, or malformed,
// which makes the reader fail, the result is false. In the ordinary case, a single
// chunk without surrogates, it is a view of the input; otherwise it is made with keep,
// which copies a slice to where the result may live.
func (r *Reader) IfText(keep text.Keeper) (s []byte, ok bool) {
	if s, ok = r.plain(); ok {
		return s, true
	}
	if !r.IsText() {
		return nil, false
	}
	p := r.chunk(r.Uint8())
	if p.last && !p.surrogates {
		return p.b, r.Err() == nil
	}
	var all []byte
	for r.Err() == nil {
		all = append(all, p.b...)
		if p.last {
			return keep.Keep(joinSurrogates(all)), true
		}
		p = r.chunk(r.Uint8())
	}
	return nil, false
}

// joinSurrogates makes UTF-8 of units that are coded one by one: a pair of
// surrogates becomes one character, a lone one U+FFFD.
func joinSurrogates(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		unit, n := unitAt(b)
		b = b[n:]
		if !utf16.IsSurrogate(unit) {
			out = utf8.AppendRune(out, unit)
			continue
		}
		next, n := unitAt(b)
		if joined := utf16.DecodeRune(unit, next); joined != utf8.RuneError {
			out = utf8.AppendRune(out, joined)
			b = b[n:]
		} else {
			out = utf8.AppendRune(out, utf8.RuneError)
		}
	}
	return out
}

// unitAt decodes the unit at the front of b.
func unitAt(b []byte) (unit rune, n int) {
	switch {
	case len(b) == 0:
		return utf8.RuneError, 0
	case b[0] < 0x80:
		return rune(b[0]), 1
	case b[0] < 0xe0 && len(b) > 1:
		return rune(b[0]&0x1f)<<6 | rune(b[1]&0x3f), 2
	case len(b) > 2:
		return rune(b[0]&0x0f)<<12 | rune(b[1]&0x3f)<<6 | rune(b[2]&0x3f), 3
	}
	return utf8.RuneError, len(b)
}

// Scalar reads a string, number or boolean as text. It leaves the reader where it
// was and returns false if the next value is something else.
func (r *Reader) Scalar(keep text.Keeper) (s []byte, ok bool) {
	if s, ok = r.IfText(keep); ok {
		return s, true
	}
	tag, more := r.Peek()
	switch {
	case !more:
		return nil, false
	case isInt(tag):
		return keep.Keep(strconv.AppendInt(nil, int64(r.Int()), 10)), r.Err() == nil
	}
	switch {
	case isLong(tag):
		r.Uint8()
		return keep.Keep(strconv.AppendInt(nil, r.long(tag), 10)), r.Err() == nil
	case isDouble(tag):
		r.Uint8()
		return keep.Keep(strconv.AppendFloat(nil, r.double(tag), 'g', -1, 64)), r.Err() == nil
	case tag == 'T':
		r.Uint8()
		return []byte("true"), true
	case tag == 'F':
		r.Uint8()
		return []byte("false"), true
	}
	return nil, false
}
