package envoytest

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// attacker speaks HTTP/2 to the port of the RPC, as another proxy would.
type attacker struct {
	t    *testing.T
	http http.Client
	base string
}

func newAttacker(t *testing.T, port int) *attacker {
	t.Helper()
	transport := &http2.Transport{
		AllowHTTP: true,
		DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &attacker{t: t, http: http.Client{Transport: transport, Timeout: callTimeout}, base: fmt.Sprintf("http://127.0.0.1:%d", port)}
}

// attack is an HTTP request in words.
type attack struct {
	method, path string
	headers      map[string]string
	body         []byte
	trailer      bool
}

func (a *attacker) send(x attack) (status, cause string, body []byte) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), x.method, a.base+x.path, io.NopCloser(bytes.NewReader(x.body)))
	if err != nil {
		a.t.Fatal(err)
	}
	for k, v := range x.headers {
		req.Header.Set(k, v)
	}
	if x.trailer {
		req.Trailer = http.Header{"X-Rpc-Late": []string{"1"}}
	}
	resp, err := a.http.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp.Header.Get("grpc-status"), resp.Header.Get("x-meltemi-cause"), body
}

// TestAttacks sends requests whose headers and frames disagree: either the
// application gets what the headers say, or it gets nothing.
func TestAttacks(t *testing.T) {
	frame := func(kind sdk.Kind, entries ...[2]string) []byte {
		return testcodec.Append(nil, testcodec.Message{
			Kind: kind, ID: 1, Service: "good.Service", Method: "read", Entries: entries, Payload: "p",
		})
	}
	const path = "/good.Service/read"
	headers := func(more ...string) map[string]string {
		h := map[string]string{"content-type": "application/grpc+toy", "te": "trailers"}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	good := frame(sdk.KindRequest, [2]string{"tenant", "blue"})
	refused := map[string]attack{
		"two frames":            {"POST", path, headers("x-rpc-tenant", "blue"), append(bytes.Clone(good), good...), false},
		"a byte behind":         {"POST", path, headers("x-rpc-tenant", "blue"), append(bytes.Clone(good), 0), false},
		"half a frame":          {"POST", path, headers("x-rpc-tenant", "blue"), good[:len(good)-1], false},
		"no frame":              {"POST", path, headers(), nil, false},
		"another protocol":      {"POST", path, headers(), []byte("GET / HTTP/1.1\r\n\r\n"), false},
		"GET":                   {"GET", path, headers("x-rpc-tenant", "blue"), good, false},
		"another content-type":  {"POST", path, map[string]string{"content-type": "application/grpc+dubbo"}, good, false},
		"plain gRPC":            {"POST", path, map[string]string{"content-type": "application/grpc"}, good, false},
		"a reply":               {"POST", path, headers(), frame(sdk.KindResponse), false},
		"a heartbeat":           {"POST", path, headers(), frame(sdk.KindHeartbeat), false},
		"one-way, not told":     {"POST", path, headers(), frame(sdk.KindOneWay), false},
		"request as one-way":    {"POST", path, headers("x-rpc-kind", "oneway", "x-rpc-tenant", "blue"), good, false},
		"unknown kind":          {"POST", path, headers("x-rpc-kind", "stream"), good, false},
		"trailers":              {"POST", path, headers("x-rpc-tenant", "blue"), good, true},
		"query":                 {"POST", path + "?a=b", headers("x-rpc-tenant", "blue"), good, false},
		"one segment":           {"POST", "/read", headers("x-rpc-tenant", "blue"), good, false},
		"three segments":        {"POST", "/a/b/c", headers("x-rpc-tenant", "blue"), good, false},
		"bad escape":            {"POST", "/good.Service/re~zzd", headers("x-rpc-tenant", "blue"), good, false},
		"bad escape in a name":  {"POST", path, headers("x-rpc-tenant", "blue", "x-rpc-a~4", "1"), good, false},
		"bad escape in a value": {"POST", path, headers("x-rpc-tenant~", "~4"), good, false},

		// Whoever matches paths and headers knows one spelling.
		"method, other spelling":   {"POST", "/good.Service/re~61d", headers("x-rpc-tenant", "blue"), good, false},
		"service, other spelling":  {"POST", "/good.~53ervice/read", headers("x-rpc-tenant", "blue"), good, false},
		"name, other spelling":     {"POST", path, headers("x-rpc-tenant", "blue", "x-rpc-t~65nant", "red"), good, false},
		"value, other spelling":    {"POST", path, headers("x-rpc-tenant~", "re~64"), good, false},
		"two spellings of a value": {"POST", path, headers("x-rpc-tenant", "blue", "x-rpc-tenant~", "red~0A"), good, false},
		"reserved, other spelling": {"POST", path, headers("x-rpc-tenant", "blue", "x-rpc-k~69nd", "oneway"), good, false},
	}
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := one(t, version, server)
		a := newAttacker(t, envoy.Port("rpc"))
		for name, x := range refused {
			if status, cause, body := a.send(x); status == "0" || status == "" || cause == "" || len(body) > 0 {
				t.Errorf("%s: status %q, cause %q, %d bytes", name, status, cause, len(body))
			}
		}
		if seen := server.Seen(); len(seen) > 0 {
			t.Fatalf("the application got %+v", seen)
		}

		// What can be applied to the frame is: the headers win.
		status, _, body := a.send(attack{"POST", "/other.Service/write", headers("x-rpc-tenant", "red", "x-rpc-new", "1", "x-rpc-local-x", "2", "x-other", "3"), frame(sdk.KindRequest, [2]string{"tenant", "blue"}, [2]string{"secret", "s"}), false})
		if _, _, ok := testcodec.Parse(body); status != "0" || !ok {
			t.Fatalf("status %q, body %x", status, body)
		}
		seen := server.Seen()
		if len(seen) != 1 {
			t.Fatalf("the application got %d calls, want 1", len(seen))
		}
		got := seen[0]
		if got.Service != "other.Service" || got.Method != "write" || fmt.Sprint(got.Entries) != "[[tenant red] [new 1]]" {
			t.Errorf("the application got %s/%s %v", got.Service, got.Method, got.Entries)
		}
		if n := server.Connections.Load(); n != 1 {
			t.Errorf("%d connections to the server, want 1: a refusal must not cost one", n)
		}
	})
}

