package filters

import (
	"fmt"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// TestCacheOfRealPeers has clients of different libraries make mixed calls to one server
// through a cache that all of them share, the first one twice. What they see must be what they see
// of the server itself: answers that were made for others, under other ids, among them.
func TestCacheOfRealPeers(t *testing.T) {
	program := func(l *peers.Library, settings string) peers.Peer {
		return peers.Program{Library: l, Settings: settings}
	}
	framed := func(l *peers.Library) peers.Peer { return program(l, "framed-binary") }
	java33, brpcJava, kitex := peers.Java{Version: "3.3.6"}, program(peers.BRPCJava, "once"), program(peers.Kitex, "ttheader-binary")
	for _, c := range []struct {
		codec   string
		config  string
		server  peers.Peer
		clients []peers.Peer
	}{
		{"dubbo", "", java33, []peers.Peer{java33, peers.Java{Version: "2.7.23"}, peers.DubboGo{}}},
		// Clients in Go do not say that a call is one-way.
		{"thrift", `config: {oneway: [tell, "Peer:tell", "Second:tell"]}`, framed(peers.ThriftGo), []peers.Peer{
			framed(peers.ThriftGo), framed(peers.ThriftJava), framed(peers.ThriftNode), framed(peers.ThriftPython), framed(peers.Kitex),
		}},
		{"thrift", `config: {oneway: [tell, "Peer:tell", "Second:tell"]}`, kitex, []peers.Peer{kitex}},
		{"brpc", "", brpcJava, []peers.Peer{brpcJava}},
	} {
		t.Run(fmt.Sprint(c.codec, " ", c.server), func(t *testing.T) {
			server := peers.Serve(t, c.server)
			// The entries are those that the server's answers tell of.
			proxy := peers.Start(t, versions[1], strings.Replace(peers.Bridge("{name: "+c.codec+", "+c.config+"}", server.Port), "\n  route_config", `
  filters: [{name: cache, config: {name: orders, rules: [
    {methods: ["*"], ttl: 1h, shared: true, metadata: [lane, tenant, unicode, log_id, trace_id, k1, k2]}]}}]
  route_config`, 1))
			calls := 0
			for i, client := range c.clients {
				direct := peers.Call(t, client, server.Port, "200", 4, patience)
				for range max(1, 2-i) {
					got := peers.Call(t, client, proxy.Port, "200", 4, patience)
					calls += len(got)
					same(t, client, direct, got)
				}
			}
			proxy.Eventually("http.rpc.downstream_rq_total", "all calls", func(n int) bool { return n == calls })
			hits, saved := proxy.Stat(cacheStat("hits_total"))+proxy.Stat(cacheStat("coalesced_total")), calls-proxy.Stat("cluster.server.upstream_rq_total")
			t.Logf("%d calls, %d answered from the cache, %d kept from the server", calls, hits, saved)
			if hits < calls/5 || saved != hits {
				t.Errorf("of %d calls %d were answered from the cache, and %d kept from the server", calls, hits, saved)
			}
			if n := proxy.Stat("dynamicmodulescustom.meltemi_cache_panics") + proxy.Stat("dynamicmodulescustom.meltemi_decode_errors"); n > 0 {
				t.Errorf("%d panics or errors", n)
			}
		})
	}
}

// same compares what a client saw of the server itself with what it saw through the cache.
func same(t *testing.T, client peers.Peer, direct, got []string) {
	t.Helper()
	if len(got) != len(direct) {
		t.Errorf("%v: %d results, want %d", client, len(got), len(direct))
	}
	for i := range min(len(got), len(direct)) {
		if got[i] != direct[i] {
			t.Errorf("%v got %q, want %q", client, got[i], direct[i])
		}
	}
}
