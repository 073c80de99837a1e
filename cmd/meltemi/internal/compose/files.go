package compose

import (
	"bytes"
	"slices"
	"text/template"
)

// files returns the module's files by name.
func files(o *Options) map[string][]byte {
	return map[string][]byte{
		"go.mod":             fill(goMod, o),
		"carried/carried.go": fill(carried, o),
		"describe/main.go":   fill(describe, o),
		"library/main.go":    fill(library, o),
	}
}

func fill(t *template.Template, o *Options) []byte {
	var b bytes.Buffer
	if err := t.Execute(&b, o); err != nil {
		panic(err) // a defect of the template
	}
	return b.Bytes()
}

var goMod = template.Must(template.New("go.mod").Parse(`module meltemi.local/library

go 1.26.0

require github.com/meltemi-mesh/meltemi {{or .Version "v0.0.0"}}
{{if .SDK}}
replace github.com/meltemi-mesh/meltemi => {{printf "%q" .SDK}}
{{end}}
{{- if .Host.Nested}}
require github.com/meltemi-mesh/meltemi/{{.Host.Package}} {{or .Version "v0.0.0"}}
{{if .SDK}}
replace github.com/meltemi-mesh/meltemi/{{.Host.Package}} => {{printf "%s/%s" .SDK .Host.Package | printf "%q"}}
{{end}}{{end}}
{{- range .Modules}}
require {{.Module}} v0.0.0

replace {{.Module}} => {{printf "%q" .Folder}}
{{end}}`))

// Modules are the modules on this machine that packages come from, each once. Meltemi's
// own is there already.
func (o *Options) Modules() []Addition {
	var modules []Addition
	for _, a := range o.Add {
		known := slices.ContainsFunc(modules, func(m Addition) bool { return m.Module == a.Module })
		if a.Folder != "" && a.Module != Module && !known {
			modules = append(modules, a)
		}
	}
	return modules
}

// Own are the codecs of Meltemi itself, by their folders.
func (*Options) Own() []string { return []string{"brpc", "dubbo", "thrift"} }

// OwnFilters are the filters of Meltemi itself, likewise.
func (*Options) OwnFilters() []string {
	return []string{"arguments", "breaker", "cache", "record", "stats"}
}

var carried = template.Must(template.New("carried.go").Parse(`// Package carried is the list of codecs and filters.
package carried

import (
	"fmt"
{{range .Own}}
	"github.com/meltemi-mesh/meltemi/codecs/{{.}}"
{{- end}}
{{- range .OwnFilters}}
	"github.com/meltemi-mesh/meltemi/filters/{{.}}"
{{- end}}
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
{{range $i, $a := .Add}}
	added{{$i}} "{{$a.Package}}"
{{- end}}
)

// Part is a codec or a filter, and the package that it comes from.
type Part struct {
	Package    string
	Definition any
}

// Parts are all of them.
var Parts = []Part{
{{- range .Own}}
	{"github.com/meltemi-mesh/meltemi/codecs/{{.}}", {{.}}.Definition()},
{{- end}}
{{- range .OwnFilters}}
	{"github.com/meltemi-mesh/meltemi/filters/{{.}}", {{.}}.Definition()},
{{- end}}
{{- range $i, $a := .Add}}
	{"{{$a.Package}}", added{{$i}}.Definition()},
{{- end}}
}

// Lists tells codecs and filters apart.
func Lists(parts []Part) (codecs []sdk.Definition, filters []filter.Definition, err error) {
	for _, p := range parts {
		switch d := p.Definition.(type) {
		case sdk.Definition:
			codecs = append(codecs, d)
		case filter.Definition:
			filters = append(filters, d)
		default:
			return nil, nil, fmt.Errorf("Definition returns %T, which defines neither a codec nor a filter", d)
		}
	}
	return codecs, filters, nil
}
`))

var describe = template.Must(template.New("describe").Parse(`// Command describe prints what the library carries.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
	"meltemi.local/library/carried"
)

func main() {
	var info *moduleinfo.Info
	for i, part := range carried.Parts {
		codecs, filters, err := carried.Lists(carried.Parts[:i+1])
		if err == nil {
			info, err = moduleinfo.Describe(codecs, filters)
		}
		if err != nil { // the first that does not fit
			fail(fmt.Errorf("package %s: %w", part.Package, err))
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(info); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
`))

var library = template.Must(template.New("library").Parse(`// Command library is what the host loads.
package main

import (
	host "github.com/meltemi-mesh/meltemi/{{.Host.Package}}"
	"meltemi.local/library/carried"
)

var _ = register()

func register() struct{} {
	codecs, filters, err := carried.Lists(carried.Parts)
	if err != nil {
		return host.Register(host.Library{}) // describe has found none
	}
	return host.Register(host.Library{Codecs: codecs, Filters: filters})
}

func main() {}
`))
