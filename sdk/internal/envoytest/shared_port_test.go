package envoytest

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// web starts a plain HTTP/1.1 server that tells the path and the protocol it was asked
// with, and returns its port.
func web(t *testing.T) int {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s", r.URL.Path, body)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().(*net.TCPAddr).Port
}

// browse makes a plain HTTP request in each version of HTTP.
func browse(t *testing.T, port int) {
	t.Helper()
	clients := map[string]*http.Client{
		"HTTP/1.1": {Transport: &http.Transport{DisableKeepAlives: true}},
		"HTTP/2": {Transport: &http2.Transport{
			AllowHTTP: true,
			DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, addr)
			},
		}},
	}
	for version, client := range clients {
		client.Timeout = callTimeout
		resp, err := client.Post(fmt.Sprintf("http://127.0.0.1:%d/web/page", port), "text/plain", http.NoBody)
		if err != nil {
			t.Errorf("%s: %v", version, err)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || string(body) != "/web/page " {
			t.Errorf("%s: %d %q %v", version, resp.StatusCode, body, err)
		}
		client.CloseIdleConnections()
	}
}

// TestHTTPAndRPCShareAPort has HTTP/1, HTTP/2 and RPC on a listener in auto mode: HTTP
// passes through untouched, RPC becomes HTTP/2, and each reaches its server.
func TestHTTPAndRPCShareAPort(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", `{"auto":[{"name":"toy"}]}`, []any{Route("/web/", "web", nil), Route("/", "server", nil)},
				map[string]any{"codec_type": "AUTO"})},
			[]any{Bridge("server", toy, server.Port), Cluster("web", web(t))}))
		for i := range 3 {
			client := Dial(t, envoy.Port("rpc"))
			if got := client.Call(request(uint64(i), "hello")); got.ID != uint64(i) || got.Payload != "hello" {
				t.Errorf("RPC: %+v", got)
			}
			browse(t, envoy.Port("rpc"))
		}
		envoy.Eventually("dynamicmodulescustom.meltemi_pass_through_connections", 6)
		envoy.Eventually("dynamicmodulescustom.meltemi_calls", 3)
		envoy.Eventually("cluster.web.upstream_rq_200", 6)

		// What is neither ends the connection, and no other.
		stranger := Dial(t, envoy.Port("rpc"))
		if _, err := stranger.Write([]byte("\x00\x01\x02\x03 nobody speaks this")); err != nil {
			t.Fatal(err)
		}
		if !stranger.Silent(callTimeout) {
			t.Error("a connection that speaks nothing known stays open")
		}
		envoy.Eventually("dynamicmodulescustom.meltemi_unrecognised_connections", 1)
	})
}

// TestSniffingEnds: who begins to say what he speaks and stops is closed in time and
// counted, in auto mode and without. Who has not begun may wait, and who goes on in time
// is served.
func TestSniffingEnds(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		const limit = 5 * time.Second // who goes on has most of it, also on a slow machine
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{
				Listener("auto", `{"auto":["toy"],"sniff_timeout":"5s"}`, []any{Route("/", "server", nil)}, map[string]any{"codec_type": "AUTO"}),
				Listener("rpc", `{"name":"toy","sniff_timeout":"5s"}`, []any{Route("/", "server", nil)}, nil),
			},
			[]any{Bridge("server", toy, server.Port)}))
		quiet := Dial(t, envoy.Port("auto"))
		slow := Dial(t, envoy.Port("auto"))
		b := testcodec.Append(nil, request(1, "slow"))
		if _, err := slow.Write(b[:1]); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var stalled []*Client
		for listener, texts := range map[string][]string{"auto": {"PRI", "GET", "T"}, "rpc": {"PRI"}} {
			for _, text := range texts {
				c := Dial(t, envoy.Port(listener))
				if _, err := c.Write([]byte(text)); err != nil {
					t.Fatal(err)
				}
				stalled = append(stalled, c)
			}
		}
		time.Sleep(limit / 20)
		if _, err := slow.Write(b[1:]); err != nil {
			t.Fatal(err)
		}
		if got := slow.Next(); got.Payload != "slow" {
			t.Errorf("got %+v", got)
		}
		for i, c := range stalled {
			if !c.Silent(callTimeout) {
				t.Errorf("connection %d stays open", i)
			}
		}
		if took := time.Since(begin); took < limit {
			t.Errorf("closed after %v, before the limit of %v", took, limit)
		}
		envoy.Eventually("dynamicmodulescustom.meltemi_unrecognised_connections", len(stalled))
		for _, c := range []*Client{quiet, slow} {
			if got := c.Call(request(2, "later")); got.Payload != "later" {
				t.Errorf("got %+v", got)
			}
		}
	})
}

