package hessian2

import (
	"strconv"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// AppendScalar reads the next value and appends it as text, as sdk.ArgumentReader wants it.
func (f *Finder) AppendScalar(dst []byte) []byte {
	if s, ok := f.IfText(text.Copier{}); ok {
		return append(dst, s...)
	}
	tag, ok := f.Peek()
	switch {
	case !ok:
		f.Fail(wire.ErrShort)
		return dst
	case isInt(tag):
		return strconv.AppendInt(dst, int64(f.Int()), 10)
	}
	at := f.Offset()
	f.Uint8()
	switch {
	case isLong(tag):
		return strconv.AppendInt(dst, f.long(tag), 10)
	case isDouble(tag):
		return wire.AppendFloat(dst, f.double(tag), 64)
	case tag == 'T':
		return append(dst, "true"...)
	case tag == 'F':
		return append(dst, "false"...)
	case tag == 0x4a:
		return wire.AppendMillis(dst, int64(f.Uint64())) //nolint:gosec // the wire's sign
	case tag == 0x4b:
		return wire.AppendMillis(dst, 60_000*int64(int32(f.Uint32()))) //nolint:gosec // likewise
	}
	f.Rewind(at)
	f.Fail(ErrScalar)
	return dst
}

// only returns the step to the one field of an object that stands for a value: the name
// of an enumeration's constant, the value of a BigDecimal. tag is the object's.
// Source: hessian-lite, EnumSerializer and StringValueSerializer.
func (f *Finder) only(tag byte) ([]sdk.Step, bool) {
	class := int(tag) - 0x60
	if tag == 'O' {
		ahead := f.Reader
		ahead.Uint8()
		class = ahead.Int()
	}
	if class < 0 || class >= len(f.classes) || class > 0x0f && tag != 'O' || f.classes[class].fields != 1 {
		return nil, false
	}
	names := f.names(f.classes[class])
	name, _ := names.Text(text.Copier{})
	switch string(name) {
	case "name":
		return nameStep, true
	case "value":
		return valueStep, true
	}
	return nil, false
}

var (
	nameStep  = []sdk.Step{{Name: "name"}}
	valueStep = []sdk.Step{{Name: "value"}}
)
