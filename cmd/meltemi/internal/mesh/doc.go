// Package mesh reads the mesh file and makes Envoy's configuration from it. It does
// no I/O and knows no codec: it is bytes in, bytes out.
//
// # The mesh file
//
// A mesh file is Envoy's configuration with the tedious parts left out. Where Envoy
// has a type, that type is what the user writes, verbatim, in YAML or JSON:
//
//   - An entry of listeners has a name, an address (host:port, unix:/path, or
//     Envoy's Address), a codec, filters, and any field of Envoy's
//     HttpConnectionManager (route_config, access_log, tracing ...), of its Listener
//     and, of its FilterChain, transport_socket. Without a codec it is plain HTTP. With
//     filter_chains of its own it is Envoy's Listener and nothing is added.
//   - An entry of clusters is Envoy's Cluster, with endpoints ([host:port, ...]) as a
//     short form of load_assignment, and codec, which puts the bridge on it.
//   - Everything else on the top is Envoy's Bootstrap.
//
// A codec is a name, or a mapping that is the module's configuration as it stands.
//
// An entry of filters is Envoy's HttpFilter, or one of Meltemi's: {name: limit, config:
// {...}}, and a route speaks to it with typed_per_filter_config: {limit: {...}}.
//
// A cluster of proxies that run Meltemi themselves needs no codec but HTTP/2, in
// Envoy's own words:
//
//	typed_extension_protocol_options:
//	  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
//	    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
//	    explicit_http_config: {http2_protocol_options: {}}
//
// # What is filled in
//
// Only what the user left out, behind what the user wrote, and each value with the
// comment "# meltemi". A value of the user that cannot work is an error, and is never
// replaced.
package mesh

//go:generate sh genextensions.sh
