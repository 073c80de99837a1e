package envoytest

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestRule1LargeMessages sends messages that are larger than Envoy's buffers, the
// request byte by byte at first: none of it may be left in Envoy's read buffer.
func TestRule1LargeMessages(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := one(t, version, server)
		client := Dial(t, envoy.Port("rpc"))
		large := request(1, strings.Repeat("large ", 1<<20))
		b := testcodec.Append(nil, large)
		for _, piece := range [][]byte{b[:1], b[1:3], b[3:30], b[30:100_000], b[100_000:]} {
			if _, err := client.Write(piece); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		if got := client.Next(); got.Payload != large.Payload {
			t.Fatalf("got %d bytes, want %d", len(got.Payload), len(large.Payload))
		}
		if got := client.Call(request(2, "small")); got.Payload != "small" {
			t.Fatalf("after a large call: %+v", got)
		}
	})
}

// TestRule2AnswersToTheConnectionManagerWait keeps a connection busy while the connection
// manager pings: an injection from a write hook would crash Envoy.
func TestRule2AnswersToTheConnectionManagerWait(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", toy, []any{Route("/", "server", nil)}, map[string]any{
				// Pings from the connection manager must be answered, but not at once.
				"http2_protocol_options": map[string]any{"connection_keepalive": map[string]any{"interval": "0.05s", "timeout": "5s"}},
			})},
			[]any{Bridge("server", toy, server.Port)}))
		client := Dial(t, envoy.Port("rpc"))
		for i := range 200 {
			if got := client.Call(request(uint64(i), "x")); got.ID != uint64(i) {
				t.Fatalf("call %d: %+v", i, got)
			}
			time.Sleep(2 * time.Millisecond)
		}
		if n := envoy.Stat("http2.keepalive_timeout"); n != 0 {
			t.Errorf("%d pings were not answered", n)
		}
	})
}

// TestRule3StreamLimit sends more calls at once than the connection manager takes
// streams: the rest waits, and none is lost or refused.
func TestRule3StreamLimit(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", `{"name":"toy","max_queued_calls":50}`, []any{Route("/", "server", nil)}, map[string]any{
				"http2_protocol_options": map[string]any{
					"max_concurrent_streams": 4, "initial_stream_window_size": 65535, "initial_connection_window_size": 65535,
				},
			})},
			[]any{Bridge("server", toy, server.Port)}))
		client := Dial(t, envoy.Port("rpc"))
		const calls = 500
		go func() {
			for i := range calls {
				payload := strings.Repeat(fmt.Sprint(i, " "), 100*(i%20))
				if _, err := client.Write(testcodec.Append(nil, request(uint64(i), payload))); err != nil {
					return
				}
			}
		}()
		seen := map[uint64]bool{}
		for range calls {
			got := client.Next()
			if want := strings.Repeat(fmt.Sprint(got.ID, " "), 100*int(got.ID%20)); got.Status != sdk.OK || got.Payload != want {
				t.Fatalf("call %d: %v, %d bytes, want %d", got.ID, got.Status, len(got.Payload), len(want))
			}
			seen[got.ID] = true
		}
		if len(seen) != calls {
			t.Errorf("%d calls were answered, want %d", len(seen), calls)
		}
		if n := server.Connections.Load(); n > 4 {
			t.Errorf("%d connections to the server, limit of streams is 4", n)
		}
		envoy.Eventually("http.rpc.downstream_rq_rx_reset", 0)
	})
}

// TestRule3TimeoutsResetNothing lets many calls time out on one connection: Envoy
// would cut a connection that resets too much.
func TestRule3TimeoutsResetNothing(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, func(conn net.Conn, m testcodec.Message) {
			if m.Method != "sleep" {
				Echo(conn, m)
			}
		})
		envoy := one(t, version, server)
		client := Dial(t, envoy.Port("rpc"))
		const calls = 600
		for i := range calls {
			m := request(uint64(i), "")
			m.Method, m.Timeout = "sleep", 300*time.Millisecond
			client.Send(m)
		}
		for range calls {
			if got := client.Next(); got.Status != sdk.DeadlineExceeded || got.Entry("cause") != "timeout" {
				t.Fatalf("got %+v", got)
			}
		}
		if got := client.Call(request(calls, "alive")); got.Payload != "alive" {
			t.Errorf("after the timeouts: %+v", got)
		}
		envoy.Eventually("http.rpc.downstream_rq_too_many_premature_resets", 0)
	})
}

// TestRule4RetryOfAReplyWithABody retries on the status in the headers of a reply
// that has a body: the bridge is destroyed while it sends its response.
func TestRule4RetryOfAReplyWithABody(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		var calls atomic.Int64
		server := Serve(t, func(conn net.Conn, m testcodec.Message) {
			if calls.Add(1)%2 == 1 {
				_, _ = conn.Write(testcodec.Append(nil, testcodec.Message{
					Kind: sdk.KindResponse, ID: m.ID, Status: sdk.Unavailable, Payload: strings.Repeat("not now ", 1000),
				}))
				return
			}
			Echo(conn, m)
		})
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", toy, []any{Route("/", "server", map[string]any{
				"retry_policy": map[string]any{"retry_on": "unavailable", "num_retries": 2},
			})}, nil)},
			[]any{Bridge("server", toy, server.Port)}))
		client := Dial(t, envoy.Port("rpc"))
		for i := range 50 {
			if got := client.Call(request(uint64(i), "saved")); got.Payload != "saved" {
				t.Fatalf("call %d: %+v", i, got)
			}
		}
		envoy.Eventually("cluster.server.upstream_rq_retry", 50)
		envoy.Eventually("cluster.server.upstream_rq_retry_success", 50)
	})
}

