package envoytest

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestRule6BadConfiguration checks that a bad configuration is refused at load, with
// a sentence that names the field.
func TestRule6BadConfiguration(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		for config, want := range map[string]string{
			`{"name":"tyo"}`:                       `unknown codec "tyo"; this library knows toy`,
			`{"name":"toy","oops":1}`:              `unknown field "oops"`,
			`{"name":"toy","on_fold":"x"}`:         `on_fold: "x" is not one of refuse, hide`,
			`{"name":"toy","config":{"typo":1}}`:   `unknown field "typo"`,
			`{"name":"toy","deadline_margin":"x"}`: `"x" is not a duration`,
		} {
			bootstrap := Bootstrap([]any{Listener("rpc", config, nil, nil)}, nil)
			log, ok := Validate(t, version, Library(t), bootstrap)
			if ok || !strings.Contains(log, want) {
				t.Errorf("%s: accepted %t, the log does not say %q:\n%s", config, ok, want, log)
			}
		}
	})
}

// TestLocalReplies makes Envoy answer calls itself, in each way that a mesh file can
// make it, and looks at what the client gets.
func TestLocalReplies(t *testing.T) {
	closed := ClosedPort(t)
	each(t, func(t *testing.T, version string) {
		var executions int
		server := Serve(t, func(conn net.Conn, m testcodec.Message) {
			switch m.Method {
			case "sleep", "timeout":
			case "hangup":
				executions++
				_ = conn.Close()
			default:
				Echo(conn, m)
			}
		})
		retry := map[string]any{"retry_policy": map[string]any{
			"retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes", "num_retries": 2,
		}}
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", `{"name":"toy","deadline_margin":"4s"}`, []any{
				Route("/s/timeout", "server", map[string]any{"timeout": "0.2s"}),
				Route("/s/refused", "closed", retry),
				Route("/s/empty", "empty", nil),
				map[string]any{"match": map[string]any{"prefix": "/s/nowhere"}, "route": map[string]any{"cluster_header": "x-rpc-to"}},
				map[string]any{"match": map[string]any{"prefix": "/s/denied"}, "direct_response": map[string]any{"status": 403, "body": map[string]any{"inline_string": "go away"}}},
				map[string]any{"match": map[string]any{"prefix": "/s/limited"}, "direct_response": map[string]any{"status": 429}},
				map[string]any{"match": map[string]any{"prefix": "/s/aborted"}, "direct_response": map[string]any{"status": 503}},
				Route("/s/sleep", "server", nil),
				Route("/s/hangup", "server", retry),
			}, nil)},
			[]any{Bridge("server", toy, server.Port), Bridge("closed", toy, closed), Bridge("empty", toy)}))
		client := Dial(t, envoy.Port("rpc"))
		tests := []struct {
			method  string
			timeout time.Duration
			cause   sdk.Cause
			code    sdk.Code
			text    string
		}{
			{"unknown", 0, sdk.CauseNoRoute, sdk.Unimplemented, "no route"},
			{"nowhere", 0, sdk.CauseNoRoute, sdk.Unavailable, "no route"},
			{"empty", 0, sdk.CauseNoUpstream, sdk.Unavailable, "no healthy upstream"},
			{"refused", 0, sdk.CauseConnectFailure, sdk.Unavailable, "connection failure"},
			{"hangup", 0, sdk.CauseConnectionLost, sdk.Unknown, "connection termination"},
			{"timeout", 0, sdk.CauseTimeout, sdk.DeadlineExceeded, "timeout"},
			{"sleep", 5 * time.Second, sdk.CauseTimeout, sdk.DeadlineExceeded, "timeout"},
			{"denied", 0, sdk.CauseDenied, sdk.PermissionDenied, "go away"},
			{"limited", 0, sdk.CauseRateLimited, sdk.Unavailable, "rate limited"},
			{"aborted", 0, sdk.CauseAborted, sdk.Unavailable, "aborted"},
		}
		for i, tt := range tests {
			m := testcodec.Message{
				Kind: sdk.KindRequest, ID: uint64(i), Service: "s", Method: tt.method, Timeout: tt.timeout,
				Entries: [][2]string{{"to", "absent"}},
			}
			start := time.Now()
			got := client.Call(m)
			if got.ID != m.ID || got.Status != tt.code || got.Entry("cause") != tt.cause.String() || !strings.Contains(got.Payload, tt.text) {
				t.Errorf("%s: got %v, cause %s, %q; want %v, %v, %q", tt.method, got.Status, got.Entry("cause"), got.Payload, tt.code, tt.cause, tt.text)
			}
			if took := time.Since(start); tt.timeout > 0 && took > tt.timeout {
				t.Errorf("%s: the error came after %v, later than the caller's own %v", tt.method, took, tt.timeout)
			}
		}
		if executions != 1 {
			t.Errorf("a call whose connection was lost ran %d times", executions)
		}
		envoy.Eventually("cluster.closed.upstream_rq_retry", 2)
		for cause, n := range map[sdk.Cause]int{
			sdk.CauseNoRoute: 2, sdk.CauseNoUpstream: 1, sdk.CauseConnectFailure: 1, sdk.CauseConnectionLost: 1,
			sdk.CauseTimeout: 2, sdk.CauseDenied: 1, sdk.CauseRateLimited: 1, sdk.CauseAborted: 1,
		} {
			envoy.Eventually("dynamicmodulescustom.meltemi_errors_"+cause.String(), n)
		}
		envoy.Eventually("dynamicmodulescustom.meltemi_local_replies", len(tests))
	})
}

