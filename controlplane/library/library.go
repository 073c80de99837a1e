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

//go:generate sh -c "go run ../../cmd/meltemi codecs -o json >library.json"

// Builtin is what the library of this repository carries, as `meltemi codecs -o json`
// prints it.
//
//go:embed library.json
var Builtin []byte

// Library is what a shared library carries.
type Library struct {
	codecs  []translate.CodecInfo
	filters []string
	schemas map[string]*jsonschema.Schema // by codec
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
			Name string `json:"name"`
		} `json:"filters"`
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, fmt.Errorf("not what meltemi codecs -o json prints: %w", err)
	}
	if len(info.Codecs) == 0 {
		return nil, errors.New("not what meltemi codecs -o json prints: there are no codecs in it")
	}
	l := &Library{schemas: map[string]*jsonschema.Schema{}}
	for _, c := range info.Codecs {
		l.codecs = append(l.codecs, translate.CodecInfo{Name: c.Name, Sniffs: slices.Contains(c.Capabilities, "sniff")})
		if len(c.Schema) == 0 {
			continue
		}
		schema, err := compile(c.Name, c.Schema)
		if err != nil {
			return nil, fmt.Errorf("schema of codec %s: %w", c.Name, err)
		}
		l.schemas[c.Name] = schema
	}
	for _, f := range info.Filters {
		l.filters = append(l.filters, f.Name)
	}
	return l, nil
}

func compile(name string, text []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	url := "codec:///" + name
	if err := compiler.AddResource(url, doc); err != nil {
		return nil, err
	}
	return compiler.Compile(url)
}

// Options puts what the library carries into options of translation.
func (l *Library) Options(o *translate.Options) {
	o.Codecs, o.Filters, o.CheckCodec = l.codecs, l.filters, l.check
}

// check judges the configurations of codecs in the library's configuration by their
// schemas. The rest of it is typed already.
func (l *Library) check(config []byte) error {
	type codec struct {
		Name   string          `json:"name"`
		Config json.RawMessage `json:"config"`
	}
	var c struct {
		codec

		Auto []codec `json:"auto"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return err
	}
	var problems []error
	for _, one := range append(c.Auto, c.codec) {
		schema := l.schemas[one.Name]
		if schema == nil || len(one.Config) == 0 {
			continue
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(one.Config)))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("config of %s: %w", one.Name, brief(err)))
		}
	}
	return errors.Join(problems...)
}

// brief leaves the URL of the schema out of an error.
func brief(err error) error {
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return err
	}
	_, text, ok := strings.Cut(invalid.Error(), "\n")
	if !ok {
		return err
	}
	return errors.New(strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(text), "- "), "\n", "; "))
}
