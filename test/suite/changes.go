package suite

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// testRouteChange changes routes while a client calls without a pause. No call is lost,
// and its connections stay.
func (p *Protocol) testRouteChange(t *testing.T, peer peers.Peer, envoy string) {
	server := peers.Serve(t, peer)
	mesh := p.bridge(peer, server.Port)
	proxy := peers.Start(t, envoy, mesh)
	load := peer.StartClient(t, proxy.Port, "load", 4, patience, "6")
	underLoad(proxy)
	before := proxy.Stat("listener.127.0.0.1_0.downstream_cx_total")
	for n := range 5 {
		proxy.Change(strings.Replace(mesh, "route: {cluster: server}", fmt.Sprintf("route: {cluster: server, timeout: %ds}", 20+n), 1))
		time.Sleep(300 * time.Millisecond)
	}
	lostNone(t, load)
	if n := proxy.Stat("listener.127.0.0.1_0.downstream_cx_total"); n != before {
		t.Errorf("%d connections were made after the first %d", n-before, before)
	}
}

// testListenerChange changes a listener, which drains its connections, while a client
// calls without a pause. The client goes, and goes on with new connections. No call is
// lost, but for those of clients that lose some.
func (p *Protocol) testListenerChange(t *testing.T, peer peers.Peer, envoy string) {
	const connections = 4
	server := peers.Serve(t, peer)
	mesh := p.bridge(peer, server.Port)
	changed := peers.Start(t, envoy, mesh)
	ports := changed.Port
	if p.Elsewhere {
		ports += "," + peers.Start(t, envoy, mesh).Port
	}
	load := peer.StartClient(t, ports, "load", connections, patience, "8")
	underLoad(changed)
	changed.Change(strings.Replace(mesh, "\n  route_config", "\n  server_name: changed\n  route_config", 1))
	if p.LosesNone {
		lostNone(t, load)
	} else if got := load.Results(); failed(t, got) > connections {
		t.Errorf("more than a call of each connection is lost: %s", strings.Join(got, "\n"))
	}
	if n := changed.Stat("dynamicmodulescustom.meltemi_go_aways"); n < 1 {
		t.Errorf("%d go-aways: the listener was not drained, so nothing was tested", n)
	}
	changed.Eventually("dynamicmodulescustom.meltemi_open_calls", "0", func(n int) bool { return n == 0 })
	if n := changed.Stat("dynamicmodulescustom.meltemi_local_replies"); n > 0 {
		t.Errorf("%d calls were refused", n)
	}
}

// underLoad waits until a client is at work.
func underLoad(proxy *peers.Proxy) {
	proxy.Eventually("dynamicmodulescustom.meltemi_replies", "some", func(n int) bool { return n > 100 })
}

// lostNone waits for the end of a load of which no call fails.
func lostNone(t *testing.T, load *peers.Client) {
	t.Helper()
	if got := load.Results(); failed(t, got) > 0 {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// failed is how many calls of a load failed.
func failed(t *testing.T, results []string) int {
	t.Helper()
	var good, failed int
	if len(results) == 0 {
		t.Fatal("the load has no results")
	}
	if _, err := fmt.Sscanf(results[0], "good %d failed %d", &good, &failed); err != nil || good == 0 {
		t.Fatalf("the load ended with %q", results)
	}
	return failed
}