// TestHeadersOfPolicyReachTheApplication changes headers in Envoy, both ways.
func TestHeadersOfPolicyReachTheApplication(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		header := func(k, v string) map[string]any {
			return map[string]any{"header": map[string]any{"key": k, "value": v}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
		}
		route := Route("/", "server", nil)
		route["request_headers_to_add"] = []any{header("x-rpc-lane", "canary"), header("x-rpc-tenant", "red"), header("traceparent", "00-1-2-01")}
		route["request_headers_to_remove"] = []any{"x-rpc-secret"}
		route["response_headers_to_add"] = []any{header("x-rpc-served-by", "mesh")}
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", toy, []any{route}, nil)}, []any{Bridge("server", toy, server.Port)}))
		m := request(1, "p")
		m.Entries = append(m.Entries, [2]string{"secret", "s"}, [2]string{"Odd key", "odd\x01value "})
		got := Dial(t, envoy.Port("rpc")).Call(m)
		if got.Entry("served-by") != "mesh" {
			t.Errorf("the client got %v", got.Entries)
		}
		want := "[[Tenant red] [Odd key odd\x01value ] [lane canary] [traceparent 00-1-2-01]]"
		if seen := server.Seen(); len(seen) != 1 || fmt.Sprint(seen[0].Entries) != want {
			t.Errorf("the server got %+v, want entries %s", seen, want)
		}
	})
}

// TestDrain drains a listener under load: the client is asked to go, no call is
// lost, and the connection ends.
func TestDrain(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := one(t, version, server)
		client := Dial(t, envoy.Port("rpc"))
		if got := client.Call(request(0, "x")); got.Payload != "x" {
			t.Fatalf("got %+v", got)
		}
		envoy.Post("/drain_listeners?graceful&skip_exit")
		asked := false
		deadline := time.Now().Add(callTimeout)
		for id := uint64(1); !asked && time.Now().Before(deadline); id++ {
			client.Send(request(id, "x"))
			for answered := false; !answered; {
				switch got := client.Next(); {
				case got.Kind == sdk.KindGoAway:
					asked = true
				case got.ID == id && got.Payload == "x":
					answered = true
				default:
					t.Fatalf("call %d: %+v", id, got)
				}
			}
			time.Sleep(2 * time.Millisecond)
		}
		if !asked {
			t.Fatal("the client was never asked to go")
		}
		if !client.Silent(10 * time.Second) {
			t.Error("the connection was not closed")
		}
		envoy.Eventually("dynamicmodulescustom.meltemi_open_calls", 0)
	})
}