// TestRule4OneWay sends one-way calls: the server gets them, the client gets
// nothing, and the server's connection stays.
func TestRule4OneWay(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := one(t, version, server)
		client := Dial(t, envoy.Port("rpc"))
		for i := range 100 {
			m := request(uint64(i), "fire")
			m.Kind = sdk.KindOneWay
			client.Send(m)
			if got := client.Call(request(uint64(1000+i), "and ask")); got.ID != uint64(1000+i) {
				t.Fatalf("got %+v", got)
			}
		}
		envoy.Eventually("dynamicmodulescustom.meltemi_open_calls", 0)
		envoy.Eventually("dynamicmodulescustom.meltemi_oneway_calls", 100)
		envoy.Eventually("cluster.server.upstream_rq_200", 200)
		server.Eventually(t, 200)
		if n := server.Connections.Load(); n > 2 {
			t.Errorf("200 calls took %d connections", n)
		}
	})
}

// TestRule5BadServers checks that a connection which lost its framing, or answered
// with the wrong id or too much, is not used again, and that its call fails.
func TestRule5BadServers(t *testing.T) {
	bad := map[string]struct {
		handle Handler
		fails  bool
	}{
		"garbage": {func(conn net.Conn, _ testcodec.Message) {
			_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		}, true},
		"wrong id": {func(conn net.Conn, m testcodec.Message) {
			m.ID += 7
			Echo(conn, m)
		}, true},
		"two replies": {func(conn net.Conn, m testcodec.Message) {
			reply := testcodec.Message{Kind: sdk.KindResponse, ID: m.ID, Payload: m.Payload}
			_, _ = conn.Write(testcodec.Append(testcodec.Append(nil, reply), reply))
		}, false},
		"half a message behind": {func(conn net.Conn, m testcodec.Message) {
			reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: m.ID, Payload: m.Payload})
			_, _ = conn.Write(append(reply, reply[:10]...))
		}, false},
		"go-away": {func(conn net.Conn, m testcodec.Message) {
			b := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindGoAway})
			_, _ = conn.Write(testcodec.Append(b, testcodec.Message{Kind: sdk.KindResponse, ID: m.ID, Payload: m.Payload}))
		}, false},
	}
	each(t, func(t *testing.T, version string) {
		for name, tt := range bad {
			t.Run(name, func(t *testing.T) {
				server := Serve(t, func(conn net.Conn, m testcodec.Message) {
					if m.Method == "bad" {
						tt.handle(conn, m)
					} else {
						Echo(conn, m)
					}
				})
				envoy := one(t, version, server)
				client := Dial(t, envoy.Port("rpc"))
				for i := range 5 {
					m := request(uint64(i), "x")
					m.Method = "bad"
					got := client.Call(m)
					if failed := got.Status != sdk.OK; failed != tt.fails || got.ID != uint64(i) {
						t.Fatalf("got %+v", got)
					}
					if tt.fails && got.Entry("cause") != "bad_response" {
						t.Errorf("cause is %q", got.Entry("cause"))
					}
					if got := client.Call(request(uint64(100+i), "good")); got.Payload != "good" {
						t.Fatalf("after a bad reply: %+v", got)
					}
				}
				if n := server.Connections.Load(); n < 6 {
					t.Errorf("%d connections: a spoilt one was used again", n)
				}
				envoy.Eventually("dynamicmodulescustom.meltemi_open_calls", 0)
			})
		}
	})
}

// TestRule7TwoProxies sends calls through two proxies, the second of which gets
// HTTP/2 on the port of the RPC.
func TestRule7TwoProxies(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		far := one(t, version, server)
		near := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", toy, []any{Route("/", "far", nil)}, nil)},
			[]any{HTTP2("far", far.Port("rpc"))}))
		const clients, calls = 8, 50
		done := make(chan error, clients)
		for n := range clients {
			client := Dial(t, near.Port("rpc"))
			go func() {
				for i := range calls {
					want := fmt.Sprint(n, "/", i)
					if got := client.Call(request(uint64(i), want)); got.Payload != want || got.ID != uint64(i) {
						done <- fmt.Errorf("got %+v, want %s", got, want)
						return
					}
				}
				done <- nil
			}()
		}
		for range clients {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		// One connection between the proxies, good calls
		// counted as good, and no more connections at the last hop than calls at once.
		near.Eventually("cluster.far.upstream_cx_total", 1)
		near.Eventually("cluster.far.upstream_rq_200", clients*calls)
		far.Eventually("dynamicmodulescustom.meltemi_pass_through_connections", 1)
		if n := server.Connections.Load(); n > clients {
			t.Errorf("%d connections to the server for %d calls at a time", n, clients)
		}
	})
}

// TestRule8EnvironmentOfOthers starts Envoy with variables that are meant for a
// whole container.
func TestRule8EnvironmentOfOthers(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", toy, []any{Route("/", "server", nil)}, nil)},
			[]any{Bridge("server", toy, server.Port)}), "GOMAXPROCS=1", "GOMEMLIMIT=1MiB")
		if got := Dial(t, envoy.Port("rpc")).Call(request(1, "x")); got.Payload != "x" {
			t.Fatalf("got %+v", got)
		}
		if want := "GOMAXPROCS 3, memory limit 512 MiB"; !envoy.Logs(want) {
			t.Errorf("the log does not say %q:\n%s", want, envoy.Log())
		}
	})
}
