package dubbo

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/test/peers"
)

var update = flag.Bool("update", false, "write the table into docs/errors.md instead of comparing it")

// consumerTimeout is how long a consumer waits for itself. Each error of Envoy has to
// arrive before.
const consumerTimeout = 3 * time.Second

// failures are what can become of a call between consumer and provider, told by the
// attachment "case" (see errorsMesh), and the event as the docs have it.
var failures = []struct{ name, event string }{
	{"no-route", "no route"},
	{"no-cluster", "the route's cluster is not known"},
	{"no-endpoint", "the cluster has no endpoint"},
	{"refused", "the connection is refused"},
	{"lost", "the connection is lost in mid-call"},
	{"garbage", "the server answers what is no Dubbo"},
	{"stranger", "the server answers a call that nobody made"},
	{"route-timeout", "the route's timeout"},
	{"try-timeout", "the timeout of each try"},
	{"silent", "the caller's own timeout"},
	{"breaker", "circuit breaker"},
	{"fault", "injected fault (HTTP 503)"},
	{"direct", "direct response (HTTP 500)"},
	{"rate-limited", "rate limit"},
	{"denied", "authorization"},
	{"large-message", "the message is over `max_message_bytes`"},
	{"large-at-server", "the message is over the cluster's `max_message_bytes`"},
	{"large-attachments", "the attachments are over `max_metadata_bytes`"},
	{"two-spellings", "two keys that HTTP cannot tell apart"},
}

