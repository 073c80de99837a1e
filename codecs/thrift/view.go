package thrift

import (
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// View implements sdk.Viewer. The type of an argument is that of its value and the id
// of its field, such as list<i32>@4. That of an exception is the name of a type of
// TApplicationException, or the id of the field of one that the IDL declares.
func (c *Codec) View(m *sdk.Message) (sdk.View, error) {
	l, _, err := c.locate(m.Bytes)
	if err == nil {
		err = l.bad
	}
	if err != nil {
		return sdk.View{}, err
	}
	v := sdk.View{Fields: []sdk.Entry{{Key: []byte("transport"), Value: []byte(l.transport.String())}}}
	switch l.flaw {
	case transformed:
		return v, sdk.Unreadable("payload", l.payload, errTransform)
	case otherProtocol:
		return v, sdk.Unreadable("payload", l.payload, errNotThrift)
	case flawless, noType:
	}
	v.Fields = append(v.Fields,
		sdk.Entry{Key: []byte("protocol"), Value: []byte(l.protocol.String())},
		sdk.Entry{Key: []byte("message type"), Value: []byte(typeNames[l.kind])},
		sdk.Entry{Key: []byte("sequence id"), Value: strconv.AppendInt(nil, int64(int32(l.seq)), 10)}, //nolint:gosec // Thrift's i32
	)
	r := valueReader{b: m.Bytes, at: l.body, protocol: l.protocol}
	switch l.kind {
	case typeCall, typeOneway:
		r.viewArguments(&v)
	case typeReply:
		r.viewResult(&v)
	case typeException:
		e, err := readException(m.Bytes, &l)
		if err != nil {
			return v, err
		}
		v.Exception = &sdk.Exception{Type: typeName(e.kind), Message: string(e.text)}
	}
	if r.err != nil {
		return v, sdk.Malformed("struct", r.at, r.err)
	}
	return v, nil
}

func (r *valueReader) viewArguments(v *sdk.View) {
	id := int16(0)
	for f, value, ok := r.field(&id, 1); ok; f, value, ok = r.field(&id, 1) {
		name := r.typeOf(f) + "@" + strconv.Itoa(int(id))
		v.Arguments = append(v.Arguments, sdk.Argument{Type: name, Value: value})
	}
}

func (r *valueReader) viewResult(v *sdk.View) {
	id := int16(0)
	_, value, ok := r.field(&id, 1)
	switch {
	case !ok:
	case id == 0:
		v.Result = value
	default:
		v.Exception = &sdk.Exception{Type: strconv.Itoa(int(id)), Message: textOf(value)}
	}
}

// typeOf is the type of a field's value. Types of elements that have elements
// themselves are not spelled out.
func (r *valueReader) typeOf(f field) string {
	name := wireTypeNames[f.kind]
	if f.kind != tList && f.kind != tSet && f.kind != tMap {
		return name
	}
	c, need, err := readContainer(r.b, f.value, f.kind, r.protocol)
	switch {
	case err != nil || need > 0 || c.left == 0:
		return name
	case c.pairs:
		return name + "<" + wireTypeNames[c.types[0]] + "," + wireTypeNames[c.types[1]] + ">"
	}
	return name + "<" + wireTypeNames[c.types[0]] + ">"
}

// textOf is the first text in an exception that the IDL declares.
func textOf(exception any) string {
	fields, _ := exception.(sdk.OrderedMap)
	for _, f := range fields {
		if s, ok := f.Value.(string); ok {
			return s
		}
	}
	return ""
}
