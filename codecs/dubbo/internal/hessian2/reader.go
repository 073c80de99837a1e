// Package hessian2 reads and writes Hessian 2 as Dubbo's peers do: enough to find
// one's way through any value without making objects of it, and a full decoder for
// tools.
//
// Source: http://hessian.caucho.com/doc/hessian-serialization.html, and where it
// differs, what hessian-lite and dubbo-go-hessian2 write (5f is an int32 of
// thousandths; string lengths count UTF-16 units, each coded by itself).
package hessian2

import (
	"errors"
	"math"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// Errors of the reader.
var (
	ErrTag       = errors.New("not a value")
	ErrType      = errors.New("value of another type")
	ErrDepth     = errors.New("nested too deeply")
	ErrReference = errors.New("reference to nothing")
	ErrText      = errors.New("malformed text")
)

// Reader reads the values of one stream. Its first failure sticks, as that of
// wire.Reader. It counts what references count, keeps of a class only how many
// fields it has and where they are named, and follows no reference: its cost is linear
// in the input.
type Reader struct {
	wire.Reader
	values  int // lists, maps and objects begun so far: what a reference can name
	classes []class
	depth   int
	ascii   int // up to here, all bytes are ASCII; less than the offset if that is not known
	want    int // from 1, a value that a reference names and Skip is to find; 0 if there is none
	wanted  place
}

// class is a class that was defined.
type class struct {
	fields int // how many it has
	names  int // where the name of the first one stands
}

// NewReader returns a reader of b.
func NewReader(b []byte) Reader { return Reader{Reader: wire.NewReader(b)} }

// maxKeptClasses is how many classes a reader has room for that is used again.
const maxKeptClasses = 64

// Reset makes r a reader of b. Memory is kept, within bounds.
func (r *Reader) Reset(b []byte) {
	r.Reader = wire.NewReader(b)
	r.values, r.depth, r.ascii, r.want = 0, 0, 0, 0
	if r.classes = r.classes[:0]; cap(r.classes) > maxKeptClasses {
		r.classes = nil
	}
}

// Tag returns the next value's first byte without reading it, 0 at the end.
func (r *Reader) Tag() byte {
	b, _ := r.Peek()
	return b
}

// Skip reads one value, whatever it is.
func (r *Reader) Skip() {
	if _, ok := r.plain(); ok {
		return
	}
	if r.depth++; r.depth > sdk.MaxDepth {
		r.Fail(ErrDepth)
		return
	}
	tag := r.Uint8()
	for tag == 'C' && r.Err() == nil { // class definitions stand before the value
		r.class()
		tag = r.Uint8()
	}
	if r.want > 0 {
		r.find(tag)
	}
	if r.Err() == nil {
		r.skip(tag)
	}
	r.depth--
}

// skip reads the rest of a value whose first byte is read.
func (r *Reader) skip(tag byte) {
	switch {
	case tag >= 0x80 && tag <= 0xbf, tag >= 0xd8 && tag <= 0xef: // short int, short long
	case tag >= 0xc0 && tag <= 0xcf, tag >= 0xf0: // int and long of one more byte
		r.Reader.Skip(1)
	case tag >= 0xd0 && tag <= 0xd7, tag >= 0x38 && tag <= 0x3f: // of two more
		r.Reader.Skip(2)
	case tag <= 0x1f, tag >= 0x30 && tag <= 0x33, tag == 'R', tag == 'S':
		r.skipText(tag)
	case tag >= 0x20 && tag <= 0x2f, tag >= 0x34 && tag <= 0x37, tag == 'A', tag == 'B':
		r.skipBinary(tag)
	case tag >= 0x60 && tag <= 0x6f:
		r.object(int(tag - 0x60))
	case tag >= 0x70 && tag <= 0x77:
		r.values++
		r.typeName()
		r.elements(int(tag - 0x70))
	case tag >= 0x78 && tag <= 0x7f:
		r.values++
		r.elements(int(tag - 0x78))
	default:
		r.skipOther(tag)
	}
}

func (r *Reader) skipOther(tag byte) {
	switch tag {
	case 'N', 'T', 'F', 0x5b, 0x5c:
	case 0x5d:
		r.Reader.Skip(1)
	case 0x5e:
		r.Reader.Skip(2)
	case 'I', 0x4b, 0x59, 0x5f:
		r.Reader.Skip(4)
	case 'D', 'L', 0x4a:
		r.Reader.Skip(8)
	case 'H':
		r.values++
		r.pairs()
	case 'M':
		r.values++
		r.typeName()
		r.pairs()
	case 'O':
		r.object(r.Int())
	case 'Q':
		if n := r.Int(); n < 0 || n >= r.values {
			r.Fail(ErrReference)
		}
	case 'U':
		r.values++
		r.typeName()
		r.untilEnd()
	case 'V':
		r.values++
		r.typeName()
		r.elements(r.Int())
	case 'W':
		r.values++
		r.untilEnd()
	case 'X':
		r.values++
		r.elements(r.Int())
	default:
		r.Fail(ErrTag)
	}
}

// elements reads that many values. Each takes at least a byte.
func (r *Reader) elements(n int) {
	if n < 0 || n > r.Len() {
		r.Fail(wire.ErrShort)
	}
	for ; n > 0 && r.Err() == nil; n-- {
		r.Skip()
	}
}

func (r *Reader) untilEnd() {
	for r.Err() == nil && !r.End() {
		r.Skip()
	}
}

func (r *Reader) pairs() {
	for r.Err() == nil && !r.End() {
		r.Skip()
		r.Skip()
	}
}

// End reads the end of a map or of an open list, if it is next.
func (r *Reader) End() bool {
	if b, ok := r.Peek(); ok && b != 'Z' {
		return false
	}
	r.Reader.Skip(1) // fails at the end of the input
	return r.Err() == nil
}

// class reads a class definition: a name, a count, and the names of the fields.
func (r *Reader) class() {
	r.text()
	n := r.Count(uint64(max(r.Int(), -1)), 1) //nolint:gosec // -1 becomes too large
	names := r.Offset()
	for range n {
		r.text()
	}
	r.define(n, names)
}

func (r *Reader) define(fields, names int) { r.classes = append(r.classes, class{fields, names}) }

func (r *Reader) object(class int) {
	if class < 0 || class >= len(r.classes) {
		r.Fail(ErrReference)
		return
	}
	r.values++
	r.elements(r.classes[class].fields)
}

// typeName reads the type of a list or map: a string, or the number of one that
// came before.
func (r *Reader) typeName() {
	if isText(r.Tag()) {
		r.text()
		return
	}
	r.Int()
}

// Int reads an int in any of its forms.
func (r *Reader) Int() int {
	tag := r.Uint8()
	switch {
	case r.Err() != nil:
	case tag >= 0x80 && tag <= 0xbf:
		return int(tag) - 0x90
	case tag >= 0xc0 && tag <= 0xcf:
		return (int(tag)-0xc8)<<8 + int(r.Uint8())
	case tag >= 0xd0 && tag <= 0xd7:
		return (int(tag)-0xd4)<<16 + int(r.Uint16())
	case tag == 'I':
		return int(int32(r.Uint32())) //nolint:gosec // the wire's sign
	default:
		r.Fail(ErrType)
	}
	return 0
}

// long reads a long in any of its forms, its tag already read.
func (r *Reader) long(tag byte) int64 {
	switch {
	case tag >= 0xd8 && tag <= 0xef:
		return int64(tag) - 0xe0
	case tag >= 0xf0:
		return (int64(tag)-0xf8)<<8 + int64(r.Uint8())
	case tag >= 0x38 && tag <= 0x3f:
		return (int64(tag)-0x3c)<<16 + int64(r.Uint16())
	case tag == 0x59:
		return int64(int32(r.Uint32())) //nolint:gosec // the wire's sign
	default: // 'L'
		return int64(r.Uint64()) //nolint:gosec // the wire's sign
	}
}

// double reads a double in any of its forms, its tag already read.
func (r *Reader) double(tag byte) float64 {
	switch tag {
	case 0x5b:
		return 0
	case 0x5c:
		return 1
	case 0x5d:
		return float64(int8(r.Uint8())) //nolint:gosec // the wire's sign
	case 0x5e:
		return float64(int16(r.Uint16())) //nolint:gosec // the wire's sign
	case 0x5f:
		return float64(int32(r.Uint32())) * 0.001 //nolint:gosec // the wire's sign
	default: // 'D'
		return math.Float64frombits(r.Uint64())
	}
}

func isInt(tag byte) bool {
	return tag >= 0x80 && tag <= 0xd7 || tag == 'I'
}

func isLong(tag byte) bool {
	return tag >= 0xd8 || tag >= 0x38 && tag <= 0x3f || tag == 0x59 || tag == 'L'
}

func isDouble(tag byte) bool { return tag >= 0x5b && tag <= 0x5f || tag == 'D' }

func (r *Reader) skipBinary(tag byte) {
	for {
		switch {
		case tag >= 0x20 && tag <= 0x2f:
			r.Reader.Skip(int(tag - 0x20))
			return
		case tag >= 0x34 && tag <= 0x37:
			r.Reader.Skip(int(tag-0x34)<<8 + int(r.Uint8()))
			return
		case tag == 'B':
			r.Reader.Skip(int(r.Uint16()))
			return
		case tag == 'A':
			r.Reader.Skip(int(r.Uint16()))
		default:
			r.Fail(ErrType)
			return
		}
		if tag = r.Uint8(); r.Err() != nil {
			return
		}
	}
}

// IsText reports whether the next value is a string.
func (r *Reader) IsText() bool {
	b, ok := r.Peek()
	return ok && isText(b)
}

// IsInt reports whether the next value is an int.
func (r *Reader) IsInt() bool {
	b, ok := r.Peek()
	return ok && isInt(b)
}

// BeginMap reads the beginning of a map, up to its first key or its end.
func (r *Reader) BeginMap() {
	switch r.Uint8() {
	case 'H':
		r.values++
	case 'M':
		r.values++
		r.typeName()
	default:
		r.Fail(ErrType)
	}
}

// Object reads a value that should be an object. It calls class with the name of
// its class, a view of the input, and then field with the name of each field in
// turn; field returns whether it has read the value itself. Any other value is
// skipped.
func (r *Reader) Object(class func(name []byte), field func(name []byte) bool) {
	var name []byte
	var fields Reader // stands at the names of the class's fields
	count := 0
	tag := r.Tag()
	for tag == 'C' && r.Err() == nil {
		r.Uint8()
		name = r.plainText()
		count = r.Count(uint64(max(r.Int(), -1)), 1) //nolint:gosec // -1 becomes too large
		fields = *r
		for range count {
			r.text()
		}
		r.define(count, fields.Offset())
		tag = r.Tag()
	}
	// Only an object of the class that was just defined has names at hand. An
	// exception is the first value of its stream, so its class always is.
	if name == nil || !r.beginObject(len(r.classes)-1) {
		r.Skip()
		return
	}
	class(name)
	for range count {
		if read := field(fields.plainText()); !read && r.Err() == nil {
			r.Skip()
		}
	}
}

// beginObject reads the beginning of an object of that class, if it is next.
func (r *Reader) beginObject(class int) bool {
	tag := r.Tag()
	switch {
	case tag >= 0x60 && tag <= 0x6f && int(tag-0x60) == class:
		r.Uint8()
	case tag == 'O':
		ahead := *r
		ahead.Uint8()
		if ahead.Int() != class {
			return false
		}
		r.Uint8()
		r.Int()
	default:
		return false
	}
	r.values++
	return true
}

// plainText reads a string of one chunk as it stands, which is how names of classes
// and fields are written; of any other string it returns the first chunk.
func (r *Reader) plainText() []byte {
	tag := r.Uint8()
	p := r.chunk(tag)
	if !p.last {
		r.text()
	}
	return p.b
}
