package envoytest

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestHostsCountGoodAndBadCalls looks at what Envoy counts for each host, which is what
// outlier detection and load reports are made of.
func TestHostsCountGoodAndBadCalls(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, func(conn net.Conn, m testcodec.Message) {
			if m.Method != "bad" {
				Echo(conn, m)
				return
			}
			_, _ = conn.Write(testcodec.Append(nil, testcodec.Message{
				Kind: sdk.KindResponse, ID: m.ID, Status: sdk.Internal, Payload: "broken",
			}))
		})
		envoy := one(t, version, server)
		client := Dial(t, envoy.Port("rpc"))
		for i := range 10 {
			m := request(uint64(i), "x")
			if i%5 < 2 {
				m.Method = "bad"
			}
			got := client.Call(m)
			if bad := got.Status == sdk.Internal && got.Payload == "broken"; bad != (m.Method == "bad") {
				t.Fatalf("call %d: %+v", i, got)
			}
		}
		host := fmt.Sprintf("server::127.0.0.1:%d::", server.Port)
		want := []string{host + "rq_total::10", host + "rq_success::6", host + "rq_error::4", host + "cx_total::1"}
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			text := envoy.Admin("/clusters")
			missing := ""
			for _, w := range want {
				if !strings.Contains(text, w+"\n") {
					missing = w
				}
			}
			if missing == "" {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("Envoy does not say %s:\n%s", missing, text)
			}
		}
	})
}

// TestMirroredCallsStayApart mirrors calls, one-way calls among them, to a second
// server: the client gets the answer of the first, and nothing is left open.
func TestMirroredCallsStayApart(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		first := Serve(t, Echo)
		second := Serve(t, func(conn net.Conn, m testcodec.Message) { Answer(conn, m, "of the mirror") })
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", toy, []any{Route("/", "first", map[string]any{
				"request_mirror_policies": []any{map[string]any{"cluster": "second"}},
			})}, nil)},
			[]any{Bridge("first", toy, first.Port), Bridge("second", toy, second.Port)}))
		client := Dial(t, envoy.Port("rpc"))
		for i := range 20 {
			m := request(uint64(2*i), "fire")
			m.Kind = sdk.KindOneWay
			client.Send(m)
			if got := client.Call(request(uint64(2*i+1), "ask")); got.Payload != "ask" {
				t.Fatalf("got %+v", got)
			}
		}
		envoy.Eventually("cluster.second.upstream_rq_total", 40)
		for _, cluster := range []string{"first", "second"} {
			envoy.Eventually("cluster."+cluster+".upstream_rq_active", 0)
		}
		second.Eventually(t, 40)
	})
}

// TestGaugesTellWhatIsHeld has calls that wait at a server: their connection, the two
// edges and the filter's part hold a handle each, and nothing does after the end.
func TestGaugesTellWhatIsHeld(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		release := make(chan struct{})
		server := Serve(t, func(conn net.Conn, m testcodec.Message) {
			<-release
			Echo(conn, m)
		})
		envoy := withProbe(t, version, `{"all":true}`, []any{Route("/", "server", nil)}, []any{Bridge("server", toy, server.Port)}, nil)
		const gauge = "dynamicmodulescustom.meltemi_"
		client := Dial(t, envoy.Port("rpc"))
		for id := range uint64(3) {
			client.Send(request(id, "x"))
		}
		envoy.Eventually(gauge+"handles", 1+3+3)
		if n := envoy.Stat(gauge + "configurations"); n != 3 {
			t.Errorf("%d configurations, want those of the listener, the filter and the bridge", n)
		}
		if n := envoy.Stat(gauge + "goroutines"); n < 1 || n > 100 {
			t.Errorf("%d goroutines", n)
		}
		close(release)
		for range 3 {
			client.Next()
		}
		envoy.Eventually(gauge+"handles", 1)
		client.Close()
		envoy.Eventually(gauge+"handles", 0)
	})
}
