package migrate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// strict reads the spec of one of Aeraki's resources. An unknown field or a value of the
// wrong type is an error that names its place, and all of them are told.
func (d *document) strict(into any) []error {
	decoder := json.NewDecoder(bytes.NewReader(d.json))
	decoder.UseNumber()
	var whole map[string]any
	if err := decoder.Decode(&whole); err != nil {
		return []error{d.errorf("spec", "%w", err)}
	}
	spec, ok := whole["spec"]
	if !ok {
		return []error{d.errorf("spec", "is missing")}
	}
	var problems []error
	check(spec, reflect.TypeOf(into).Elem(), "spec", func(field, message string) {
		problems = append(problems, d.errorf(field, "%s", message))
	})
	if len(problems) > 0 {
		return problems
	}
	text, err := json.Marshal(spec)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return []error{d.errorf("spec", "%w", err)}
	}
	return nil
}

// check compares a value of JSON with the type that it is for. Null is no value, of any.
func check(value any, t reflect.Type, path string, bad func(path, message string)) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if value == nil {
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		fields, ok := value.(map[string]any)
		if !ok {
			bad(path, "a mapping is needed")
			return
		}
		known := fieldsOf(t)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if of, ok := known[name]; ok {
				check(fields[name], of, path+"."+name, bad)
			} else {
				bad(path+"."+name, "there is no such field")
			}
		}
	case reflect.Slice:
		items, ok := value.([]any)
		if !ok {
			bad(path, "a list is needed")
		}
		for i, item := range items {
			check(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i), bad)
		}
	case reflect.Map:
		entries, ok := value.(map[string]any)
		if !ok {
			bad(path, "a mapping is needed")
		}
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			check(entries[key], t.Elem(), path+"."+key, bad)
		}
	case reflect.String:
		if _, ok := value.(string); !ok {
			bad(path, "a text is needed: put it in quotes")
		}
	case reflect.Interface: // judged by whoever reads it
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			bad(path, "true or false is needed")
		}
	default:
		checkNumber(value, t.Kind(), path, bad)
	}
}

func checkNumber(value any, kind reflect.Kind, path string, bad func(path, message string)) {
	n, ok := value.(json.Number)
	if !ok {
		bad(path, "a number is needed")
		return
	}
	if kind == reflect.Float64 {
		if _, err := n.Float64(); err != nil {
			bad(path, "a number is needed")
		}
		return
	}
	if i, err := n.Int64(); err != nil || i < 0 || i > 1<<32-1 {
		bad(path, "a whole number from 0 to 4294967295 is needed")
	}
}

// fieldsOf are the fields of a struct by their names in JSON.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = f.Type
	}
	return fields
}