// TestErrorsOfEnvoy has each of the failures happen to a call of each kind of consumer,
// through one proxy and through two. All consumers see the same, in time, and the
// connection serves the next call. What they see is the table in docs/errors.md.
func TestErrorsOfEnvoy(t *testing.T) {
	cases := make([]string, 0, 2*len(failures))
	for _, f := range failures {
		cases = append(cases, f.name, "good")
	}
	var table strings.Builder
	table.WriteString("| event | Dubbo | the consumer's exception | text |\n| --- | --- | --- | --- |\n")
	proxy := startErrors(t, versions[0], java33)
	want := peers.Errors(t, java33, proxy.Port, consumerTimeout, cases...)
	for _, f := range failures {
		s := want[f.name]
		exception := "`" + s.Class + "`"
		if s.Code != "" {
			exception += " " + s.Code
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", f.event, native(t, proxy.Port, f.name), exception, withoutSizes(s.Text))
	}
	checkErrors(t, java33, want, want)

	two := peers.Start(t, versions[1], peers.Forward(errorsCodec, proxy.Port))
	checkErrors(t, java33, want, peers.Errors(t, java33, two.Port, consumerTimeout, cases...))
	for i, consumer := range []peers.Java{java33fastjson2, java27, java27fastjson} {
		proxy := startErrors(t, versions[i%len(versions)], consumer)
		checkErrors(t, consumer, want, peers.Errors(t, consumer, proxy.Port, consumerTimeout, cases...))
	}
	proxy = startErrors(t, versions[1], dubboGo)
	checkErrorsInGo(t, want, peers.Errors(t, dubboGo, proxy.Port, consumerTimeout, cases...))
	if !t.Failed() {
		compareTable(t, "../../docs/errors.md", table.String())
	}
}

// startErrors starts a proxy in which each failure happens, before a provider that
// speaks what the consumer does. The one token of the rate limit is used up.
func startErrors(t *testing.T, version string, consumer peers.Peer) *peers.Proxy {
	t.Helper()
	proxy := peers.Start(t, version, errorsMesh(t, peers.Serve(t, consumer).Port))
	native(t, proxy.Port, "rate-limited")
	return proxy
}

func checkErrors(t *testing.T, consumer peers.Java, want, got map[string]peers.Seen) {
	t.Helper()
	if s := got["good"]; s.Text != "good" {
		t.Errorf("%v: a good call between the others: %+v", consumer, s)
	}
	for _, f := range failures {
		s, want := got[f.name], want[f.name]
		if f.name == "silent" && consumer.Version == java27.Version {
			// Dubbo 2.7 does not tell its timeout, so only a route's can end the call.
			if s.Code != "TIMEOUT" {
				t.Errorf("%v: %s: %+v", consumer, f.name, s)
			}
			continue
		}
		if (f.name == "denied" || f.name == "rate-limited") && consumer.Serialization == "fastjson" {
			// Its consumers can read no exception, not even a provider's.
			want.Class, want.Code = "org.apache.dubbo.rpc.RpcException", "NETWORK"
		}
		if s.Class != want.Class || s.Code != want.Code || withoutSizes(s.Text) != withoutSizes(want.Text) {
			t.Errorf("%v: %s:\n got %s %s: %s\nwant %s %s: %s", consumer, f.name, s.Class, s.Code, s.Text, want.Class, want.Code, want.Text)
		}
		if s.Class == "none" || s.Took >= consumerTimeout {
			t.Errorf("%v: %s: no error before the consumer's timeout: %+v", consumer, f.name, s)
		}
	}
}

// checkErrorsInGo compares with what Java sees. dubbo-go does not tell a status from
// another, so its text is all that there is.
func checkErrorsInGo(t *testing.T, want, got map[string]peers.Seen) {
	t.Helper()
	if s := got["good"]; s.Class != "none" || s.Text != "good" {
		t.Errorf("dubbo-go: a good call between the others: %+v", s)
	}
	for _, f := range failures {
		s, want := got[f.name], want[f.name]
		if want.Code != "" {
			want.Class, want.Text = "*errors.withStack", "java exception:"+want.Text
		}
		if s.Class != want.Class || withoutSizes(s.Text) != withoutSizes(want.Text) {
			t.Errorf("dubbo-go: %s:\n got %s: %s\nwant %s: %s", f.name, s.Class, s.Text, want.Class, want.Text)
		}
		if s.Took >= consumerTimeout {
			t.Errorf("dubbo-go: %s: no error before the consumer's timeout: %+v", f.name, s)
		}
	}
}

var sizes = regexp.MustCompile(`message: \d+ bytes`)

// withoutSizes takes out of a text how long a message was: that depends on its
// serialization.
func withoutSizes(text string) string { return sizes.ReplaceAllString(text, "message: N bytes") }

// errorsCodec leaves a wide margin, since the machine may be busy.
const errorsCodec = "{name: dubbo, max_message_bytes: 1048576, deadline_margin: 400ms}"

// errorsMesh is a mesh file in which each failure happens.
func errorsMesh(t *testing.T, provider string) string {
	t.Helper()
	servers := strings.NewReplacer(
		"CODEC", errorsCodec,
		"PROVIDER", "127.0.0.1:"+provider,
		"REFUSED", closedAddress(t),
		"SILENT", listen(t, func(net.Conn) {}),
		"LOST", listen(t, func(c net.Conn) { _ = c.Close() }),
		"GARBAGE", listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }),
		// A response with an id that is none of ours.
		"STRANGER", listen(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "\xda\xbb\x02\x14\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x00\x00\x00\x01\x92")
		}),
	)
	return servers.Replace(`
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
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
      rules:
        action: DENY
        policies:
          denied:
            permissions: [{header: {name: x-rpc-case, string_match: {exact: denied}}}]
            principals: [{any: true}]
  route_config:
    virtual_hosts:
    - name: all
      domains: ["*"]
      routes:
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: no-cluster}}]}, route: {cluster_header: x-rpc-case}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: no-endpoint}}]}, route: {cluster: empty}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: refused}}]}, route: {cluster: refused}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: lost}}]}, route: {cluster: lost}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: garbage}}]}, route: {cluster: garbage}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: stranger}}]}, route: {cluster: stranger}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: route-timeout}}]}, route: {cluster: silent, timeout: 0.2s}}
      - match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: try-timeout}}]}
        route: {cluster: silent, retry_policy: {retry_on: unavailable, num_retries: 1, per_try_timeout: 0.2s}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: silent}}]}, route: {cluster: silent}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: breaker}}]}, route: {cluster: breaker}}
      - match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: fault}}]}
        route: {cluster: provider}
        typed_per_filter_config:
          envoy.filters.http.fault:
            "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
            abort: {http_status: 503, percentage: {numerator: 100}}
      - match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: direct}}]}
        direct_response: {status: 500, body: {inline_string: the answer of a route}}
      - match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: rate-limited}}]}
        route: {cluster: provider}
        typed_per_filter_config:
          envoy.filters.http.local_ratelimit:
            "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
            stat_prefix: limited
            token_bucket: {max_tokens: 1, tokens_per_fill: 1, fill_interval: 3600s}
            filter_enabled: {default_value: {numerator: 100}}
            filter_enforced: {default_value: {numerator: 100}}
            descriptors:
            - {entries: [{key: all, value: all}], token_bucket: {max_tokens: 1, tokens_per_fill: 1, fill_interval: 3600s}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: denied}}]}, route: {cluster: provider}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: large-at-server}}]}, route: {cluster: small}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: good}}]}, route: {cluster: provider}}
      - {match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: warm}}]}, route: {cluster: provider}}
clusters:
- {name: provider, codec: dubbo, endpoints: ["PROVIDER"]}
- {name: small, codec: {name: dubbo, max_message_bytes: 8192}, endpoints: ["PROVIDER"]}
- {name: empty, codec: dubbo, type: STATIC, load_assignment: {cluster_name: empty}}
- {name: refused, codec: dubbo, endpoints: ["REFUSED"]}
- {name: lost, codec: dubbo, endpoints: ["LOST"]}
- {name: garbage, codec: dubbo, endpoints: ["GARBAGE"]}
- {name: stranger, codec: dubbo, endpoints: ["STRANGER"]}
- {name: silent, codec: dubbo, endpoints: ["SILENT"]}
- {name: breaker, codec: dubbo, endpoints: ["PROVIDER"], circuit_breakers: {thresholds: [{max_connections: 0, max_pending_requests: 0}]}}
`)
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

