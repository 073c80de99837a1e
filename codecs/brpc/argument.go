package brpc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

var (
	errPathStep   = errors.New("each step is the number of a field, from 1")
	errPathType   = errors.New("not the type of a single value, such as string, int64 or bool")
	errNoRequest  = errors.New("only requests have arguments")
	errCompressed = errors.New("it is compressed")
	errNoProtobuf = errors.New("it is not in Protocol Buffers")
	errOtherForm  = errors.New("a value of another form than that of the path's type")
	errNoMessage  = errors.New("no message: the path leads no further")
)

// CheckPath implements sdk.ArgumentReader. A path is made of the numbers of fields: 5.1 is
// field 1 of the message in field 5. Bytes on the wire do not tell their type, so a path
// names it where it is not string: 2:int64, with the types of Protocol Buffers.
func (*Codec) CheckPath(p *sdk.Path) error {
	for i := range p.Steps {
		if s := &p.Steps[i]; !s.IsNumber || s.Number < 1 || s.Number > maxFieldNumber {
			return fmt.Errorf("path %q: %w", p, errPathStep)
		}
	}
	if _, known := typeForms[p.Type]; p.Type != "" && (!known || operands[p.Type] != 0) {
		return fmt.Errorf("path %q: %q is %w", p, p.Type, errPathType)
	}
	return nil
}

// AppendArgument implements sdk.ArgumentReader. As everywhere in Protocol Buffers, of a
// field that comes again the last value counts, and messages in one field are merged. So
// of a repeated field it is the last value; packed ones are not read. A field that has its
// default value is usually left out.
func (*Codec) AppendArgument(dst []byte, m *sdk.Message, p *sdk.Path) (value []byte, found bool, err error) {
	l, err := layoutOf(m)
	if err != nil {
		return dst, false, err
	}
	attachment := int(l.attachment.int32())
	switch {
	case l.responses > 0:
		return dst, false, sdk.Unreadable("payload", l.meta.to, errNoRequest)
	case attachment < 0 || attachment > len(m.Bytes)-l.meta.to:
		return dst, false, sdk.Malformed("attachment_size", l.attachment.at, errAttachment)
	case l.compress.int32() != 0:
		return dst, false, sdk.Unreadable("payload", l.meta.to, errCompressed)
	case l.content.int32() != contentProtobuf:
		return dst, false, sdk.Unreadable("payload", l.meta.to, errNoProtobuf)
	}
	t := p.Type
	if t == "" {
		t = "string"
	}
	f := finder{b: m.Bytes, form: typeForms[t]}
	f.look(span{l.meta.to, len(m.Bytes) - attachment}, p.Steps)
	switch {
	case f.err != nil:
		return dst, false, sdk.Malformed("payload", f.at, f.err)
	case f.value.number == 0:
		return dst, false, nil
	}
	return f.value.appendText(dst, m.Bytes, t), true, nil
}

// finder looks for the last value of a field. It does not stop at the first one.
type finder struct {
	b     []byte
	form  wireType // of the value
	value field    // its number is 0 if there is none
	at    int      // where something is wrong
	err   error
}

// look reads the message at at.
func (f *finder) look(at span, steps []sdk.Step) {
	r := fieldsOf(f.b, at)
	for g, ok := r.next(); ok && f.err == nil; g, ok = r.next() {
		switch {
		case g.number != steps[0].Number:
		case len(steps) > 1 && g.kind != wireBytes:
			f.at, f.err = g.at, errNoMessage
		case len(steps) > 1:
			f.look(g.body, steps[1:])
		case g.kind != f.form:
			f.at, f.err = g.at, errOtherForm
		default:
			f.value = g
		}
	}
	if r.err != nil && f.err == nil {
		f.at, f.err = r.at, r.err
	}
}

// appendText appends the value of a field of type t. Of numbers, readers drop the bits
// that their type does not hold.
// Source: https://protobuf.dev/programming-guides/proto3/#updating
func (f *field) appendText(dst, b []byte, t string) []byte {
	n := f.n
	switch f.kind {
	case wireBytes:
		return append(dst, f.text(b)...)
	case wireFixed32:
		n = uint64(binary.LittleEndian.Uint32(b[f.body.from:]))
	case wireFixed64:
		n = binary.LittleEndian.Uint64(b[f.body.from:])
	case wireVarint:
	}
	switch t {
	case "bool":
		return strconv.AppendBool(dst, n != 0)
	case "float":
		return wire.AppendFloat(dst, float64(math.Float32frombits(uint32(n))), 32) //nolint:gosec // it has 32 bits
	case "double":
		return wire.AppendFloat(dst, math.Float64frombits(n), 64)
	case "uint32", "fixed32":
		return strconv.AppendUint(dst, n&math.MaxUint32, 10)
	case "uint64", "fixed64":
		return strconv.AppendUint(dst, n, 10)
	case "sint32":
		n &= math.MaxUint32
		n = n>>1 ^ -(n & 1)
	case "sint64":
		n = n>>1 ^ -(n & 1)
	}
	i := int64(n) //nolint:gosec // two's complement
	if bits[t] == 32 {
		i = int64(int32(i)) //nolint:gosec // as readers do
	}
	return strconv.AppendInt(dst, i, 10)
}
