package hessian2

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// AppendValue appends a value as encoding/json decodes it, or as Decoder makes it,
// as a value of a Java type. typ "" takes the type that is nearest: Integer or Long,
// Double, String, Boolean, ArrayList, HashMap. The name of any other class makes an
// object of a JSON object.
func AppendValue(dst []byte, typ string, v any) ([]byte, error) {
	e := encoder{dst: dst}
	err := e.value(typ, v)
	return e.dst, err
}

type encoder struct {
	dst     []byte
	classes int
}

func (e *encoder) value(typ string, v any) error {
	switch v := v.(type) {
	case nil:
		e.dst = append(e.dst, 'N')
	case bool:
		e.dst = AppendBool(e.dst, v)
	case string:
		return e.text(typ, v)
	case []byte:
		e.dst = AppendBinary(e.dst, v)
	case json.Number:
		return e.number(typ, v)
	case int:
		return e.number(typ, json.Number(strconv.Itoa(v)))
	case int64:
		return e.number(typ, json.Number(strconv.FormatInt(v, 10)))
	case float64:
		e.dst = AppendDouble(e.dst, v)
	case []any:
		return e.list(typ, v)
	case map[string]any:
		return e.pairs(typ, sorted(v))
	case sdk.OrderedMap:
		return e.pairs(typ, v)
	default:
		return fmt.Errorf("a value of type %T cannot be written", v)
	}
	return nil
}

func (e *encoder) text(typ, s string) error {
	switch typ {
	case "", "String", "java.lang.String", "Object", "java.lang.Object":
		e.dst = AppendText(e.dst, s)
		return nil
	case "char", "java.lang.Character":
		e.dst = AppendText(e.dst, s)
		return nil
	}
	return fmt.Errorf("a string is not a %s", typ)
}

func (e *encoder) number(typ string, n json.Number) error {
	switch typ {
	case "int", "Integer", "java.lang.Integer", "short", "java.lang.Short", "byte", "java.lang.Byte":
		v, err := strconv.ParseInt(n.String(), 10, intBits(typ))
		if err != nil {
			return fmt.Errorf("%s is no value of type %s", n, typ)
		}
		e.dst = AppendInt(e.dst, int32(v)) //nolint:gosec // of 32 bits at most
	case "long", "Long", "java.lang.Long":
		v, err := strconv.ParseInt(n.String(), 10, 64)
		if err != nil {
			return fmt.Errorf("%s is not a %s", n, typ)
		}
		e.dst = AppendLong(e.dst, v)
	case "double", "Double", "java.lang.Double", "float", "java.lang.Float":
		v, err := n.Float64()
		if err != nil {
			return fmt.Errorf("%s is not a %s", n, typ)
		}
		e.dst = AppendDouble(e.dst, v)
	case "", "Object", "java.lang.Object":
		return e.number(NumberType(n), n)
	default:
		return fmt.Errorf("a number is not a %s", typ)
	}
	return nil
}

// intBits is how many bits a Java type has that Hessian writes as an int.
func intBits(typ string) int {
	switch typ {
	case "byte", "java.lang.Byte":
		return 8
	case "short", "java.lang.Short":
		return 16
	}
	return 32
}

// NumberType is the Java type that a JSON number fits best.
func NumberType(n json.Number) string {
	if _, err := strconv.ParseInt(n.String(), 10, 32); err == nil {
		return "java.lang.Integer"
	}
	if _, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return "java.lang.Long"
	}
	return "java.lang.Double"
}

// arrayTypes are Hessian's names for Java's arrays.
var arrayTypes = map[string]string{
	"int[]": "[int", "long[]": "[long", "double[]": "[double", "boolean[]": "[boolean",
	"String[]": "[string", "java.lang.String[]": "[string", "Object[]": "[object", "java.lang.Object[]": "[object",
}

func (e *encoder) list(typ string, list []any) error {
	element := ""
	if name, ok := arrayTypes[typ]; ok {
		e.dst = AppendInt(AppendText(append(e.dst, 'V'), name), int32(len(list))) //nolint:gosec // a command line's list
		element = strings.TrimSuffix(typ, "[]")
	} else {
		switch typ {
		case "", "List", "java.util.List", "java.util.ArrayList", "java.util.Collection", "Object", "java.lang.Object":
		default:
			return fmt.Errorf("a list is not a %s", typ)
		}
		e.dst = AppendInt(append(e.dst, 'X'), int32(len(list))) //nolint:gosec // a command line's list
	}
	for i, v := range list {
		if err := e.value(element, v); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

func (e *encoder) pairs(typ string, m sdk.OrderedMap) error {
	switch typ {
	case "", "Map", "java.util.Map", "java.util.HashMap", "Object", "java.lang.Object":
		e.dst = append(e.dst, 'H')
		for _, entry := range m {
			if err := e.value("", entry.Key); err != nil {
				return err
			}
			if err := e.value("", entry.Value); err != nil {
				return fmt.Errorf("%v: %w", entry.Key, err)
			}
		}
		e.dst = append(e.dst, 'Z')
		return nil
	}
	return e.object(typ, m)
}

func (e *encoder) object(class string, m sdk.OrderedMap) error {
	e.dst = AppendInt(AppendText(append(e.dst, 'C'), class), int32(len(m))) //nolint:gosec // a command line's object
	for _, entry := range m {
		name, ok := entry.Key.(string)
		if !ok {
			return fmt.Errorf("%v is not the name of a field", entry.Key)
		}
		e.dst = AppendText(e.dst, name)
	}
	e.dst = AppendInt(append(e.dst, 'O'), int32(e.classes)) //nolint:gosec // a command line's objects
	e.classes++
	for _, entry := range m {
		if err := e.value("", entry.Value); err != nil {
			return fmt.Errorf("%v: %w", entry.Key, err)
		}
	}
	return nil
}

func sorted(m map[string]any) sdk.OrderedMap {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make(sdk.OrderedMap, 0, len(m))
	for _, k := range keys {
		out = append(out, sdk.MapEntry{Key: k, Value: m[k]})
	}
	return out
}
