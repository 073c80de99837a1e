package brpc

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// typeExpr is the type of a value as it is written: a name of Protocol Buffers, such as
// sint32, or repeated<string>, map<string,int64> or message<string,sint32@3>, whose
// fields have the numbers 1, 2 and so on unless an '@' says otherwise. So can the type of
// an argument.
type typeExpr struct {
	name   string
	number int // of the field
	of     []typeExpr
}

// maxFieldNumber is the greatest number of a field.
// Source: https://protobuf.dev/programming-guides/proto3/#assigning
const maxFieldNumber = 1<<29 - 1

var errTypeExpr = errors.New("not a type such as int64, repeated<string>, map<string,int64> or message<string,sint32@3>")

// typeForms are the forms of the values of each type.
var typeForms = map[string]wireType{
	"int32": wireVarint, "int64": wireVarint, "uint32": wireVarint, "uint64": wireVarint,
	"sint32": wireVarint, "sint64": wireVarint, "bool": wireVarint, "enum": wireVarint,
	"fixed32": wireFixed32, "sfixed32": wireFixed32, "float": wireFixed32,
	"fixed64": wireFixed64, "sfixed64": wireFixed64, "double": wireFixed64,
	"string": wireBytes, "bytes": wireBytes, "message": wireBytes, "map": wireBytes, "repeated": wireBytes,
}

// operands is how many types a type is made of; -1 is any number.
var operands = map[string]int{"repeated": 1, "map": 2, "message": -1}

// parseType reads the type of the field with that number, unless the text has one.
func parseType(text string, number int) (typeExpr, error) {
	t, rest, err := parseTypePrefix(text, number, 0)
	if err == nil && rest != "" {
		err = errTypeExpr
	}
	if err != nil {
		return t, fmt.Errorf("type %q: %w", text, err)
	}
	return t, nil
}

// parseTypePrefix reads the type at the front of text.
func parseTypePrefix(text string, number, depth int) (t typeExpr, rest string, err error) {
	n := strings.IndexAny(text, "<>,@")
	if n < 0 {
		n = len(text)
	}
	t, rest = typeExpr{name: text[:n], number: number}, text[n:]
	if _, ok := typeForms[t.name]; !ok || depth > sdk.MaxDepth {
		return t, text, errTypeExpr
	}
	if want := operands[t.name]; want != 0 {
		if t.of, rest, err = parseOperands(rest, depth); err != nil {
			return t, rest, err
		}
		if want > 0 && len(t.of) != want || t.name == "repeated" && operands[t.of[0].name] > 0 {
			return t, rest, errTypeExpr
		}
	}
	if after, found := strings.CutPrefix(rest, "@"); found {
		if n = strings.IndexAny(after, ">,"); n < 0 {
			n = len(after)
		}
		if t.number, err = strconv.Atoi(after[:n]); err != nil || t.number < 1 || t.number > maxFieldNumber {
			return t, rest, errTypeExpr
		}
		rest = after[n:]
	}
	return t, rest, nil
}

// parseOperands reads types between '<' and '>'.
func parseOperands(text string, depth int) (of []typeExpr, rest string, err error) {
	rest, ok := strings.CutPrefix(text, "<")
	if !ok {
		return nil, text, errTypeExpr
	}
	if after, empty := strings.CutPrefix(rest, ">"); empty {
		return nil, after, nil
	}
	for number := 1; ; number++ {
		var t typeExpr
		if t, rest, err = parseTypePrefix(rest, number, depth+1); err != nil {
			return nil, rest, err
		}
		of, number = append(of, t), t.number
		switch {
		case strings.HasPrefix(rest, ","):
			rest = rest[1:]
		case strings.HasPrefix(rest, ">"):
			return of, rest[1:], nil
		default:
			return nil, rest, errTypeExpr
		}
	}
}

// bits are the widths of numbers in the text of JSON.
var bits = map[string]int{
	"int32": 32, "int64": 64, "uint32": 32, "uint64": 64, "sint32": 32, "sint64": 64, "enum": 32,
	"fixed32": 32, "sfixed32": 32, "fixed64": 64, "sfixed64": 64, "float": 32, "double": 64,
}

// scalar is the number that stands for a value of a type that is neither a text nor made
// of others.
func (t *typeExpr) scalar(v any) (n uint64, err error) {
	text := numberText(v)
	switch t.name {
	case "bool":
		b, ok := v.(bool)
		if text, isText := v.(string); isText { // the key of a map
			b, ok = text == "true", text == "true" || text == "false"
		}
		if !ok {
			return 0, t.mismatch(v)
		}
		if b {
			n = 1
		}
		return n, nil
	case "uint32", "uint64", "fixed32", "fixed64":
		n, err = strconv.ParseUint(text, 10, bits[t.name])
	case "float", "double":
		var f float64
		f, err = strconv.ParseFloat(text, bits[t.name])
		if n = math.Float64bits(f); t.name == "float" {
			n = uint64(math.Float32bits(float32(f)))
		}
	default:
		var i int64
		i, err = strconv.ParseInt(text, 10, bits[t.name])
		if n = uint64(i); strings.HasPrefix(t.name, "sint") { //nolint:gosec // the coding is about the bits
			n = uint64(i<<1) ^ uint64(i>>63) //nolint:gosec // likewise
		}
	}
	if err != nil {
		return 0, t.mismatch(v)
	}
	return n, nil
}

func (t *typeExpr) mismatch(v any) error { return fmt.Errorf("%v is not a %s", v, t.name) }
