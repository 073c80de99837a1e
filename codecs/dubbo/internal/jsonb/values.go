package jsonb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// AppendValue appends a value as encoding/json decodes it, or as Value makes it.
func AppendValue(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, tagNull), nil
	case bool:
		if v {
			return append(dst, tagTrue), nil
		}
		return append(dst, tagFalse), nil
	case string:
		return AppendText(dst, v), nil
	case int:
		return appendLong(dst, int64(v)), nil
	case int64:
		return appendLong(dst, v), nil
	case float64:
		return binary.BigEndian.AppendUint64(append(dst, tagDouble), math.Float64bits(v)), nil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return appendLong(dst, n), nil
		}
		f, err := v.Float64()
		if err != nil {
			return dst, fmt.Errorf("%s is not a number", v)
		}
		return AppendValue(dst, f)
	case []byte:
		return append(AppendInt(append(dst, tagBinary), int32(len(v))), v...), nil //nolint:gosec // a command line's bytes
	case []any:
		dst = AppendInt(append(dst, tagArray), int32(len(v))) //nolint:gosec // a command line's list
		for _, element := range v {
			var err error
			if dst, err = AppendValue(dst, element); err != nil {
				return dst, err
			}
		}
		return dst, nil
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		m := sdk.OrderedMap{}
		for _, k := range keys {
			m = append(m, sdk.MapEntry{Key: k, Value: v[k]})
		}
		return AppendValue(dst, m)
	case sdk.OrderedMap:
		dst = append(dst, tagObject)
		for _, e := range v {
			var err error
			if dst, err = AppendValue(dst, e.Key); err != nil {
				return dst, err
			}
			if dst, err = AppendValue(dst, e.Value); err != nil {
				return dst, err
			}
		}
		return append(dst, tagObjectEnd), nil
	}
	return dst, fmt.Errorf("a value of type %T cannot be written", v)
}

func appendLong(dst []byte, v int64) []byte {
	if v >= math.MinInt32 && v <= math.MaxInt32 {
		return AppendInt(dst, int32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, tagInt64), uint64(v)) //nolint:gosec // two's complement
}

// Value reads one value for tools. Objects become sdk.OrderedMap, those with a type
// have it under "class", references {"ref": path}; a value of a kind that tools need not understand becomes
// its bytes.
func (r *Reader) Value() any {
	if r.depth++; r.depth > sdk.MaxDepth {
		r.Fail(ErrDepth)
		return nil
	}
	defer func() { r.depth-- }()
	tag := r.tag()
	if text, ok := r.number(tag); ok {
		return text
	}
	switch {
	case r.Null():
		return nil
	case r.IsText():
		s, _ := r.Text(text.Copier{})
		return string(s)
	case tag == tagTrue, tag == tagFalse:
		r.Uint8()
		return tag == tagTrue
	case tag == tagReference:
		r.Uint8()
		return sdk.OrderedMap{{Key: "ref", Value: string(r.readReference())}}
	case tag == tagMillis, tag == tagSeconds, tag == tagMinutes:
		return string(r.AppendScalar(nil))
	case tag == tagTyped:
		name, _ := r.TypeName(text.Copier{})
		return r.typedValue(string(name))
	case tag == tagObject:
		r.Uint8()
		return r.members(nil)
	case tag == tagArray:
		r.Uint8()
		return r.array(r.Length())
	case tag >= tagArrayFix && tag < tagArray:
		r.Uint8()
		return r.array(int(tag - tagArrayFix))
	}
	from := r.Offset()
	raw := r.Reader
	r.Skip()
	return append([]byte(nil), raw.Bytes(r.Offset()-from)...)
}

// number reads a number of Go's, if it is next.
func (r *Reader) number(tag byte) (any, bool) {
	if r.Len() == 0 {
		return nil, false
	}
	if isInt(tag) {
		return r.Length(), true
	}
	if n, ok := r.long(tag); ok {
		return n, true
	}
	switch tag {
	case tagDouble0:
		r.Uint8()
		return 0.0, true
	case tagDouble1:
		r.Uint8()
		return 1.0, true
	case tagDouble:
		r.Uint8()
		return math.Float64frombits(r.Uint64()), true
	case tagFloat:
		r.Uint8()
		return float64(math.Float32frombits(r.Uint32())), true
	case tagDoubleLong, tagFloatInt:
		r.Uint8()
		v, ok := r.number(r.tag())
		return v, ok
	}
	return nil, false
}

func (r *Reader) typedValue(class string) any {
	if r.tag() == tagObject {
		r.Uint8()
		return r.members(sdk.OrderedMap{{Key: "class", Value: class}})
	}
	return r.Value()
}

func (r *Reader) members(m sdk.OrderedMap) any {
	if m == nil {
		m = sdk.OrderedMap{}
	}
	for r.Err() == nil && !r.End() {
		var key any
		if r.tag() == tagSymbol || r.IsText() {
			key = string(r.Key(text.Copier{}))
		} else {
			key = r.Value()
		}
		m = append(m, sdk.MapEntry{Key: key, Value: r.Value()})
	}
	return m
}

func (r *Reader) array(n int) any {
	list := []any{}
	if n < 0 || n > r.Len() {
		r.elements(n) // fails
		return list
	}
	for ; n > 0 && r.Err() == nil; n-- {
		list = append(list, r.Value())
	}
	return list
}
