// Package jsonb reads and writes JSONB, the binary format of fastjson2, as far as
// Dubbo's metadata needs it: any value can be skipped, and text read and written.
//
// Source: fastjson2, com.alibaba.fastjson2.JSONB.Constants and JSONReaderJSONB.
package jsonb

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// Types, as the first byte of a value. Ranges of numbers and short texts are named
// by their first.
const (
	tagChar        = 0x90
	tagBinary      = 0x91
	tagTyped       = 0x92
	tagReference   = 0x93
	tagArrayFix    = 0x94 // to 0xa3: arrays of 0 to 15
	tagArray       = 0xa4
	tagObjectEnd   = 0xa5
	tagObject      = 0xa6
	tagLocalTime   = 0xa7
	tagLocalDT     = 0xa8
	tagLocalDate   = 0xa9
	tagZoned       = 0xaa
	tagMillis      = 0xab
	tagSeconds     = 0xac
	tagMinutes     = 0xad
	tagTimestamp   = 0xae
	tagNull        = 0xaf
	tagFalse       = 0xb0
	tagTrue        = 0xb1
	tagDouble0     = 0xb2
	tagDouble1     = 0xb3
	tagDoubleLong  = 0xb4
	tagDouble      = 0xb5
	tagFloatInt    = 0xb6
	tagFloat       = 0xb7
	tagDecimalLong = 0xb8
	tagDecimal     = 0xb9
	tagBigintLong  = 0xba
	tagBigint      = 0xbb
	tagInt16       = 0xbc
	tagInt8        = 0xbd
	tagInt64       = 0xbe
	tagInt64Int    = 0xbf
	tagInt32       = 0x48
	tagText        = 0x49 // to 0x78: ASCII of 0 to 47 bytes
	tagASCII       = 0x79
	tagUTF8        = 0x7a
	tagUTF16       = 0x7b
	tagUTF16LE     = 0x7c
	tagUTF16BE     = 0x7d
	tagGB18030     = 0x7e
	tagSymbol      = 0x7f
)

// Errors of the reader.
var (
	ErrTag    = errors.New("not a value")
	ErrType   = errors.New("value of another type")
	ErrDepth  = errors.New("nested too deeply")
	ErrSymbol = errors.New("symbol that was never defined")
	ErrText   = errors.New("text in an encoding that is not known")
)

// maxSymbols bounds the names that a chunk may define.
const maxSymbols = 4096

// Reader reads the values of one chunk. Its first failure sticks, as that of
// wire.Reader.
type Reader struct {
	wire.Reader
	symbols [][]byte // keys that were defined as symbols, by number
	few     [8][]byte
	depth   int
	refers  []byte // the last reference but for those to the same as the one before
}

// sameReference is the reference to what the one before it refers to.
// Source: fastjson2, JSONWriterJSONB.writeReference and JSONPath.PreviousPath.
const sameReference = "#-1"

// readReference reads a reference behind its tag.
func (r *Reader) readReference() []byte {
	s, _ := r.Text(text.Copier{})
	if string(s) != sameReference {
		r.refers = s
	}
	return r.refers
}

// NewReader returns a reader of b.
func NewReader(b []byte) Reader { return Reader{Reader: wire.NewReader(b)} }

func (r *Reader) tag() byte {
	b, _ := r.Peek()
	return b
}

// Skip reads one value, whatever it is.
func (r *Reader) Skip() {
	if r.depth++; r.depth > sdk.MaxDepth {
		r.Fail(ErrDepth)
		return
	}
	if tag := r.Uint8(); r.Err() == nil {
		r.skip(tag)
	}
	r.depth--
}

func (r *Reader) skip(tag byte) {
	switch {
	case tag >= tagArrayFix && tag < tagArray:
		r.elements(int(tag - tagArrayFix))
	case tag >= 0xf0 || tag <= 0x2f || tag >= 0xd8: // small numbers
	case tag >= 0x30 && tag <= 0x3f || tag >= 0xc8 && tag <= 0xd7: // of one more byte
		r.Reader.Skip(1)
	case tag >= 0x40 && tag <= 0x47 || tag >= 0xc0 && tag <= 0xc7: // of two more
		r.Reader.Skip(2)
	case tag >= tagText && tag < tagASCII:
		r.Reader.Skip(int(tag - tagText))
	default:
		r.skipOther(tag)
	}
}

