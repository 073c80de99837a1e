package suite

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// failures are what can become of a call between client and server: the name of its
// case, the event as the docs have it, and the rest of the route that its calls take.
var failures = []struct{ name, event, route string }{
	{"no-route", "no route", ""},
	{"no-cluster", "the route's cluster is not known", `route: {cluster_header: ":authority"}`},
	{"no-endpoint", "the cluster has no endpoint", "route: {cluster: empty}"},
	{"refused", "the connection is refused", "route: {cluster: refused}"},
	{"lost", "the connection is lost in mid-call", "route: {cluster: lost}"},
	{"garbage", "the server answers what is no PROTOCOL", "route: {cluster: garbage}"},
	{"stranger", "the server answers a call that nobody made", "route: {cluster: stranger}"},
	{"route-timeout", "the route's timeout", "route: {cluster: silent, timeout: 0.2s}"},
	{
		"try-timeout", "the timeout of each try",
		"route: {cluster: silent, retry_policy: {retry_on: unavailable, num_retries: 1, per_try_timeout: 0.2s}}",
	},
	{"silent", "the caller's own timeout", "route: {cluster: silent}"},
	{"breaker", "circuit breaker", "route: {cluster: breaker}"},
	{"fault", "injected fault (HTTP 503)", `route: {cluster: server}, typed_per_filter_config: {envoy.filters.http.fault: {
      "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault,
      abort: {http_status: 503, percentage: {numerator: 100}}}}`},
	{"direct", "direct response (HTTP 500)", "direct_response: {status: 500, body: {inline_string: the answer of a route}}"},
	{"rate-limited", "rate limit", `route: {cluster: server, REWRITE}, typed_per_filter_config: {envoy.filters.http.local_ratelimit: {
      "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit,
      stat_prefix: limited,
      token_bucket: {max_tokens: 1, tokens_per_fill: 1, fill_interval: 3600s},
      filter_enabled: {default_value: {numerator: 100}},
      filter_enforced: {default_value: {numerator: 100}},
      descriptors: [{entries: [{key: all, value: all}], token_bucket: {max_tokens: 1, tokens_per_fill: 1, fill_interval: 3600s}}]}}`},
	{"denied", "authorization", `route: {cluster: server}, typed_per_filter_config: {envoy.filters.http.rbac: {
      "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute,
      rbac: {rules: {action: DENY, policies: {all: {permissions: [{any: true}], principals: [{any: true}]}}}}}}`},
	{"large-message", "the message is over `max_message_bytes`", ""},
	{"large-at-server", "the message is over the cluster's `max_message_bytes`", "route: {cluster: small}"},
	{"large-metadata", "the METADATA are over `max_metadata_bytes`", ""},
	{"two-spellings", "two keys that HTTP cannot tell apart", ""},
}

// good is the route of calls that nothing happens to. A case "warm" is a client's first
// call, whose time does not count.
const good = "route: {cluster: server, REWRITE}"

// largest and small are the bounds of messages, of the proxies and of the cluster that
// takes smaller ones.
const (
	largest = "max_message_bytes: 1048576"
	small   = "max_message_bytes: 8192"
)

// errorsMesh is a mesh file in which each failure happens, before a server that speaks
// what a client does.
func (p *Protocol) errorsMesh(t *testing.T, client peers.Peer) string {
	t.Helper()
	var routes strings.Builder
	route := func(name, rest string) {
		routes.WriteString("      - {match: {" + p.Errors.Match(name) + "}, " + rest + "}\n")
	}
	for _, f := range failures {
		if f.route != "" {
			route(f.name, f.route)
		}
	}
	route("good", good)
	route("warm", good)
	return strings.NewReplacer(
		"REWRITE", p.Errors.Rewrite,
		"CODEC", p.codec(client, margin, largest),
		"SMALL", p.codec(client, small),
		"SERVER", "127.0.0.1:"+peers.Serve(t, client).Port,
		"REFUSED", peers.ClosedAddress(t),
		"SILENT", listen(t, func(net.Conn) {}),
		"LOST", listen(t, func(c net.Conn) { _ = c.Close() }),
		"GARBAGE", listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }),
		"STRANGER", listen(t, func(c net.Conn) { _, _ = io.WriteString(c, p.Errors.Stranger) }),
	).Replace(strings.Replace(errorsMeshText, "ROUTES", routes.String(), 1))
}

const errorsMeshText = `
listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: CODEC
  filters:
  - name: envoy.filters.http.fault
    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault}
  - name: envoy.filters.http.local_ratelimit
    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit, stat_prefix: limit}
  - name: envoy.filters.http.rbac
    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC}
  route_config:
    virtual_hosts:
    - name: all
      domains: ["*"]
      routes:
ROUTES
clusters:
- {name: server, codec: CODEC, endpoints: ["SERVER"]}
- {name: small, codec: SMALL, endpoints: ["SERVER"]}
- {name: empty, codec: CODEC, type: STATIC, load_assignment: {cluster_name: empty}}
- {name: refused, codec: CODEC, endpoints: ["REFUSED"]}
- {name: lost, codec: CODEC, endpoints: ["LOST"]}
- {name: garbage, codec: CODEC, endpoints: ["GARBAGE"]}
- {name: stranger, codec: CODEC, endpoints: ["STRANGER"]}
- {name: silent, codec: CODEC, endpoints: ["SILENT"]}
- {name: breaker, codec: CODEC, endpoints: ["SERVER"], circuit_breakers: {thresholds: [{max_connections: 0, max_pending_requests: 0}]}}
`

// Silent is the port of a server that reads what it can and answers nothing.
func Silent(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(listen(t, func(net.Conn) {}))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// listen runs a server that reads what it can and then does as it is told with each
// connection.
func listen(t *testing.T, then func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				if _, err := c.Read(make([]byte, 1<<16)); err == nil {
					then(c)
				}
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	return l.Addr().String()
}
