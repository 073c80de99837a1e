// Package library knows what the shared library carries: codecs and filters by name, and
// the JSON Schemas of their configurations. The control plane builds without the data
// path, so all it has is what `meltemi codecs -o json` prints of a library.
package library

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// The rename keeps what is embedded as it is when the program fails.
//
//go:generate sh -c "go run ../../cmd/meltemi codecs -o json >library.json.part && mv library.json.part library.json"

// Builtin is what the library of this repository carries, as `meltemi codecs -o json`
// prints it.
//
//go:embed library.json
var Builtin []byte

// Library is what a shared library carries.
type Library struct {
	codecs        []translate.CodecInfo
	filters       []string
	schemas       map[string]*jsonschema.Schema // by codec
	filterSchemas map[string]*jsonschema.Schema // by filter
}

// Parse reads what `meltemi codecs -o json` printed.
func Parse(text []byte) (*Library, error) {
	var info struct {
		Codecs []struct {
			Name         string          `json:"name"`
			Capabilities []string        `json:"capabilities"`
			Schema       json.RawMessage `json:"schema"`
		} `json:"codecs"`
		Filters []struct {
			Name   string          `json:"name"`
			Schema json.RawMessage `json:"schema"`
		} `json:"filters"`
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, fmt.Errorf("not what meltemi codecs -o json prints: %w", err)
	}
	if len(info.Codecs) == 0 {
		return nil, errors.New("not what meltemi codecs -o json prints: there are no codecs in it")
	}
	l := &Library{schemas: map[string]*jsonschema.Schema{}, filterSchemas: map[string]*jsonschema.Schema{}}
	var err error
	for _, c := range info.Codecs {
		l.codecs = append(l.codecs, translate.CodecInfo{Name: c.Name, Sniffs: slices.Contains(c.Capabilities, "sniff")})
		if l.schemas[c.Name], err = compile("codec", c.Name, c.Schema); err != nil {
			return nil, err
		}
	}
	for _, f := range info.Filters {
		l.filters = append(l.filters, f.Name)
		if l.filterSchemas[f.Name], err = compile("filter", f.Name, f.Schema); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// compile makes a schema of its text, nil of none.
func compile(kind, name string, text []byte) (*jsonschema.Schema, error) {
	if len(text) == 0 {
		return nil, nil
	}
	schema, err := compileText(kind+":///"+name, text)
	if err != nil {
		return nil, fmt.Errorf("schema of %s %s: %w", kind, name, err)
	}
	return schema, nil
}

func compileText(url string, text []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(url, doc); err != nil {
		return nil, err
	}
	return compiler.Compile(url)
}

// Options puts what the library carries into options of translation.
func (l *Library) Options(o *translate.Options) {
	o.Codecs, o.Filters, o.CheckCodec, o.CheckFilter = l.codecs, l.filters, l.check, l.checkFilter
}
