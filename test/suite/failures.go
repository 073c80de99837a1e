package suite

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// testTimeout has a server that is too slow for its caller: the error comes from the
// proxy, before the caller gives up by itself.
func (p *Protocol) testTimeout(t *testing.T, peer peers.Peer, envoy string) {
	server := peers.Serve(t, peer)
	mesh := peers.Bridge(p.codec(peer, margin), server.Port)
	if p.RouteDeadlines {
		mesh = strings.Replace(mesh, "route: {cluster: server}", "route: {cluster: server, timeout: 0.8s}", 1)
	}
	proxy := peers.Start(t, envoy, mesh)
	got := strings.Join(peers.Call(t, peer, proxy.Port, "sleep", 1, 1200*time.Millisecond, "4000"), "\n")
	if !strings.Contains(got, "upstream request timeout") && !strings.Contains(got, "downstream duration timeout") {
		t.Errorf("the client saw %q, not the proxy's error", got)
	}
}

// testRestart restarts a server while a client calls: calls fail only while there is no
// server, and each with an error of the protocol.
func (p *Protocol) testRestart(t *testing.T, peer peers.Peer, envoy string) {
	first := peers.Serve(t, peer)
	proxy := peers.Start(t, envoy, p.bridge(peer, first.Port))
	load := peer.StartClient(t, proxy.Port, "load", 2, patience, "10")
	underLoad(proxy)
	first.Kill()
	proxy.Eventually("dynamicmodulescustom.meltemi_local_replies", "some", func(n int) bool { return n > 0 })
	peer.StartServer(t, first.Port)
	before := proxy.Stat("cluster.server.upstream_rq_200")
	proxy.Eventually("cluster.server.upstream_rq_200", "more than before", func(n int) bool { return n > before+100 })
	got := load.Results()
	if len(got) < 2 {
		t.Errorf("no call failed, so there was always a server: %q", got)
	}
	for _, line := range got[min(1, len(got)):] {
		if !strings.Contains(line, "upstream connect error") {
			t.Errorf("a failure that is no error of the proxy: %s", line)
		}
	}
	proxy.Eventually("dynamicmodulescustom.meltemi_open_calls", "0", func(n int) bool { return n == 0 })
}

// testClientKilled kills a client that waits: its neighbour does not notice, and
// nothing is left open.
func (p *Protocol) testClientKilled(t *testing.T, peer peers.Peer, envoy string) {
	server := peers.Serve(t, peer)
	proxy := peers.Start(t, envoy, p.bridge(peer, server.Port))
	victim := peer.StartClient(t, proxy.Port, "sleep", 1, time.Minute, "50000")
	proxy.Eventually("cluster.server.upstream_rq_active", "1", func(n int) bool { return n == 1 })
	neighbour := peer.StartClient(t, proxy.Port, "load", 2, patience, "4")
	underLoad(proxy)
	victim.Kill()
	lostNone(t, neighbour)
	proxy.Eventually("dynamicmodulescustom.meltemi_open_calls", "0", func(n int) bool { return n == 0 })
	proxy.Eventually("cluster.server.upstream_rq_active", "0", func(n int) bool { return n == 0 })
}

// testServerKilled kills the one of two servers that is at work. The call fails at
// once, with the protocol's own error, and the other server does not run it again,
// although the routes of all proxies retry.
func (p *Protocol) testServerKilled(t *testing.T, peer peers.Peer, envoy string) {
	for _, hops := range []int{1, 2} {
		t.Run(fmt.Sprint("through ", hops), func(t *testing.T) {
			servers := map[string]*peers.Server{}
			endpoints := make([]string, 0, 2)
			for range 2 {
				s := peers.Serve(t, peer)
				servers[s.Port] = s
				endpoints = append(endpoints, `"127.0.0.1:`+s.Port+`"`)
			}
			last := peers.Start(t, envoy, retried(strings.Replace(p.bridge(peer, "0"), `"127.0.0.1:0"`, strings.Join(endpoints, ", "), 1)))
			first := last
			if hops == 2 {
				first = peers.Start(t, envoy, retried(peers.Forward(p.codec(peer), last.Port)))
			}
			victim := peer.StartClient(t, first.Port, "sleep", 1, time.Minute, "50000")
			calls := 1
			if p.Warm != nil {
				calls += p.Warm(peer)
			}
			last.Eventually("cluster.server.upstream_rq_total", strconv.Itoa(calls), func(n int) bool { return n == calls })
			last.Eventually("cluster.server.upstream_rq_active", "1", func(n int) bool { return n == 1 })
			survivor := idle(t, last, servers)
			before := peers.Call(t, peer, survivor, "executions", 1, patience)
			start := time.Now()
			for port, s := range servers {
				if port != survivor {
					s.Kill()
				}
			}
			if got := strings.Join(victim.Results(), "\n"); !strings.Contains(got, "connection termination") {
				t.Errorf("the client saw %q", got)
			}
			if took := time.Since(start); took > patience {
				t.Errorf("it took %v", took)
			}
			for _, proxy := range []*peers.Proxy{first, last} {
				if n := proxy.Stat("cluster.server.upstream_rq_total"); n != calls {
					t.Errorf("%d calls were sent on, want %d: the lost one was made again", n, calls)
				}
			}
			after := peers.Call(t, peer, survivor, "executions", 1, patience)
			if fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("the other server ran %v before and %v after", before, after)
			}
		})
	}
}

// retried is a mesh file whose route retries what Istio retries by default.
func retried(mesh string) string {
	return strings.Replace(mesh, "route: {cluster: server}",
		`route: {cluster: server, retry_policy: {retry_on: "connect-failure,refused-stream,unavailable,cancelled", num_retries: 2}}`, 1)
}

// idle is the port of a server that no call is at.
func idle(t *testing.T, proxy *peers.Proxy, servers map[string]*peers.Server) string {
	t.Helper()
	for port := range servers {
		if proxy.ActiveAt("server", "127.0.0.1:"+port) == 0 {
			return port
		}
	}
	t.Fatal("no server is idle")
	return ""
}
