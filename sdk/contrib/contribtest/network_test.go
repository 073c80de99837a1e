package contribtest

import (
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/envoytest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// tcp gives the host's connections sockets, as Envoy does.
type tcp struct {
	*host
	clients int
}

// startTCP starts a host of the tests' library whose upstream connections are opened.
func startTCP(t *testing.T) *tcp {
	t.Helper()
	return openUpstreams(t, startHost(t))
}

// startTCPWith is startTCP with another library.
func startTCPWith(t *testing.T, library string) *tcp {
	t.Helper()
	return openUpstreams(t, startWith(t, library))
}

func openUpstreams(t *testing.T, host *host) *tcp {
	t.Helper()
	h := &tcp{host: host}
	go func() {
		for e := range h.object("dial 0") {
			go h.upstream(e.words[0], string(fromHex(t, e.words[1])))
		}
	}()
	return h
}

// upstream is a connection to a server.
func (h *tcp) upstream(id, address string) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		h.tell("upstream-failed %s", id)
		return
	}
	h.tell("upstream-ready %s", id)
	h.pump(id, socket, "upstream-")
}

// pump carries bytes between a socket and one of the host's connections.
func (h *tcp) pump(id string, socket net.Conn, prefix string) {
	defer socket.Close()
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := socket.Read(buf)
			if n > 0 {
				h.tell("%sread %s %s %s", prefix, id, inHex(buf[:n/2]), inHex(buf[n/2:n]))
			}
			if err != nil {
				h.tell("%sevent %s 0", prefix, id)
				return
			}
		}
	}()
	object := "connection "
	if prefix != "" {
		object = "upstream "
	}
	for e := range h.object(object + id) {
		if strings.HasSuffix(e.what, "close") {
			return
		}
		if _, err := socket.Write(fromHex(h.t, e.words[0])); err != nil {
			return
		}
	}
}

