package brpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

var (
	errEmptyList = errors.New("an empty list needs a type, as in repeated<string>")
	errNested    = errors.New("a list in a list has no type")
)

// guessType is the type of a value that comes without one.
func guessType(number int, v any) (typeExpr, error) {
	t := typeExpr{number: number}
	switch v := v.(type) {
	case nil:
		t.name = "bytes"
	case bool:
		t.name = "bool"
	case string:
		t.name = "string"
	case []byte:
		t.name = "bytes"
	case int, int32, int64:
		t.name = "int64"
	case json.Number:
		if t.name = "int64"; !isInteger(v) {
			t.name = "double"
		}
	case float64:
		t.name = "double"
	case []any:
		if len(v) == 0 {
			return t, errEmptyList
		}
		element, err := guessType(number, v[0])
		if err == nil && element.name == "repeated" {
			err = errNested
		}
		t.name, t.of = "repeated", []typeExpr{element}
		return t, err
	case map[string]any, sdk.OrderedMap:
		t.name = "message"
	default:
		return t, fmt.Errorf("a value of %T needs a type", v)
	}
	return t, nil
}

func isInteger(v json.Number) bool {
	_, err := v.Int64()
	return err == nil
}

// membersOf are the members of an object, one of encoding/json in the order of its keys,
// numbers by their value.
func membersOf(v any) (sdk.OrderedMap, bool) {
	switch v := v.(type) {
	case sdk.OrderedMap:
		return v, true
	case map[string]any:
		members := make(sdk.OrderedMap, 0, len(v))
		for key, value := range v {
			members = append(members, sdk.MapEntry{Key: key, Value: value})
		}
		slices.SortFunc(members, func(a, b sdk.MapEntry) int { return compareKeys(fmt.Sprint(a.Key), fmt.Sprint(b.Key)) })
		return members, true
	}
	return nil, false
}

// compareKeys puts short numbers before long ones, and texts in their order.
func compareKeys(a, b string) int {
	m, err := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	switch {
	case err == nil && err2 == nil:
		return m - n
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

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
