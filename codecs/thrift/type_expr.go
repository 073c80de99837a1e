package thrift

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// typeExpr is the type of an argument as it is written: a name of the IDL, such as
// i64 or map<string,list<i32>>, or struct<string,i32@4>, whose fields have the ids 1,
// 2 and so on unless an '@' says otherwise. So can the type of an argument.
type typeExpr struct {
	kind   wireType
	binary bool // a string whose value is in base 64
	id     int16
	of     []typeExpr // elements, or key and value, or fields
}

var errTypeExpr = errors.New("not a type such as i32, list<string>, map<string,i64> or struct<string,i32@4>")

// typesByName are the types by their names in the IDL.
var typesByName = map[string]wireType{
	"bool": tBool, "byte": tI8, "i8": tI8, "i16": tI16, "i32": tI32, "i64": tI64, "double": tDouble,
	"string": tString, "binary": tString, "uuid": tUUID,
	"list": tList, "set": tSet, "map": tMap, "struct": tStruct,
}

// operands is how many types a type is made of; -1 is any number.
var operands = map[wireType]int{tList: 1, tSet: 1, tMap: 2, tStruct: -1}

// parseType reads the type of the field with that id, unless the text has one.
func parseType(text string, id int16) (typeExpr, error) {
	t, rest, err := parseTypePrefix(text, id, 0)
	if err == nil && rest != "" {
		err = errTypeExpr
	}
	if err != nil {
		return t, fmt.Errorf("type %q: %w", text, err)
	}
	return t, nil
}

// parseTypePrefix reads the type at the front of text.
func parseTypePrefix(text string, id int16, depth int) (t typeExpr, rest string, err error) {
	n := strings.IndexAny(text, "<>,@")
	if n < 0 {
		n = len(text)
	}
	name := text[:n]
	kind, ok := typesByName[name]
	if !ok || depth > sdk.MaxDepth {
		return t, text, errTypeExpr
	}
	t, rest = typeExpr{kind: kind, binary: name == "binary", id: id}, text[n:]
	if want := operands[kind]; want != 0 {
		if t.of, rest, err = parseOperands(rest, depth); err != nil {
			return t, rest, err
		}
		if want > 0 && len(t.of) != want {
			return t, rest, errTypeExpr
		}
	}
	if after, found := strings.CutPrefix(rest, "@"); found {
		if n = strings.IndexAny(after, ">,"); n < 0 {
			n = len(after)
		}
		number, err := strconv.ParseInt(after[:n], 10, 16)
		if err != nil {
			return t, rest, errTypeExpr
		}
		t.id, rest = int16(number), after[n:]
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
	for id := int16(1); ; id++ {
		var t typeExpr
		if t, rest, err = parseTypePrefix(rest, id, depth+1); err != nil {
			return nil, rest, err
		}
		of, id = append(of, t), t.id
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

// guessType is the type of a value that comes without one.
func guessType(v any, id int16) (typeExpr, error) {
	t := typeExpr{id: id}
	switch v := v.(type) {
	case bool:
		t.kind = tBool
	case string:
		t.kind = tString
	case json.Number:
		t.kind = guessNumber(v)
	case []any:
		t.kind = tList
		if len(v) == 0 {
			return t, errors.New("an empty list needs a type, as in list<string>")
		}
		element, err := guessType(v[0], 0)
		if err != nil {
			return t, err
		}
		t.of = []typeExpr{element}
	case map[string]any:
		t.kind = tStruct
		return guessStruct(t, v)
	default:
		return t, fmt.Errorf("a value of %T needs a type", v)
	}
	return t, nil
}

// guessNumber is i32 where that holds the number, then i64, then double.
func guessNumber(v json.Number) wireType {
	n, err := v.Int64()
	switch {
	case err != nil:
		return tDouble
	case n < math.MinInt32 || n > math.MaxInt32:
		return tI64
	}
	return tI32
}

// guessStruct takes an object for a struct; its keys are the ids of fields.
func guessStruct(t typeExpr, v map[string]any) (typeExpr, error) {
	for key, value := range v {
		id, err := strconv.ParseInt(key, 10, 16)
		if err != nil {
			return t, fmt.Errorf("key %q is not the id of a field: a map needs a type, as in map<string,string>", key)
		}
		field, err := guessType(value, int16(id))
		if err != nil {
			return t, err
		}
		t.of = append(t.of, field)
	}
	sort.Slice(t.of, func(i, j int) bool { return t.of[i].id < t.of[j].id })
	return t, nil
}
