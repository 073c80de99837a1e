package suite

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// testCalls compares mixed calls.
func (p *Protocol) testCalls(t *testing.T) {
	if len(p.Pairs) == 0 {
		t.Fatal("nobody is tested")
	}
	for _, pair := range p.Pairs {
		t.Run(fmt.Sprintf("%v calls %v", pair.Client, pair.Server), func(t *testing.T) {
			server := peers.Serve(t, pair.Server)
			direct := p.mixed(t, pair.Client, server.Port)
			p.Mix.check(t, pair.Client, pair.Server, direct)
			for _, envoy := range pair.Envoys {
				t.Run(envoy, func(t *testing.T) { p.throughProxies(t, envoy, pair, server.Port, direct) })
			}
			// Each call ran once on each path, the one-way ones too.
			p.Mix.executions(t, pair.Client, server.Port, 1+2*len(pair.Envoys))
		})
	}
}

// mixed has a client make the mixed calls.
func (p *Protocol) mixed(t *testing.T, client peers.Peer, port string) []string {
	t.Helper()
	return peers.Call(t, client, port, strconv.Itoa(p.Mix.Calls), Threads, patience)
}

// throughProxies makes the calls through one proxy and through two, with HTTP/2 between
// them, compares them with the direct ones, and looks at what Envoy counted.
func (p *Protocol) throughProxies(t *testing.T, envoy string, pair Pair, server string, direct []string) {
	t.Helper()
	client := pair.Client
	one := peers.Start(t, envoy, p.bridge(client, server))
	compare(t, "one proxy", direct, p.mixed(t, client, one.Port))
	two := peers.Start(t, envoy, peers.Forward(p.codec(client), one.Port))
	compare(t, "two proxies", direct, p.mixed(t, client, two.Port))

	calls := p.Mix.Calls
	oneway := p.Mix.counts()[p.Mix.OneWay]
	connections := p.Connections(pair.Client, pair.Server)
	exactly := func(n int) func(int) bool { return func(got int) bool { return got == n } }
	two.Eventually("cluster.server.upstream_cx_total", "1 connection between the proxies for each worker", func(n int) bool { return n >= 1 && n <= 2 })
	two.Eventually("listener.127.0.0.1_0.downstream_cx_total", fmt.Sprintf("%d to %d connections of the client", connections.Least, connections.Most),
		func(n int) bool { return n >= connections.Least && n <= connections.Most })
	two.Eventually("cluster.server.upstream_rq_200", fmt.Sprint(calls, " good responses"), exactly(calls))
	one.Eventually("cluster.server.upstream_cx_total", fmt.Sprintf("at most %d connections", connections.Last), func(n int) bool { return n <= connections.Last })
	for _, proxy := range []*peers.Proxy{one, two} {
		proxy.Eventually("dynamicmodulescustom.meltemi_calls", strconv.Itoa(calls), exactly(calls))
		proxy.Eventually("dynamicmodulescustom.meltemi_oneway_calls", strconv.Itoa(oneway), exactly(oneway))
		for _, zero := range []string{"open_calls", "decode_errors", "panics", "local_replies"} {
			proxy.Eventually("dynamicmodulescustom.meltemi_"+zero, "0", exactly(0))
		}
	}
}

// testIdle leaves a connection idle for longer than its heartbeats may go unanswered,
// in protocols that have them.
func (p *Protocol) testIdle(t *testing.T, peer peers.Peer, envoy string) {
	server := peers.Serve(t, peer)
	proxy := peers.Start(t, envoy, p.bridge(peer, server.Port))
	if got := peers.Call(t, peer, proxy.Port, "idle", 1, patience); fmt.Sprint(got) != "[before after]" {
		t.Errorf("got %q", got)
	}
	if n := proxy.Stat("listener.127.0.0.1_0.downstream_cx_total"); n != 1 {
		t.Errorf("%d connections, want the 1 that was idle", n)
	}
	if n := proxy.Stat("dynamicmodulescustom.meltemi_heartbeats"); n < p.Heartbeats {
		t.Errorf("%d heartbeats were answered, want at least %d", n, p.Heartbeats)
	}
}
