package envoytest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// StandsClientsThatLeave lets filters pause, reply, panic and time out at
// random while clients come and go: no call is without an end, and nothing is left.
func (p Probe) StandsClientsThatLeave(t *testing.T, version string) {
	t.Helper()
	server := Serve(t, func(conn net.Conn, m testcodec.Message) {
		if m.Method != "silence" {
			Echo(conn, m)
		}
	})
	envoy := p.with(t, version, `{"payload":true}`, []any{Route("/", "server", map[string]any{"timeout": "2s"})},
		[]any{Bridge("server", toy, server.Port), Cluster("check", ServeCheck(t)), HTTP2("grpc", ServeGRPC(t))}, nil)
	port := envoy.Port("rpc")
	words := []string{
		"set:a=b", "reply:denied", "reset", "panic", "panic-end", "go:10s,3ms", "go:3ms,10s", "never:2ms", "never:400ms", "pause:1s", "go-panic",
		"http:check,x", "http:nowhere,x", "grpc:grpc,Echo=x", "grpc:grpc,Fail=x", "grpc:grpc,Silence@3ms=x", "grpc:grpc,Silence@400ms=x", "grpc:nowhere,Echo=x",
		"arguments", "unwanted-pause", "paused-for-nothing", "local:a=b",
	}
	const clients, calls = 8, 60
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 1))
			for done := 0; done < calls; {
				conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					t.Error(err)
					return
				}
				r := reader{conn: conn}
				burst := 1 + random.IntN(6)
				for i := range burst {
					m := Told(uint64(i), words[random.IntN(len(words))]+";"+words[random.IntN(len(words))], words[random.IntN(len(words))])
					if random.IntN(4) == 0 {
						m.Kind = sdk.KindOneWay
					}
					if random.IntN(4) == 0 {
						m.Method = "silence"
					}
					_, _ = conn.Write(testcodec.Append(nil, m))
					done++
				}
				if random.IntN(2) == 0 { // some wait for a while, others go at once
					_ = conn.SetReadDeadline(time.Now().Add(time.Duration(random.IntN(30)) * time.Millisecond))
					for range burst {
						if _, err := r.next(); err != nil {
							break
						}
					}
				}
				_ = conn.Close()
			}
		})
	}
	wg.Wait()
	begun := envoy.Stat(p.Stat("requests_total"))
	envoy.Eventually(p.Stat("open"), 0)
	envoy.Eventually("http.rpc.downstream_rq_active", 0)
	envoy.Eventually("cluster.server.upstream_rq_active", 0)
	if begun < clients*calls/4 {
		t.Errorf("only %d calls reached the filter: the test looks at the wrong thing", begun)
	}
	client := Dial(t, port)
	if got := client.Call(Told(1, "set:a=b", "set:c=d")); got.Entry("a") != "b" || got.Entry("c") != "d" {
		t.Errorf("after it all: %+v", got)
	}
	if n := strings.Count(envoy.Log(), "panic in a filter"); n != 0 {
		t.Errorf("the host itself panicked:\n%s", envoy.Log())
	}
}
