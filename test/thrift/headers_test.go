package thrift

import (
	"fmt"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

// TestHeaders routes by a header of THeader and of TTHeader, and has a route change it:
// the server sees what the route made of it.
func TestHeaders(t *testing.T) {
	for i, peer := range []peers.Peer{goTHeader, kitexTT, pythonTHeader, peers.Program{Library: peers.ThriftGo, Settings: "theader-binary"}} {
		t.Run(peer.String(), func(t *testing.T) {
			blue, other := peers.Serve(t, peer), peers.Serve(t, peer)
			mesh := strings.Replace(peers.Bridge("thrift", other.Port), "routes: [", `routes: [
        {match: {prefix: /, headers: [{name: x-rpc-lane, string_match: {exact: blue}}]}, route: {cluster: blue}},
        {match: {prefix: /, headers: [{name: x-rpc-lane, string_match: {exact: red}}]}, route: {cluster: server},
         request_headers_to_add: [{header: {key: x-rpc-lane, value: green}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]},
        `, 1) + fmt.Sprintf("- {name: blue, codec: thrift, endpoints: [\"127.0.0.1:%s\"]}\n", blue.Port)
			proxy := peers.Start(t, suite.Both[i%2], mesh)
			for lane, seen := range map[string]string{"blue": "blue", "red": "green", "grau, 灰": "grau, 灰", "": ""} {
				if got := peers.Call(t, peer, proxy.Port, "lane", 1, suite.ClientTimeout, lane); fmt.Sprint(got) != "[lane, seen "+seen+"]" {
					t.Errorf("the lane %q: %q", lane, got)
				}
			}
			for server, want := range map[*peers.Server]string{blue: "{echo=1}", other: "{echo=3}"} {
				if got := strings.Join(peers.Call(t, peer, server.Port, "executions", 1, suite.ClientTimeout), ""); got != want {
					t.Errorf("%s was executed, want %s", got, want)
				}
			}
		})
	}
}