// closedAddress is one that nobody listens at.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// native makes the call of a case without a consumer and tells what Dubbo's message is.
func native(t *testing.T, port, name string) string {
	t.Helper()
	codec := &dubbo.Codec{}
	request := sdk.Request{
		ID: 1, Service: "dev.meltemi.peer.Peer", Method: "echo", Timeout: consumerTimeout,
		Arguments: []sdk.Argument{{Type: "java.lang.String", Value: name}},
		Metadata:  []sdk.Entry{{Key: []byte("case"), Value: []byte(name)}},
	}
	switch name {
	case "large-message":
		request.Arguments[0].Value = strings.Repeat("x", 2<<20)
	case "large-at-server":
		request.Arguments[0].Value = strings.Repeat("x", 10_000)
	case "large-attachments":
		request.Metadata = append(request.Metadata, sdk.Entry{Key: []byte("large"), Value: []byte(strings.Repeat("x", 100_000))})
	case "two-spellings":
		request.Metadata = append(request.Metadata, sdk.Entry{Key: []byte("Lane"), Value: []byte("a")}, sdk.Entry{Key: []byte("lane"), Value: []byte("b")})
	}
	frame, err := codec.BuildRequest(nil, request)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(2 * consumerTimeout)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = conn.Write(frame) }() // a refusal may come before the end
	reply := make([]byte, 0, 4096)
	var m sdk.Message
	for {
		n, err := conn.Read(reply[len(reply):cap(reply)])
		if err != nil {
			t.Fatalf("%s: %v after %x", name, err, reply)
		}
		reply = reply[:len(reply)+n]
		m.Reset()
		if n, err := codec.Decode(sdk.FromServer, reply, &m); err == nil {
			m.Bytes = reply[:n]
			break
		}
	}
	if err := codec.Metadata(&m); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if m.Status.Native != 20 {
		return fmt.Sprintf("status %d", m.Status.Native)
	}
	class, _ := m.Get("exception")
	return fmt.Sprintf("exception `%s`", class)
}

// compareTable compares what stands between the marks of a document, or writes it.
func compareTable(t *testing.T, file, table string) {
	t.Helper()
	const begin, end = "<!-- begin: TestErrorsOfEnvoy -->\n", "<!-- end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+table+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table {
		t.Errorf("%s is not what consumers see; -update writes it:\n%s", file, table)
	}
}
