package hessian2

import (
	"time"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// Decoder makes Go values of a stream, for tools. Maps and objects become
// sdk.OrderedMap, the latter with their class under "class"; lists become []any. A
// reference becomes {"ref": n}, n being the number of the list, map or object that
// it names: following it could take for ever.
type Decoder struct {
	Reader
	defined []classDef
}

type classDef struct {
	name   string
	fields []string
}

// NewDecoder returns a decoder that goes on where r stands. It knows no class that
// was defined before.
func NewDecoder(r Reader) Decoder { return Decoder{Reader: r} }

// Value reads one value.
func (d *Decoder) Value() any {
	if d.depth++; d.depth > sdk.MaxDepth {
		d.Fail(ErrDepth)
		return nil
	}
	defer func() { d.depth-- }()
	for d.Tag() == 'C' && d.Err() == nil {
		d.Uint8()
		d.defineClass()
	}
	tag, ok := d.Peek()
	switch {
	case !ok:
		d.Fail(wire.ErrShort)
		return nil
	case isText(tag):
		s, _ := d.Text(text.Copier{})
		return string(s)
	case isInt(tag):
		return d.Int()
	case isLong(tag):
		d.Uint8()
		return d.long(tag)
	case isDouble(tag):
		d.Uint8()
		return d.double(tag)
	}
	d.Uint8()
	return d.other(tag)
}

func (d *Decoder) other(tag byte) any {
	switch {
	case tag >= 0x20 && tag <= 0x2f, tag >= 0x34 && tag <= 0x37, tag == 'A', tag == 'B':
		return d.binary(tag)
	case tag >= 0x60 && tag <= 0x6f:
		return d.instance(int(tag - 0x60))
	case tag >= 0x70 && tag <= 0x77:
		d.values++
		d.typeName()
		return d.list(int(tag - 0x70))
	case tag >= 0x78 && tag <= 0x7f:
		d.values++
		return d.list(int(tag - 0x78))
	}
	switch tag {
	case 'T':
		return true
	case 'F':
		return false
	case 0x4a:
		return time.UnixMilli(int64(d.Uint64())).UTC() //nolint:gosec // the wire's sign
	case 0x4b:
		return time.Unix(60*int64(int32(d.Uint32())), 0).UTC() //nolint:gosec // the wire's sign
	case 'H':
		d.values++
		return d.entries()
	case 'M':
		d.values++
		d.typeName()
		return d.entries()
	case 'O':
		return d.instance(d.Int())
	case 'Q':
		return sdk.OrderedMap{{Key: "ref", Value: d.Int()}}
	case 'U', 'W':
		d.values++
		if tag == 'U' {
			d.typeName()
		}
		list := []any{}
		for d.Err() == nil && !d.End() {
			list = append(list, d.Value())
		}
		return list
	case 'V', 'X':
		d.values++
		if tag == 'V' {
			d.typeName()
		}
		return d.list(d.Int())
	case 'N':
		return nil
	}
	d.Fail(ErrTag)
	return nil
}

func (d *Decoder) defineClass() {
	name, _ := d.Text(text.Copier{})
	n := d.Count(uint64(max(d.Int(), -1)), 1) //nolint:gosec // -1 becomes too large
	c, names := classDef{name: string(name)}, d.Offset()
	for range n {
		field, _ := d.Text(text.Copier{})
		c.fields = append(c.fields, string(field))
	}
	d.defined = append(d.defined, c)
	d.define(n, names)
}

func (d *Decoder) instance(class int) any {
	if class < 0 || class >= len(d.defined) {
		d.Fail(ErrReference)
		return nil
	}
	d.values++
	c := d.defined[class]
	object := sdk.OrderedMap{{Key: "class", Value: c.name}}
	for _, field := range c.fields {
		if d.Err() != nil {
			return nil
		}
		object = append(object, sdk.MapEntry{Key: field, Value: d.Value()})
	}
	return object
}

func (d *Decoder) list(n int) any {
	if n < 0 || n > d.Len() {
		d.Fail(wire.ErrShort)
		return nil
	}
	list := []any{}
	for ; n > 0 && d.Err() == nil; n-- {
		list = append(list, d.Value())
	}
	return list
}

func (d *Decoder) entries() any {
	m := sdk.OrderedMap{}
	for d.Err() == nil && !d.End() {
		key := d.Value()
		m = append(m, sdk.MapEntry{Key: key, Value: d.Value()})
	}
	return m
}

// binary reads the chunks of a binary, its first tag already read.
func (d *Decoder) binary(tag byte) any {
	from := d.Offset()
	d.skipBinary(tag)
	if d.Err() != nil {
		return nil
	}
	return append([]byte(nil), d.since(from, tag)...)
}

// since returns the bytes of the chunks between from and where the reader stands.
func (d *Decoder) since(from int, tag byte) []byte {
	again := d.Reader.Reader
	again.Rewind(from)
	var out []byte
	for {
		var n int
		switch {
		case tag <= 0x2f:
			n = int(tag - 0x20)
		case tag <= 0x37:
			n = int(tag-0x34)<<8 + int(again.Uint8())
		default:
			n = int(again.Uint16())
		}
		out = append(out, again.Bytes(n)...)
		if tag != 'A' || again.Err() != nil {
			return out
		}
		tag = again.Uint8()
	}
}