func (r *Reader) skipOther(tag byte) {
	switch tag {
	case tagNull, tagFalse, tagTrue, tagDouble0, tagDouble1:
	case tagInt8:
		r.Reader.Skip(1)
	case tagInt16:
		r.Reader.Skip(2)
	case tagInt32, tagInt64Int, tagFloat, tagSeconds, tagMinutes, tagLocalDate:
		r.Reader.Skip(4)
	case tagInt64, tagDouble, tagMillis:
		r.Reader.Skip(8)
	case tagChar, tagFloatInt, tagDoubleLong, tagDecimalLong, tagBigintLong:
		r.Skip() // a number
	case tagLocalTime:
		r.Reader.Skip(3)
		r.Skip()
	case tagLocalDT:
		r.Reader.Skip(7)
		r.Skip()
	case tagZoned:
		r.Reader.Skip(7)
		r.Skip() // nanoseconds
		r.Skip() // zone
	case tagTimestamp:
		r.Skip() // seconds
		r.Skip() // nanoseconds
	case tagDecimal:
		r.Skip() // scale
		r.Skip() // unscaled value
	case tagBinary, tagBigint, tagASCII, tagUTF8, tagUTF16, tagUTF16LE, tagUTF16BE, tagGB18030:
		r.Reader.Skip(r.Length())
	case tagReference:
		r.readReference()
	case tagTyped:
		r.typeName()
		r.Skip()
	case tagArray:
		r.elements(r.Length())
	case tagObject:
		for r.Err() == nil && !r.End() {
			r.Key(text.Dropper{})
			r.Skip()
		}
	case tagSymbol:
		r.symbol(text.Dropper{})
	default:
		r.Fail(ErrTag)
	}
}

func (r *Reader) elements(n int) {
	if n < 0 || n > r.Len() {
		r.Fail(wire.ErrShort)
	}
	for ; n > 0 && r.Err() == nil; n-- {
		r.Skip()
	}
}

// typeName reads the type of a typed value: a name and the number that it gets, or
// the number alone.
func (r *Reader) typeName() {
	if isInt(r.tag()) {
		r.Length()
		return
	}
	r.Skip()
	if isInt(r.tag()) {
		r.Length()
	}
}

// Null reads null, if it is next.
func (r *Reader) Null() bool {
	if r.Len() == 0 || r.tag() != tagNull {
		return false
	}
	r.Uint8()
	return true
}

// BeginObject reads the beginning of an object, typed or not, if it is next.
func (r *Reader) BeginObject() bool {
	if r.tag() == tagTyped {
		r.Uint8()
		r.typeName()
	}
	if r.Err() != nil || r.tag() != tagObject {
		return false
	}
	r.Uint8()
	return true
}

// End reads the end of an object, if it is next.
func (r *Reader) End() bool {
	if b, ok := r.Peek(); ok && b != tagObjectEnd {
		return false
	}
	r.Reader.Skip(1) // fails at the end of the input
	return r.Err() == nil
}

// Key reads a key of an object: text, or a symbol. Any other key is nil.
func (r *Reader) Key(keep text.Keeper) []byte {
	switch tag := r.tag(); {
	case tag == tagSymbol:
		r.Uint8()
		return r.symbol(keep)
	case isText(tag):
		text, _ := r.Text(keep)
		return text
	}
	r.Skip()
	return nil
}

// symbol reads a symbol behind its tag: a number, or a text and the number that it
// gets.
func (r *Reader) symbol(keep text.Keeper) []byte {
	if isInt(r.tag()) {
		n := r.Length()
		if n < 0 || n >= len(r.symbols) {
			r.Fail(ErrSymbol)
			return nil
		}
		if r.symbols[n] == nil {
			r.Fail(ErrSymbol) // a gap, or a name that was skipped and not kept
		}
		return r.symbols[n]
	}
	text, _ := r.Text(keep)
	n := r.Length()
	if n < 0 || n > maxSymbols {
		r.Fail(ErrSymbol)
		return nil
	}
	r.define(n, text)
	return text
}

// define gives a name its number.
func (r *Reader) define(n int, name []byte) {
	if r.symbols == nil {
		r.symbols = r.few[:0]
	}
	for len(r.symbols) <= n {
		r.symbols = append(r.symbols, nil)
	}
	r.symbols[n] = name
}

// Length reads a number of 32 bits in any of its forms.
func (r *Reader) Length() int {
	tag := r.Uint8()
	switch {
	case r.Err() != nil:
	case tag <= 0x2f:
		return int(tag)
	case tag >= 0xf0:
		return int(tag) - 256
	case tag >= 0x30 && tag <= 0x3f:
		return (int(tag)-0x38)<<8 + int(r.Uint8())
	case tag >= 0x40 && tag <= 0x47:
		return (int(tag)-0x44)<<16 + int(r.Uint16())
	case tag == tagInt32:
		return int(int32(r.Uint32())) //nolint:gosec // the wire's sign
	case tag == tagInt8:
		return int(int8(r.Uint8())) //nolint:gosec // the wire's sign
	case tag == tagInt16:
		return int(int16(r.Uint16())) //nolint:gosec // the wire's sign
	default:
		r.Fail(ErrType)
	}
	return 0
}

func isInt(tag byte) bool {
	return tag <= 0x48 || tag >= 0xf0 || tag == tagInt8 || tag == tagInt16
}