// TestListenerFilterChoosesTheHTTPChain builds what Istio makes of an outbound port: a
// filter chain that matches the application protocols that a listener filter found,
// and a default chain that leads elsewhere. The listener filter must send RPC, and
// HTTP where it looks at the bytes, to the first one.
func TestListenerFilterChoosesTheHTTPChain(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		lost := Serve(t, func(net.Conn, testcodec.Message) {})
		var listeners []any
		for _, name := range []string{"h2c", "sniff"} {
			l := Listener(name, `{"auto":[{"name":"toy"}]}`, []any{Route("/web/", "web", nil), Route("/", "server", nil)},
				map[string]any{"codec_type": "AUTO"})
			chain := l["filter_chains"].([]any)[0].(object)
			chain["filter_chain_match"] = object{"application_protocols": []any{"http/1.1", "h2c"}}
			l["default_filter_chain"] = object{"filters": []any{object{
				"name": "envoy.filters.network.tcp_proxy",
				"typed_config": typed("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", object{
					"stat_prefix": "lost", "cluster": "lost",
				}),
			}}}
			l["listener_filters"] = []any{object{
				"name": "envoy.filters.listener.dynamic_modules",
				"typed_config": typed("envoy.extensions.filters.listener.dynamic_modules.v3.DynamicModuleListenerFilter", object{
					"dynamic_module_config": module, "filter_name": name,
				}),
			}}
			listeners = append(listeners, l)
		}
		envoy := Start(t, version, Library(t), Bootstrap(listeners,
			[]any{Bridge("server", toy, server.Port), Cluster("web", web(t)), Cluster("lost", lost.Port)}))
		for _, name := range []string{"h2c", "sniff"} {
			if got := Dial(t, envoy.Port(name)).Call(request(7, name)); got.Payload != name {
				t.Errorf("%s: RPC: %+v", name, got)
			}
			// The first bytes may come one by one.
			slow := Dial(t, envoy.Port(name))
			for _, b := range testcodec.Append(nil, request(8, "slow")) {
				if _, err := slow.Write([]byte{b}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Microsecond)
			}
			if got := slow.Next(); got.ID != 8 || got.Payload != "slow" {
				t.Errorf("%s: RPC byte by byte: %+v", name, got)
			}
		}
		browse(t, envoy.Port("sniff"))
		envoy.Eventually("cluster.lost.upstream_cx_total", 0)
		envoy.Eventually("cluster.web.upstream_rq_200", 2)
	})
}

// TestOpaqueMessages cannot be read: they are refused, or pass untouched under the
// default service.
func TestOpaqueMessages(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		pass := `{"name":"toy","opaque":"pass","default_service":"unread"}`
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{
				Listener("refuse", toy, []any{Route("/", "server", nil)}, nil),
				Listener("pass", pass, []any{Route("/unread/-", "server", nil)}, nil),
			},
			[]any{Bridge("server", pass, server.Port)}))
		m := request(1, "what is this")
		m.Method = testcodec.UnreadableMethod
		if got := Dial(t, envoy.Port("refuse")).Call(m); got.Entry("cause") != "unreadable" {
			t.Errorf("refuse: %+v", got)
		}
		if seen := server.Seen(); len(seen) > 0 {
			t.Errorf("a refused message reached the server: %+v", seen)
		}
		if got := Dial(t, envoy.Port("pass")).Call(m); got.ID != 1 || got.Payload != m.Payload {
			t.Errorf("pass: %+v", got)
		}
		if seen := server.Seen(); len(seen) != 1 || seen[0].Method != m.Method || seen[0].Entry("Tenant") != "blue" {
			t.Errorf("pass: the server saw %+v", seen)
		}
	})
}