// TestPanicCostsOneCall calls a method at which the codec panics.
func TestPanicCostsOneCall(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := one(t, version, server)
		client, neighbour := Dial(t, envoy.Port("rpc")), Dial(t, envoy.Port("rpc"))
		for i := range 3 {
			m := request(uint64(i), "")
			m.Method = testcodec.PanicMethod
			if got := client.Call(m); got.Status != sdk.Internal || got.Entry("cause") != "internal" {
				t.Errorf("got %+v", got)
			}
			for _, c := range []*Client{client, neighbour} {
				if got := c.Call(request(9, "fine")); got.Payload != "fine" {
					t.Errorf("after a panic: %+v", got)
				}
			}
		}
		envoy.Eventually("dynamicmodulescustom.meltemi_panics", 3)
		if !envoy.Logs("codec.go") {
			t.Errorf("the log has no stack:\n%s", envoy.Log())
		}
		if n := strings.Count(envoy.Log(), "panic in codec toy: Metadata"); n != 1 {
			t.Errorf("the panic was logged %d times, want once:\n%s", n, envoy.Log())
		}
	})
}

// TestHostileClients sends what is no message; neighbours do not notice.
func TestHostileClients(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", `{"name":"toy","max_message_bytes":10000}`, []any{Route("/", "server", nil)}, nil)},
			[]any{Bridge("server", toy, server.Port)}))
		neighbour := Dial(t, envoy.Port("rpc"))
		for name, b := range map[string]string{
			"garbage": "GET / HTTP/1.1\r\n\r\n", "wrong kind": "TY\xff\x00" + strings.Repeat("\x00", 20),
			"4 GiB": "TY\x01\x00" + strings.Repeat("\x00", 12) + "\xff\xff\xff\xff\xff\xff\xff\xff",
		} {
			client := Dial(t, envoy.Port("rpc"))
			if _, err := client.Write([]byte(b)); err != nil {
				t.Fatal(err)
			}
			_ = client.SetReadDeadline(time.Now().Add(callTimeout))
			for {
				if _, err := client.r.next(); err != nil {
					if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
						t.Errorf("%s: the connection was not closed", name)
					}
					break
				}
			}
			if got := neighbour.Call(request(1, "fine")); got.Payload != "fine" {
				t.Errorf("%s: the neighbour got %+v", name, got)
			}
		}
		// A message over the limit is refused, skipped, and costs nothing else.
		got := neighbour.Call(request(5, strings.Repeat("x", 20000)))
		if got.ID != 5 || got.Entry("cause") != "too_large" {
			t.Errorf("got %+v", got)
		}
		if got := neighbour.Call(request(6, "fine")); got.Payload != "fine" {
			t.Errorf("after a refused message: %+v", got)
		}
		envoy.Eventually("dynamicmodulescustom.meltemi_refused_too_large", 2)
	})
}
