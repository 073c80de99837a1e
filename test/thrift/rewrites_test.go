package thrift

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

// rewriting is a mesh file whose routes make echo of other methods: of undeclared and
// noResult by the prefix of their path, of missing, which no server has, by an expression.
func rewriting(mesh string) string {
	return strings.Replace(mesh, "routes: [", `routes: [
        {match: {prefix: /thrift/undeclared}, route: {cluster: server, prefix_rewrite: /thrift/echo}},
        {match: {prefix: /Peer/undeclared}, route: {cluster: server, prefix_rewrite: /Peer/echo}},
        {match: {prefix: /thrift/noResult}, route: {cluster: server, prefix_rewrite: /thrift/echo}},
        {match: {prefix: /Peer/noResult}, route: {cluster: server, prefix_rewrite: /Peer/echo}},
        {match: {safe_regex: {regex: "/[^/]+/missing"}},
         route: {cluster: server, regex_rewrite: {pattern: {regex: "missing$"}, substitution: echo}}},
        `, 1)
}

// TestRewrittenMethods has a route change the method, in one proxy and in the first of
// two. The clients get the other method's answer. Those of Go refuse one with its name,
// and the one of Node.js reads it as what the other method returns: noResult has no result.
func TestRewrittenMethods(t *testing.T) {
	clients := []peers.Program{
		goFramed, goTHeader,
		{Library: peers.ThriftGo, Settings: "buffered-compact-mux"},
		node, nodeMux, kitex, kitexTT, kitexMux,
	}
	for i, client := range clients {
		t.Run(client.String(), func(t *testing.T) {
			server := peers.Serve(t, client)
			want := peers.Call(t, client, server.Port, "16", 1, suite.ClientTimeout)
			for n, text := range map[int]string{undeclared: "call 12", missing: "call 15"} {
				if !strings.Contains(want[n], "TApplicationException") {
					t.Fatalf("without a proxy: %q", want[n])
				}
				want[n] = fmt.Sprint(n, " ", text)
			}
			if hasHeaders(client) {
				want[undeclared] += fmt.Sprint(", seen lane-", undeclared)
			}
			codec := codecOf(client)
			one := peers.Start(t, suite.Both[i%2], rewriting(peers.Bridge(codec, server.Port)))
			plain := peers.Start(t, suite.Both[i%2], peers.Bridge(codec, server.Port))
			two := peers.Start(t, suite.Both[i%2], rewriting(peers.Forward(codec, plain.Port)))
			for name, proxy := range map[string]*peers.Proxy{"one proxy": one, "two proxies": two} {
				if got := peers.Call(t, client, proxy.Port, "16", 1, suite.ClientTimeout); !slices.Equal(got, want) {
					t.Errorf("%s:\n got %q\nwant %q", name, got, want)
				}
			}
			// Four calls of sixteen are of echo, and through proxies three more.
			if got := strings.Join(peers.Call(t, client, server.Port, "executions", 1, suite.ClientTimeout), ""); !strings.Contains(got, "echo=18") {
				t.Errorf("%s was executed, want echo=18", got)
			}
		})
	}
}

// codecOf is the codec for a client's calls, as in a mesh file.
func codecOf(client peers.Peer) string { return "{name: thrift, config: " + config(client) + "}" }