func isText(tag byte) bool { return tag >= tagText && tag <= tagGB18030 }

// IsText reports whether the next value is text.
func (r *Reader) IsText() bool {
	b, ok := r.Peek()
	return ok && isText(b)
}

// Text reads text as UTF-8; null is false. ASCII and UTF-8 are views of the input,
// anything else is made with keep.
func (r *Reader) Text(keep text.Keeper) (s []byte, ok bool) {
	tag := r.Uint8()
	switch {
	case r.Err() != nil || tag == tagNull:
		return nil, false
	case tag >= tagText && tag < tagASCII:
		s = fromLatin1(r.Bytes(int(tag-tagText)), keep)
	case tag == tagASCII:
		s = fromLatin1(r.Bytes(r.Length()), keep)
	case tag == tagUTF8:
		if s = r.Bytes(r.Length()); !utf8.Valid(s) {
			r.Fail(ErrText)
		}
	case tag == tagUTF16LE:
		s = keep.Keep(r.utf16(0))
	case tag == tagUTF16BE:
		s = keep.Keep(r.utf16(1))
	case tag == tagGB18030, tag == tagUTF16:
		r.Fail(ErrText)
	default:
		r.Fail(ErrType)
	}
	return s, r.Err() == nil
}

// fromLatin1 makes UTF-8 of text that is meant to be ASCII, and that fastjson2 reads
// as ISO 8859-1.
func fromLatin1(b []byte, keep text.Keeper) []byte {
	for i := range b {
		if b[i] >= utf8.RuneSelf {
			var out []byte
			for _, c := range b {
				out = utf8.AppendRune(out, rune(c))
			}
			return keep.Keep(out)
		}
	}
	return b
}

// utf16 reads UTF-16 behind its tag as UTF-8; low is the index of a unit's low byte.
// Half a unit is an error: Java's readers do not agree on what it is.
func (r *Reader) utf16(low int) []byte {
	b := r.Bytes(r.Length())
	if len(b)%2 != 0 {
		r.Fail(ErrText)
		return nil
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i+low]) | uint16(b[2*i+1-low])<<8
	}
	var out []byte
	for _, c := range utf16.Decode(units) {
		out = utf8.AppendRune(out, c)
	}
	return out
}

// Scalar reads text, an integer or a boolean as text. It leaves the reader where it
// was and returns false if the next value is something else.
func (r *Reader) Scalar(keep text.Keeper) (s []byte, ok bool) {
	tag, more := r.Peek()
	switch {
	case !more:
		return nil, false
	case isText(tag):
		return r.Text(keep)
	case isInt(tag):
		return keep.Keep(strconv.AppendInt(nil, int64(r.Length()), 10)), r.Err() == nil
	case tag == tagTrue:
		r.Uint8()
		return []byte("true"), true
	case tag == tagFalse:
		r.Uint8()
		return []byte("false"), true
	}
	n, ok := r.long(tag)
	if !ok {
		return nil, false
	}
	return keep.Keep(strconv.AppendInt(nil, n, 10)), r.Err() == nil
}

// long reads a number of 64 bits, if it is next.
func (r *Reader) long(tag byte) (n int64, ok bool) {
	switch {
	case tag >= 0xd8 && tag <= 0xef:
		r.Uint8()
		return int64(tag) - 0xe0, true
	case tag >= 0xc8 && tag <= 0xd7:
		r.Uint8()
		return (int64(tag)-0xd0)<<8 + int64(r.Uint8()), true
	case tag >= 0xc0 && tag <= 0xc7:
		r.Uint8()
		return (int64(tag)-0xc4)<<16 + int64(r.Uint16()), true
	case tag == tagInt64:
		r.Uint8()
		return int64(r.Uint64()), true //nolint:gosec // the wire's sign
	case tag == tagInt64Int:
		r.Uint8()
		return int64(int32(r.Uint32())), true //nolint:gosec // the wire's sign
	}
	return 0, false
}

// IsInt reports whether the next value is a number of 32 bits.
func (r *Reader) IsInt() bool {
	b, ok := r.Peek()
	return ok && isInt(b)
}

// TypeName reads the type of a typed value, if one is next: a name and the number that
// it gets, or the number alone. The value itself follows.
func (r *Reader) TypeName(keep text.Keeper) (name []byte, ok bool) {
	if r.tag() != tagTyped {
		return nil, false
	}
	r.Uint8()
	if r.IsInt() {
		if n := r.Length(); n >= 0 && n < len(r.symbols) {
			name = r.symbols[n]
		}
		return name, r.Err() == nil // of a type that was skipped, nobody knows the name
	}
	if name, ok = r.Text(keep); ok && r.IsInt() {
		if n := r.Length(); n >= 0 && n <= maxSymbols {
			r.define(n, name)
		}
	}
	return name, ok
}
