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

var carried = template.Must(template.New("carried.go").Parse(`// Package carried is the list of codecs.
package carried

import (
{{- range .Own}}
	"github.com/meltemi-mesh/meltemi/codecs/{{.}}"
{{- end}}
	"github.com/meltemi-mesh/meltemi/sdk"
{{range $i, $a := .Add}}
	added{{$i}} "{{$a.Package}}"
{{- end}}
)

// Packages are where they come from, in the same order.
var Packages = []string{
{{- range .Own}}
	"github.com/meltemi-mesh/meltemi/codecs/{{.}}",
{{- end}}
{{- range .Add}}
	"{{.Package}}",
{{- end}}
}

// Codecs returns them.
func Codecs() []sdk.Definition {
	return []sdk.Definition{
{{- range .Own}}
		{{.}}.Definition(),
{{- end}}
{{- range $i, $a := .Add}}
		added{{$i}}.Definition(), // {{$a.Package}}
{{- end}}
	}
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
	codecs := carried.Codecs()
	for i := range codecs {
		if _, err := moduleinfo.Describe(codecs[:i+1]); err != nil { // the first that does not fit
			fail(fmt.Errorf("package %s: %w", carried.Packages[i], err))
		}
	}
	info, err := moduleinfo.Describe(codecs)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(info)
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
`))

var library = template.Must(template.New("library").Parse(`// Command library is what Envoy loads.
package main

import (
	"github.com/meltemi-mesh/meltemi/sdk/abi"
	"meltemi.local/library/carried"
)

var _ = abi.Register(carried.Codecs()...)

func main() {}
`))
