package envoytest

import (
	"bytes"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestAClientThatDoesNotRead sends heartbeats, each of which has an answer, and takes
// none of them: it is not read any more before the answers fill the memory, and its
// neighbours do not notice.
func TestAClientThatDoesNotRead(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		const config = `{"name":"toy","max_message_bytes":65536}`
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", config, []any{Route("/", "server", nil)}, nil)}, []any{Bridge("server", toy, server.Port)}))
		client := Dial(t, envoy.Port("rpc"))
		heartbeats := bytes.Repeat(testcodec.Append(nil, testcodec.Message{Kind: sdk.KindHeartbeat, ID: 1}), 4000)
		const most = 128 << 20
		sent := 0
		for sent < most {
			_ = client.SetWriteDeadline(time.Now().Add(2 * time.Second))
			n, err := client.Write(heartbeats)
			if sent += n; err != nil {
				break
			}
		}
		if sent >= most {
			t.Fatalf("%d bytes of heartbeats were read, and no answer to them was", sent)
		}
		if got := Dial(t, envoy.Port("rpc")).Call(request(2, "x")); got.Payload != "x" {
			t.Errorf("a neighbour got %+v", got)
		}
		// Once it reads, it is read again: every heartbeat has its answer.
		answers := sent / len(heartbeats) * 4000
		_ = client.SetDeadline(time.Now().Add(30 * time.Second))
		for i := range answers {
			if got := client.Next(); got.Kind != sdk.KindHeartbeatReply {
				t.Fatalf("answer %d is %+v", i, got)
			}
		}
	})
}

// TestSlowClientsAndTheirNeighbours: clients make many calls at once and do not read the
// replies for a while. They get them all when they do, and the servers' connections that
// their calls had go on to serve others: Envoy forgets to read from those whose response
// ends while the client's buffer is over its mark.
func TestSlowClientsAndTheirNeighbours(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		const config = `{"name":"toy","max_message_bytes":4000000}`
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", config, []any{Route("/", "server", nil)}, nil)}, []any{Bridge("server", config, server.Port)}))
		const calls = 40
		large := strings.Repeat("x", 900_000)
		for range 3 {
			client := Dial(t, envoy.Port("rpc"))
			go func() {
				for i := range uint64(calls) {
					if _, err := client.Write(testcodec.Append(nil, request(i, large))); err != nil {
						return
					}
				}
			}()
			time.Sleep(time.Second)
			seen := map[uint64]bool{}
			for range calls {
				got := client.Next()
				if seen[got.ID] || got.Payload != large {
					t.Fatalf("call %d: %v, %d bytes, again %t", got.ID, got.Status, len(got.Payload), seen[got.ID])
				}
				seen[got.ID] = true
			}
			// As many at once as there are connections: each is used.
			var wg sync.WaitGroup
			for i := range uint64(calls) {
				wg.Go(func() {
					neighbour := Dial(t, envoy.Port("rpc"))
					if got := neighbour.Call(request(i, "y")); got.Payload != "y" {
						t.Errorf("a neighbour got %+v", got)
					}
				})
			}
			wg.Wait()
		}
		envoy.Eventually("dynamicmodulescustom.meltemi_open_calls", 0)
	})
}

// TestAClientThatNeverReads its replies is given up before they fill the memory.
func TestAClientThatNeverReads(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, func(conn net.Conn, m testcodec.Message) {
			if m.Method == "large" {
				m.Payload = strings.Repeat("x", 90_000)
			}
			Echo(conn, m)
		})
		const config = `{"name":"toy","max_message_bytes":100000}`
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", config, []any{Route("/", "server", nil)}, nil)}, []any{unbounded(Bridge("server", config, server.Port))}))
		client := Dial(t, envoy.Port("rpc"))
		var b []byte
		for i := range uint64(1000) {
			m := request(i, "")
			m.Method = "large"
			b = testcodec.Append(b, m)
		}
		_ = client.SetWriteDeadline(time.Now().Add(callTimeout))
		_, _ = client.Write(b)
		envoy.Eventually("http.rpc.downstream_cx_active", 0)
		envoy.Eventually("dynamicmodulescustom.meltemi_open_calls", 0)
		if got := Dial(t, envoy.Port("rpc")).Call(request(1, "x")); got.Payload != "x" {
			t.Errorf("a neighbour got %+v", got)
		}
	})
}

// TestAMessageOverTheBridgesLimit is answered by the proxy before the server, although
// the one before the client took it.
func TestAMessageOverTheBridgesLimit(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", toy, []any{Route("/", "server", nil)}, nil)},
			[]any{Bridge("server", `{"name":"toy","max_message_bytes":10000}`, server.Port)}))
		for _, size := range []int{20_000, 2_000_000} {
			got := Dial(t, envoy.Port("rpc")).Call(request(1, strings.Repeat("x", size)))
			if got.Status != sdk.ResourceExhausted || got.Entry("cause") != "too_large" {
				t.Errorf("%d bytes: %v %s", size, got.Status, got.Entry("cause"))
			}
		}
		if seen := server.Seen(); len(seen) > 0 {
			t.Errorf("the server got %d calls", len(seen))
		}
	})
}

// TestMetadataOfAnyBytes crosses as it is, both ways.
func TestMetadataOfAnyBytes(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		client := Dial(t, one(t, version, server).Port("rpc"))
		for b := range 256 {
			m := request(uint64(b), "x")
			m.Entries = [][2]string{{"a" + string([]byte{byte(b)}) + "b", "v" + string([]byte{byte(b)})}}
			if b == 0x80 || b == 'A' {
				m.Entries = append(m.Entries, [2]string{"plain", "1"})
			}
			if got := client.Call(m); got.Payload != "x" {
				t.Fatalf("byte %#x: %+v", b, got)
			}
			seen := server.Seen()
			if got := seen[len(seen)-1].Entries; got[0] != m.Entries[0] || len(got) != len(m.Entries) {
				t.Errorf("byte %#x: the server got %q", b, got)
			}
		}
	})
}

// TestLongRepliesToASlowClient go through two proxies. While the client does not read, the
// one before the server stops to read from it, and Envoy forgets to go on where the reply
// ends meanwhile: the next call on that connection would have no answer.
func TestLongRepliesToASlowClient(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		sizes := map[string]int{"default": 16<<20 - 100, "long": 40 << 20}
		server := Serve(t, func(conn net.Conn, m testcodec.Message) { Answer(conn, m, strings.Repeat("x", sizes[m.Method])) })
		const config = `{"name":"toy","max_message_bytes":100000000}`
		far := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", config, []any{Route("/", "server", nil)}, nil)}, []any{Bridge("server", config, server.Port)}))
		near := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", config, []any{Route("/", "far", nil)}, nil)}, []any{HTTP2("far", far.Port("rpc"))}))
		for _, method := range []string{"default", "long", "long"} {
			client := Dial(t, near.Port("rpc"))
			m := request(1, "")
			m.Method = method
			client.Send(m)
			time.Sleep(500 * time.Millisecond)
			if got := client.Next(); got.Status != sdk.OK || len(got.Payload) != sizes[method] {
				t.Fatalf("%s: %v %s, %d bytes", method, got.Status, got.Entry("cause"), len(got.Payload))
			}
			for i := range uint64(3) {
				if got := client.Call(request(i, "")); got.ID != i || got.Status != sdk.OK {
					t.Fatalf("after %s: %+v", method, got)
				}
			}
		}
		if n := server.Connections.Load(); n != 3 {
			t.Errorf("%d connections to the server, want one and another after each long reply", n)
		}
		near.Eventually("dynamicmodulescustom.meltemi_open_calls", 0)
	})
}
