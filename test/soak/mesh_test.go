package soak

import (
	"strings"
	"text/template"
)

// meshValues are what a mesh file is made of.
type meshValues struct {
	Seed      uint64
	Leak      int
	Revision  int // of the routes
	Protocols []*protocol
	Servers   map[string]string // addresses
	Services  map[string]string // addresses, by cluster
}

func (p *protocol) JSON() string { return p.json() }

// Limit is how long a route waits: for the server, or for the whole call, that is, for
// filters too. Callers' deadlines count likewise.
func (p *protocol) Limit() string {
	if p.wholeCall {
		return `max_stream_duration: {max_stream_duration: 3s, grpc_timeout_header_max: 3s}`
	}
	return `timeout: 3s`
}

func (p *protocol) Name() string { return p.name }

// mesh returns the mesh file.
func (v *meshValues) mesh() (string, error) {
	var b strings.Builder
	err := meshFile.Execute(&b, v)
	return b.String(), err
}

// Each protocol has the filters of the library that are made for every call, the chaos
// among them. Circuit breakers are wide, since the bridge takes a connection for each
// call and a plan knows nothing of a refusal.
var meshFile = template.Must(template.New("mesh").Parse(`
listeners:
{{- range .Protocols}}
- name: {{.Name}}
  address: 127.0.0.1:0
  codec: {{.JSON}}
  filters:
  - {name: stats}
  - {name: first, filter: chaos, config: {seed: "{{$.Seed}}", place: first, leak: {{$.Leak}}}}
  - {name: reader, filter: chaos, config: {seed: "{{$.Seed}}", place: reader}}
  route_config:
    virtual_hosts:
    - name: all
      domains: ["*"]
      routes: [{name: revision-{{$.Revision}}, match: {prefix: /}, route: {cluster: {{.Name}}, {{.Limit}}}}]
{{- end}}
clusters:
{{- range .Protocols}}
- name: {{.Name}}
  codec: {{.JSON}}
  endpoints: ["{{index $.Servers .Name}}"]
  circuit_breakers: {thresholds: [{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000}]}
  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      explicit_http_config: {http2_protocol_options: {}}
      http_filters:
      - name: chaos
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter
          dynamic_module_config: {name: meltemi, do_not_close: true}
          filter_name: chaos
          filter_config:
            "@type": type.googleapis.com/google.protobuf.StringValue
            value: '{"codec":{{.JSON}},"config":{"seed":"{{$.Seed}}","place":"last"}}'
      - name: envoy.filters.http.upstream_codec
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec}
{{- end}}
{{- range $name, $address := .Services}}
- {name: {{$name}}, endpoints: ["{{$address}}"]}
{{- end}}
`))
