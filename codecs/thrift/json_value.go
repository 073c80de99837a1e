package thrift

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// value appends a value as encoding/json decodes it.
func (w *valueWriter) value(t typeExpr, v any) error {
	switch t.kind {
	case tBool:
		b, ok := v.(bool)
		if !ok {
			return mismatch(t, v)
		}
		w.bool(b)
	case tI8, tI16, tI32, tI64:
		n, err := strconv.ParseInt(numberText(v), 10, integerBits[t.kind])
		if err != nil {
			return mismatch(t, v)
		}
		w.integer(t.kind, n)
	case tDouble:
		n, err := strconv.ParseFloat(numberText(v), 64)
		if err != nil {
			return mismatch(t, v)
		}
		w.double(n)
	case tString:
		return w.textOf(t, v)
	case tUUID:
		s, _ := v.(string)
		b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
		if err != nil || len(b) != 16 {
			return mismatch(t, v)
		}
		w.b = append(w.b, b...)
	case tList, tSet:
		return w.listOf(t, v)
	case tMap:
		return w.mapWith(t, v)
	case tStruct:
		return w.structOf(t, v)
	case tStop, tFloat:
		return mismatch(t, v)
	}
	return nil
}

var integerBits = map[wireType]int{tI8: 8, tI16: 16, tI32: 32, tI64: 64}

// numberText is a number as JSON has it. As the key of a map it is a string.
func numberText(v any) string {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

func mismatch(t typeExpr, v any) error {
	return fmt.Errorf("%v is not a %s", v, wireTypeNames[t.kind])
}

func (w *valueWriter) textOf(t typeExpr, v any) error {
	if b, ok := v.([]byte); ok {
		w.text(string(b))
		return nil
	}
	s, ok := v.(string)
	if !ok {
		return mismatch(t, v)
	}
	if t.binary {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return fmt.Errorf("%q is not binary in base 64", s)
		}
		s = string(b)
	}
	w.text(s)
	return nil
}

func (w *valueWriter) listOf(t typeExpr, v any) error {
	list, ok := v.([]any)
	if !ok {
		return mismatch(t, v)
	}
	w.list(t.of[0].kind, len(list))
	for _, element := range list {
		if err := w.value(t.of[0], element); err != nil {
			return err
		}
	}
	return nil
}

func (w *valueWriter) mapWith(t typeExpr, v any) error {
	entries, ok := entriesOf(v)
	if !ok {
		return mismatch(t, v)
	}
	w.mapOf(t.of[0].kind, t.of[1].kind, len(entries))
	for _, e := range entries {
		key := e.Key
		if s, ok := key.(string); ok && t.of[0].kind == tBool {
			key = s == "true"
		}
		if err := w.value(t.of[0], key); err != nil {
			return err
		}
		if err := w.value(t.of[1], e.Value); err != nil {
			return err
		}
	}
	return nil
}

// entriesOf are the entries of a JSON object in the order of their keys.
func entriesOf(v any) (sdk.OrderedMap, bool) {
	switch v := v.(type) {
	case sdk.OrderedMap:
		return v, true
	case map[string]any:
		entries := make(sdk.OrderedMap, 0, len(v))
		for key, value := range v {
			entries = append(entries, sdk.MapEntry{Key: key, Value: value})
		}
		sort.Slice(entries, func(i, j int) bool { return fmt.Sprint(entries[i].Key) < fmt.Sprint(entries[j].Key) })
		return entries, true
	}
	return nil, false
}

// structOf appends a struct from an object whose keys are the ids of fields.
func (w *valueWriter) structOf(t typeExpr, v any) error {
	entries, ok := entriesOf(v)
	if !ok {
		return mismatch(t, v)
	}
	values := make(map[string]any, len(entries))
	for _, e := range entries {
		values[fmt.Sprint(e.Key)] = e.Value
	}
	last := int16(0)
	for _, field := range t.of {
		key := strconv.Itoa(int(field.id))
		value, ok := values[key]
		if !ok || value == nil {
			continue
		}
		if err := w.fieldOf(field, value, last); err != nil {
			return fmt.Errorf("field %s: %w", key, err)
		}
		last = field.id
		delete(values, key)
	}
	for key, value := range values {
		if value != nil {
			return fmt.Errorf("field %s is not in the type", key)
		}
	}
	w.stop()
	return nil
}
