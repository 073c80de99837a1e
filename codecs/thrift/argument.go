package thrift

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

var (
	errFirstStep = errors.New("the first step is the id of a field")
	errPathType  = errors.New("no type: there are bool, i8, i16, i32, i64, double, string, uuid")
	errNoRequest = errors.New("only calls have arguments")
)

// pathTypes are the types that a path may name.
var pathTypes = map[string]wireType{
	"bool": tBool, "i8": tI8, "byte": tI8, "i16": tI16, "i32": tI32, "i64": tI64, "double": tDouble, "string": tString,
	"binary": tString, "uuid": tUUID,
}

// CheckPath implements sdk.ArgumentReader. A path begins with the id of an argument's
// field. Further steps are the ids of fields, the keys of maps (text, numbers, true and
// false), and the numbers of elements, from 0. With a type, a value of any other is
// refused.
func (*Codec) CheckPath(p *sdk.Path) error {
	if s := &p.Steps[0]; !s.IsNumber || s.Number < math.MinInt16 || s.Number > math.MaxInt16 {
		return fmt.Errorf("path %q: %w", p, errFirstStep)
	}
	if _, known := pathTypes[p.Type]; p.Type != "" && !known {
		return fmt.Errorf("path %q: %q is %w", p, p.Type, errPathType)
	}
	return nil
}

// AppendArgument implements sdk.ArgumentReader.
func (c *Codec) AppendArgument(dst []byte, m *sdk.Message, p *sdk.Path) (value []byte, found bool, err error) {
	l, need, err := c.locate(m.Bytes)
	switch {
	case err != nil:
		return dst, false, err
	case need > 0:
		return dst, false, sdk.Malformed("message", len(m.Bytes), errEndsEarly)
	case l.bad != nil:
		return dst, false, l.bad
	case l.flaw == transformed:
		return dst, false, sdk.Unreadable("payload", l.payload, errTransform)
	case l.flaw == otherProtocol:
		return dst, false, sdk.Unreadable("payload", l.payload, errNotThrift)
	case l.kind != typeCall && l.kind != typeOneway:
		return dst, false, sdk.Unreadable("arguments", l.payload, errNoRequest)
	}
	f := finder{b: m.Bytes, protocol: l.protocol}
	f.structure(l.body, p.Steps)
	if value = dst; f.found && f.err == nil {
		value = f.appendScalar(dst, p.Type)
	}
	if f.err != nil {
		return dst, false, sdk.Malformed("arguments", f.at, f.err)
	}
	return value, f.found, nil
}

// appendScalar appends the value that was found as text.
func (f *finder) appendScalar(dst []byte, want string) []byte {
	if want != "" && pathTypes[want] != f.kind {
		f.fail(f.at, fmt.Errorf("of type %s, not %s", wireTypeNames[f.kind], want))
		return dst
	}
	if f.inline {
		return strconv.AppendBool(dst, f.truth)
	}
	r := valueReader{b: f.b, at: f.at, protocol: f.protocol}
	switch f.kind {
	case tBool:
		if b := r.bytes(1); len(b) == 1 {
			truth, ok := boolOf(b[0], f.protocol)
			if !ok {
				r.err = errBool
			}
			dst = strconv.AppendBool(dst, truth)
		}
	case tI8, tI16, tI32, tI64:
		dst = strconv.AppendInt(dst, r.exact(f.kind), 10)
	case tDouble:
		dst = wire.AppendFloat(dst, r.double(), 64)
	case tFloat:
		if b := r.bytes(4); b != nil {
			four := wire.NewReader(b)
			dst = wire.AppendFloat(dst, float64(math.Float32frombits(four.Uint32())), 32)
		}
	case tString:
		dst = append(dst, r.text()...)
	case tUUID:
		dst = append(dst, uuid(r.bytes(16))...)
	case tStop, tStruct, tMap, tSet, tList:
		r.err = errScalar
	}
	if r.err != nil {
		f.fail(f.at, r.err)
	}
	return dst
}

// boolOf is the truth that a byte is in the binary protocol, or in a container of the
// compact one, whose writers differ in what false is. Readers differ in what they make
// of any other byte.
func boolOf(b byte, p protocol) (truth, ok bool) {
	return b == 1, b <= 1 || b == 2 && p == compact
}

// exact is integer for those who must not be told another number than servers, which drop
// the bits of a varint that their type does not hold.
func (r *valueReader) exact(t wireType) int64 {
	n := r.integer(t)
	if shift := 64 - integerBits[t]; r.err == nil && n<<shift>>shift != n {
		r.err = errInteger
	}
	return n
}
