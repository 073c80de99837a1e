package brpc

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// appendField appends a field with its value, as encoding/json decodes it. One that is
// null is left out.
func appendField(dst []byte, t *typeExpr, v any) ([]byte, error) {
	switch {
	case v == nil:
		return dst, nil
	case t.name == "repeated":
		return appendRepeated(dst, t, v)
	case t.name == "map":
		return appendMap(dst, t, v)
	}
	kind := typeForms[t.name]
	dst = wire.AppendUvarint(dst, uint64(t.number)<<3|uint64(kind)) //nolint:gosec // at most maxFieldNumber
	if kind == wireBytes {
		content, err := t.content(v)
		return appendBytes(dst, content), err
	}
	n, err := t.scalar(v)
	switch kind {
	case wireFixed32:
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n&0xffffffff))
	case wireFixed64:
		dst = binary.LittleEndian.AppendUint64(dst, n)
	default:
		dst = wire.AppendUvarint(dst, n)
	}
	return dst, err
}

// content is what stands behind the length of a string, bytes or a message.
func (t *typeExpr) content(v any) ([]byte, error) {
	if t.name == "message" {
		return appendMessage(nil, t, v)
	}
	if b, ok := v.([]byte); ok {
		return b, nil
	}
	s, ok := v.(string)
	switch {
	case !ok:
		return nil, t.mismatch(v)
	case t.name == "string":
		return []byte(s), nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%q is not bytes in base 64", s)
	}
	return b, nil
}

// appendRepeated appends a field for each element. Packed or not, readers take both.
func appendRepeated(dst []byte, t *typeExpr, v any) (_ []byte, err error) {
	list, ok := v.([]any)
	if !ok {
		return dst, t.mismatch(v)
	}
	element := t.of[0]
	element.number = t.number
	for _, v := range list {
		if dst, err = appendField(dst, &element, v); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendMap appends an entry for each key.
// Source: https://protobuf.dev/programming-guides/encoding/#maps
func appendMap(dst []byte, t *typeExpr, v any) ([]byte, error) {
	members, ok := membersOf(v)
	if !ok {
		return dst, t.mismatch(v)
	}
	key, value := t.of[0], t.of[1]
	key.number, value.number = entryKey, entryValue
	for _, e := range members {
		content, err := appendField(nil, &key, e.Key)
		if err == nil {
			content, err = appendField(content, &value, e.Value)
		}
		if err != nil {
			return dst, err
		}
		dst = wire.AppendUvarint(dst, uint64(t.number)<<3|uint64(wireBytes)) //nolint:gosec // at most maxFieldNumber
		dst = appendBytes(dst, content)
	}
	return dst, nil
}

// appendMessage appends the fields of a message from an object whose keys are their
// numbers. Those that the type does not name have the types that their values suggest.
func appendMessage(dst []byte, t *typeExpr, v any) ([]byte, error) {
	members, ok := membersOf(v)
	if !ok {
		return dst, t.mismatch(v)
	}
	for _, e := range members {
		key := fmt.Sprint(e.Key)
		number, err := strconv.Atoi(key)
		if err != nil || number < 1 || number > maxFieldNumber {
			return dst, fmt.Errorf("key %q is not the number of a field", key)
		}
		field, err := t.field(number, e.Value)
		if err == nil {
			dst, err = appendField(dst, &field, e.Value)
		}
		if err != nil {
			return dst, fmt.Errorf("field %d: %w", number, err)
		}
	}
	return dst, nil
}

// field is the type of a field of a message.
func (t *typeExpr) field(number int, v any) (typeExpr, error) {
	if i := slices.IndexFunc(t.of, func(f typeExpr) bool { return f.number == number }); i >= 0 {
		return t.of[i], nil
	}
	return guessType(number, v)
}