// listen is a listener with that configuration of the network filter.
func (h *tcp) listen(t *testing.T, config string) (port int) {
	t.Helper()
	id := h.must(h.ask("network-config %s", text(t, config)))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	h.clients += 1000 // numbers for the connections of this listener
	first := h.clients
	go func() {
		for n := first; ; n++ {
			socket, err := l.Accept()
			if err != nil {
				return
			}
			h.tell("connection %d meltemi %s", n, id)
			go h.pump(strconv.Itoa(n), socket, "")
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func local(port int) string { return `"127.0.0.1:` + strconv.Itoa(port) + `"` }

func request(id uint64, payload string, entries ...[2]string) testcodec.Message {
	return testcodec.Message{Kind: sdk.KindRequest, ID: id, Service: "Orders", Method: "get", Payload: payload, Entries: entries}
}

func answers(t *testing.T, got testcodec.Message, id uint64, payload string) {
	t.Helper()
	if got.ID != id || got.Status != sdk.OK || got.Payload != payload {
		t.Errorf("got %+v, want the answer to %d with %q", got, id, payload)
	}
}

// TestForward has both edges and filters in the network filter alone.
func TestForward(t *testing.T) {
	server := envoytest.Serve(t, envoytest.Echo)
	h := startTCP(t)
	client := envoytest.Dial(t, h.listen(t, `{"codec":`+toy+`,"forward":`+local(server.Port)+`,"filters":[{"name":"probe"}]}`))
	answers(t, client.Call(request(1, "hello")), 1, "hello")
	long := strings.Repeat("long ", 100_000)
	answers(t, client.Call(request(2, long)), 2, long)
	if n := server.Connections.Load(); n != 1 {
		t.Errorf("%d connections to the server, want 1", n)
	}
	// Mutated, after a wait.
	answers(t, client.Call(request(3, "x", [2]string{"do", "go:10s,5ms;set:tenant=blue;facts"})), 3, "x")
	seen := server.Seen()
	last := seen[len(seen)-1]
	if got := last.Entry("tenant"); got != "blue" {
		t.Errorf("tenant is %q", got)
	}
	if got := last.Entry("facts"); !strings.Contains(got, "source=true destination=true") {
		t.Errorf("facts are %q", got)
	}
	// Refused, with the protocol's own error.
	if got := client.Call(request(4, "x", [2]string{"do", "reply:denied"})); got.Status != sdk.PermissionDenied || got.Entry("cause") != "denied" {
		t.Errorf("got %+v", got)
	}
	// One-way, and a heartbeat, which does not cross.
	client.Send(testcodec.Message{Kind: sdk.KindOneWay, Service: "Orders", Method: "note"}, testcodec.Message{Kind: sdk.KindHeartbeat, ID: 7})
	if got := client.Next(); got.Kind != sdk.KindHeartbeatReply {
		t.Errorf("got %+v", got)
	}
	server.Eventually(t, 4)
}

// TestForwardAtOnce has many calls on some connections, which end in the middle of it.
func TestForwardAtOnce(t *testing.T) {
	server := envoytest.Serve(t, envoytest.Echo)
	h := startTCP(t)
	port := h.listen(t, `{"codec":`+toy+`,"forward":`+local(server.Port)+`}`)
	var wg sync.WaitGroup
	for range 8 {
		client := envoytest.Dial(t, port)
		wg.Go(func() {
			var all []testcodec.Message
			for id := range uint64(50) {
				all = append(all, request(id, "payload "+strconv.FormatUint(id, 10)))
			}
			client.Send(all...)
			open := map[uint64]bool{}
			for range all {
				m := client.Next()
				if open[m.ID] || m.Payload != "payload "+strconv.FormatUint(m.ID, 10) {
					t.Errorf("got %+v", m)
				}
				open[m.ID] = true
			}
			client.Send(request(1000, "nobody waits"))
			_ = client.Close()
		})
	}
	wg.Wait()
}

// TestForwardToNobody has no server, and one that goes away.
func TestForwardToNobody(t *testing.T) {
	h := startTCP(t)
	client := envoytest.Dial(t, h.listen(t, `{"codec":`+toy+`,"forward":`+local(envoytest.ClosedPort(t))+`}`))
	if got := client.Call(request(1, "x")); got.Status != sdk.Unavailable || got.Entry("cause") != "connect_failure" {
		t.Errorf("got %+v", got)
	}
	server := envoytest.Serve(t, func(conn net.Conn, m testcodec.Message) {
		switch m.Payload {
		case "hang up":
			_ = conn.Close()
		case "sleep": // and never wake up
		default:
			envoytest.Echo(conn, m)
		}
	})
	client = envoytest.Dial(t, h.listen(t, `{"codec":`+toy+`,"forward":`+local(server.Port)+`}`))
	if got := client.Call(request(1, "hang up")); got.Status != sdk.Unknown || got.Entry("cause") != "connection_lost" {
		t.Errorf("got %+v", got)
	}
	late := request(2, "sleep")
	late.Timeout = time.Second
	if got := client.Call(late); got.Status != sdk.DeadlineExceeded {
		t.Errorf("got %+v", got)
	}
	answers(t, client.Call(request(3, "again")), 3, "again")
}

// TestLoopback is the whole way with a connection manager between two network filters:
// RPC to HTTP/2, and HTTP/2 to RPC. A server of golang.org/x/net stands for the
// connection manager and its router.
func TestLoopback(t *testing.T) {
	server := envoytest.Serve(t, envoytest.Echo)
	h := startTCP(t)
	last := h.listen(t, `{"codec":`+toy+`,"server":`+local(server.Port)+`}`)
	manager, seen := serveManager(t, last)
	client := envoytest.Dial(t, h.listen(t, `{"codec":`+toy+`,"http2":`+local(manager)+`}`))
	for id := range uint64(5) {
		payload := strings.Repeat("hello ", int(id)*20_000)
		answers(t, client.Call(request(id, payload, [2]string{"tenant", "blue"})), id, payload)
	}
	if n := len(*seen); n != 5 {
		t.Errorf("the connection manager got %d requests", n)
	}
	for _, r := range *seen {
		if r.URL.Path != "/Orders/get" || r.Header.Get("x-rpc-tenant") != "blue" || r.Header.Get("content-type") != "application/grpc+toy" {
			t.Errorf("the connection manager got %v %v", r.URL, r.Header)
		}
	}
	// What the policy saw is what the server gets.
	got := server.Seen()
	if e := got[len(got)-1].Entry("seen"); e != "by the manager" {
		t.Errorf("seen is %q", e)
	}
}

// serveManager is a server of HTTP/2 that forwards to another one.
func serveManager(t *testing.T, to int) (port int, seen *[]*http.Request) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	transport := &http2.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	seen = &[]*http.Request{}
	var mu sync.Mutex
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		*seen = append(*seen, r)
		mu.Unlock()
		out := r.Clone(r.Context())
		out.URL.Scheme, out.URL.Host, out.RequestURI = "http", "127.0.0.1:"+strconv.Itoa(to), ""
		out.Header.Set("x-rpc-seen", "by the manager")
		answer, err := transport.RoundTrip(out)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		maps.Copy(w.Header(), answer.Header)
		body, _ := io.ReadAll(answer.Body)
		for name, values := range answer.Trailer {
			w.Header()[http.TrailerPrefix+name] = values
		}
		_, _ = w.Write(body)
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go (&http2.Server{}).ServeConn(c, &http2.ServeConnOpts{Handler: handler})
		}
	}()
	return l.Addr().(*net.TCPAddr).Port, seen
}

