package main

import (
	"fmt"
	"strings"
	"text/template"
)

// subject is a way to carry a call through Envoy.
type subject struct {
	name   string
	client carrier // what the load speaks
	server carrier // what the server behind the last proxy speaks
	filter string  // in front of the router, a name of the mesh file's template
}

// carrier is how the frames of calls go on a connection: bare, or as bodies of HTTP.
type carrier string

const (
	rpc   carrier = "rpc"
	http1 carrier = "http1"
	http2 carrier = "http2"
)

// The subjects beside the protocol's native filter. Plain HTTP carries the same frames as bodies, with the
// headers that Meltemi makes of them, between the same client and the same server; it
// is HTTP/2 up to the last hop. With a connection for each call in flight to the
// server, as the bridge needs it, its last hop is HTTP/1.1.
var (
	tcpProxy   = subject{name: "tcp_proxy", client: rpc, server: rpc}
	plainHTTP2 = subject{name: "http2", client: http2, server: http2}
	plainHTTP1 = subject{name: "http1", client: http2, server: http1}
	meltemi    = subject{name: "meltemi", client: rpc, server: rpc}
)

// The subjects with a filter that does nothing: in Lua and in Go, and one in Go that has
// the messages shown to it.
var (
	luaHTTP1       = subject{name: "http1+lua", client: http2, server: http1, filter: "lua"}
	meltemiEmpty   = subject{name: "meltemi+empty", client: rpc, server: rpc, filter: "empty"}
	meltemiReading = subject{name: "meltemi+reading", client: rpc, server: rpc, filter: "reading"}
)

// subjects returns those that can do what the topology asks for, cheapest first: the
// native filters do not trace.
func (t topology) subjects() []subject {
	if t.filters {
		return []subject{plainHTTP1, luaHTTP1, meltemi, meltemiEmpty, meltemiReading}
	}
	if t.tracing {
		return []subject{plainHTTP2, plainHTTP1, meltemi}
	}
	return []subject{tcpProxy, t.native, plainHTTP2, plainHTTP1, meltemi}
}

// A proxy is one Envoy of a subject, as the mesh file's template sees it.
type proxy struct {
	topology
	Subject      string
	Meltemi      bool
	Filter       string
	Native       string // the name of Envoy's own filter
	Codec        string
	Config       string // of the codec
	Server       carrier
	First, Last  bool // of the chain; both with one proxy
	Next         string
	Traces       string
	Certificates certificates
}

func (p *proxy) TLS() bool     { return p.tls }
func (p *proxy) Tracing() bool { return p.tracing }

// HTTP reports whether the proxy has an HTTP connection manager.
func (p *proxy) HTTP() bool { return p.Subject != tcpProxy.name && p.Subject != p.Native }

// mesh returns the proxy's mesh file.
func (p *proxy) mesh() (string, error) {
	var b strings.Builder
	if err := meshFile.Execute(&b, p); err != nil {
		return "", fmt.Errorf("mesh file: %w", err)
	}
	return b.String(), nil
}

// The connection manager of plain HTTP gets what Meltemi gives its own because it
// costs no function.
var meshFile = template.Must(template.New("mesh").Parse(`
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
listeners:
- name: bench
  address: 127.0.0.1:0
{{- if .HTTP}}
  {{- if .Meltemi}}
  codec: {name: {{.Codec}}, config: {{.Config}}}
  {{- else}}
  codec_type: HTTP2
  stream_idle_timeout: 0s
  server_header_transformation: PASS_THROUGH
  skip_xff_append: true
  generate_request_id: {{.Tracing}} # spans need one
  {{- end}}
  {{- if .Tracing}}
  tracing:
    provider:
      name: envoy.tracers.opentelemetry
      typed_config:
        "@type": type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig
        service_name: bench
        http_service:
          http_uri: {uri: "http://127.0.0.1/v1/traces", cluster: traces, timeout: 1s}
  {{- end}}
  filters:
  {{- if eq .Filter "lua"}}
  - name: envoy.filters.http.lua
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
      default_source_code:
        inline_string: |
          function envoy_on_request(handle) end
          function envoy_on_response(handle) end
  {{- else if eq .Filter "empty"}}
  - {name: empty}
  {{- else if eq .Filter "reading"}}
  - {name: empty, config: {read: true}}
  {{- end}}
  - name: envoy.filters.http.router
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
      suppress_envoy_headers: true
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: next}}]}]}
  {{- if and .TLS (not .First)}}
  transport_socket: {{template "downstream" .}}
  {{- end}}
{{- else}}
  filter_chains:
  - filters:
  {{- if eq .Subject "tcp_proxy"}}
    - name: envoy.filters.network.tcp_proxy
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
        stat_prefix: bench
        cluster: next
  {{- else if eq .Subject "dubbo_proxy"}}
    - name: envoy.filters.network.dubbo_proxy
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.v3.DubboProxy
        stat_prefix: bench
        protocol_type: Dubbo
        serialization_type: Hessian2
        route_config:
        - {name: all, interface: bench.Echo, routes: [{match: {method: {name: {exact: echo}}}, route: {cluster: next}}]}
  {{- else}}
    - name: envoy.filters.network.thrift_proxy
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.thrift_proxy.v3.ThriftProxy
        stat_prefix: bench
        transport: FRAMED
        protocol: BINARY
        payload_passthrough: true # arguments are not decoded, as little as by Meltemi
        route_config: {routes: [{match: {method_name: echo}, route: {cluster: next}}]}
  {{- end}}
  {{- if and .TLS (not .First)}}
    transport_socket: {{template "downstream" .}}
  {{- end}}
{{- end}}
clusters:
- name: next
  endpoints: ["{{.Next}}"]
  circuit_breakers: {thresholds: [{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000}]}
{{- if and .Last .Meltemi}}
  codec: {name: {{.Codec}}, config: {{.Config}}}
{{- else if and .HTTP (or (not .Last) (eq .Server "http2"))}}
  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      explicit_http_config: {http2_protocol_options: {}}
{{- end}}
{{- if and .TLS (not .Last)}}
  transport_socket: {{template "upstream" .}}
{{- end}}
{{- if .Tracing}}
- {name: traces, endpoints: ["{{.Traces}}"]}
{{- end}}

{{- define "downstream" -}}
{name: envoy.transport_sockets.tls, typed_config: {
      "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext,
      require_client_certificate: true, common_tls_context: {{template "context" .}}}}
{{- end}}
{{- define "upstream" -}}
{name: envoy.transport_sockets.tls, typed_config: {
      "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext,
      sni: bench.test, common_tls_context: {{template "context" .}}}}
{{- end}}
{{- define "context" -}}
{
      {{if .HTTP}}alpn_protocols: [h2], {{end -}}
      tls_certificates: [{certificate_chain: {filename: "{{.Certificates.Chain}}"}, private_key: {filename: "{{.Certificates.Key}}"}}],
      validation_context: {trusted_ca: {filename: "{{.Certificates.Authority}}"},
      match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: bench.test}}]}}
{{- end}}
`))