func TestNetworkConfigurationsThatAreRefused(t *testing.T) {
	h := startTCP(t)
	for _, c := range []struct{ config, want string }{
		{`{"codec":` + toy + `}`, "one of http2, server and forward must be there"},
		{`{"codec":` + toy + `,"http2":"127.0.0.1:1","server":"127.0.0.1:1"}`, "only one of http2, server and forward can be there"},
		{`{"codec":` + toy + `,"http2":"localhost:80"}`, `http2: "localhost:80" is not an address with a port, such as 127.0.0.1:15080`},
		{`{"codec":{"name":"nope"},"http2":"127.0.0.1:1"}`, `unknown codec "nope"`},
		{`{"codec":` + toy + `,"http3":"127.0.0.1:1"}`, `unknown field "http3"`},
		{`{"codec":{"auto":["toy"]},"server":"127.0.0.1:1"}`, ""},
		{`{"codec":` + toy + `,"server":"127.0.0.1:1","filters":[{"name":"probe"}]}`, "filters: only with forward"},
		{`{"codec":` + toy + `,"forward":"127.0.0.1:1","filters":[{"name":"needs-metrics"}]}`, `filters[0]: filter needs-metrics needs "metrics", which this host cannot do`},
	} {
		port := h.listen(t, c.config)
		if c.want == "" {
			continue
		}
		if !envoytest.Dial(t, port).Silent(10 * time.Second) {
			t.Errorf("%s: the connection stays", c.config)
		}
		if !h.err.holds(c.want) {
			t.Errorf("the log lacks %q:\n%s", c.want, h.err)
		}
	}
}

// TestRefusedFiltersAreClosed: one that cannot be made ends those before it.
func TestRefusedFiltersAreClosed(t *testing.T) {
	h := startHost(t)
	h.must(h.ask("network-config %s", text(t, `{"codec":`+toy+`,"forward":"127.0.0.1:1","filters":[{"name":"probe"},{"name":"probe","config":{"typo":1}}]}`)))
	if !h.err.holds(probe.Closed) {
		t.Errorf("the first filter was not closed:\n%s", h.err)
	}
}

// TestNoManager has nobody where the listener of HTTP/2 should be.
func TestNoManager(t *testing.T) {
	h := startTCP(t)
	client := envoytest.Dial(t, h.listen(t, `{"codec":`+toy+`,"http2":`+local(envoytest.ClosedPort(t))+`}`))
	if got := client.Call(request(1, "x")); got.Status != sdk.Unavailable || got.Entry("cause") != "connect_failure" {
		t.Errorf("got %+v", got)
	}
}

// TestCounts shows what network filters count, in an HTTP filter's metrics.
func TestCounts(t *testing.T) {
	server := envoytest.Serve(t, envoytest.Echo)
	h := startTCP(t)
	client := envoytest.Dial(t, h.listen(t, `{"codec":`+toy+`,"forward":`+local(server.Port)+`}`))
	answers(t, client.Call(request(1, "before anybody looks")), 1, "before anybody looks")
	h.must(h.ask("config meltemi %s", text(t, "")))
	answers(t, client.Call(request(2, "x")), 2, "x")
	client.Send(request(3, "x"))
	_ = client.Next()
	for name, want := range map[string]string{"calls": "3", "replies": "3", "open_calls": "0"} {
		got := ""
		for end := time.Now().Add(10 * time.Second); got != want && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			got = h.ask("metric meltemi_%s", name)[1]
		}
		if got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// TestTooMuchAhead has a client that sends far ahead of what is served: Envoy's Go
// package cannot stop it.
func TestTooMuchAhead(t *testing.T) {
	h := startTCP(t)
	// The connection to this server is never there, so nothing is read.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	port := h.listen(t, `{"codec":{"name":"toy","max_message_bytes":100000,"max_queued_calls":1},"forward":`+local(l.Addr().(*net.TCPAddr).Port)+`}`)
	client := envoytest.Dial(t, port)
	b := testcodec.Append(nil, request(1, strings.Repeat("x", 50_000)))
	_ = client.SetWriteDeadline(time.Now().Add(20 * time.Second))
	for range 10_000 {
		if _, err := client.Write(b); err != nil {
			if !h.err.holds("bytes wait for their turn; the connection is closed") {
				t.Errorf("%v:\n%s", err, h.err)
			}
			return
		}
	}
	t.Error("the connection takes everything")
}

// TestConnectionsAreGivenBack once they are gone, whoever ended them.
func TestConnectionsAreGivenBack(t *testing.T) {
	server := envoytest.Serve(t, envoytest.Echo)
	h := startTCP(t)
	port := h.listen(t, `{"codec":`+toy+`,"forward":`+local(server.Port)+`}`)
	for id := range uint64(20) {
		client := envoytest.Dial(t, port)
		answers(t, client.Call(request(id, "x")), id, "x")
		if id%2 == 0 {
			_ = client.Close()
		} else { // the edge closes it
			_, _ = client.Write([]byte("no message at all, as long as a header"))
			if !client.Silent(10 * time.Second) {
				t.Error("the connection stays")
			}
		}
	}
	server.Close()
	h.collects()
}
