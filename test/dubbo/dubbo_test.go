// Package dubbo tests the Dubbo codec with real consumers and providers, and real
// Envoys between them: what all protocols have in common by package suite, and here
// what Dubbo alone has.
package dubbo

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

var (
	java33          = peers.Java{Version: "3.3.6"}
	java33fastjson2 = peers.Java{Version: "3.3.6", Serialization: "fastjson2"}
	java27          = peers.Java{Version: "2.7.23"}
	java27fastjson  = peers.Java{Version: "2.7.23", Serialization: "fastjson"}
	dubboGo         = peers.DubboGo{}
)

var oldest, newest = []string{suite.Oldest}, []string{suite.Newest}

// protocol is Dubbo. dubbo-go has no fastjson and no fastjson2, so it meets nobody who
// prefers those; it can make and serve all of the mixed calls. Dubbo 2.7.23 cannot be
// given two direct addresses: its own ClassCastException ends each call.
var protocol = suite.Protocol{
	Name:  "Dubbo",
	Codec: "dubbo",
	Mix: suite.Mix{
		Calls: 1000,
		Methods: []string{
			"echo", "echo", "echo", "echo", "person", "list", "map", "bytes", "add", "nothing", "noResult", "declared",
			"undeclared", "illegal", "async", "oneway", "echo", "attachments",
		},
		OneWay:  "oneway",
		Results: resultsOf,
	},
	Pairs: []suite.Pair{
		{Client: java33, Server: java33, Envoys: suite.Both},
		{Client: java33fastjson2, Server: java33fastjson2, Envoys: suite.Both},
		{Client: java27, Server: java27, Envoys: suite.Both},
		{Client: java27fastjson, Server: java27fastjson, Envoys: suite.Both},
		{Client: java33, Server: java27, Envoys: suite.Both},
		{Client: java27, Server: java33, Envoys: suite.Both},
		{Client: dubboGo, Server: dubboGo, Envoys: suite.Both},
		{Client: dubboGo, Server: java33, Envoys: suite.Both},
		{Client: java33, Server: dubboGo, Envoys: suite.Both},
	},
	Connections: func(peers.Peer, peers.Peer) suite.Connections {
		return suite.Connections{Least: 1, Most: 1, Last: suite.CallsAtATime}
	},

	Idle:            []suite.Trial{{Peer: java33, Envoys: oldest}, {Peer: java27, Envoys: oldest}, {Peer: dubboGo, Envoys: oldest}},
	RouteChanges:    []suite.Trial{{Peer: java33, Envoys: oldest}, {Peer: java27, Envoys: newest}},
	ListenerChanges: []suite.Trial{{Peer: java33, Envoys: suite.Both}},
	ServersKilled:   []suite.Trial{{Peer: java33, Envoys: suite.Both}},
	ClientsKilled:   []suite.Trial{{Peer: java33, Envoys: oldest}},
	Restarts:        []suite.Trial{{Peer: java33, Envoys: newest}},
	Timeouts:        []suite.Trial{{Peer: java33, Envoys: newest}},
	Heartbeats:      3,
	Warm:            func(peers.Peer) int { return 2 },
	LosesNone:       true,
	Elsewhere:       true,

	Errors: suite.Errors{
		Clients:  []peers.Peer{java33, java33fastjson2, java27, java27fastjson, dubboGo},
		Expect:   expectError,
		Metadata: "attachments",
		Head:     "Dubbo",
		Match: func(name string) string {
			return fmt.Sprintf("prefix: /, headers: [{name: x-rpc-case, string_match: {exact: %s}}]", name)
		},
		Frame:    errorFrame,
		Decoder:  &dubbo.Codec{},
		Native:   native,
		Stranger: "\xda\xbb\x02\x14\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x00\x00\x00\x01\x92",
	},
}

// TestSuite makes text, objects, lists, maps, null, exceptions of all kinds, void,
// asynchronous, one-way, generic and large calls, with attachments both ways.
func TestSuite(t *testing.T) { suite.Run(t, &protocol) }

// results are the beginnings of what the first direct calls must give.
var results = []string{
	"call 0", "grüße, 世界 😀 1", "", "70000 characters", "person 4/4/1.3333333333333333/self/2",
	"[5, two, 3.5, null, true, [1099511627776, x]]", "{n=6, nested={k=v}, nothing=null}", "", "1099511627784",
	"null", "void", "dev.meltemi.peer.DeclaredException: call 11", "dev.meltemi.peer.UndeclaredException: call 12", "java.lang.IllegalArgumentException: call 13",
	"later call 14", "sent", "call 16", "{lane=lane-17, tenant=blue, unicode=grüße 😀} call 17",
}

// otherResults are those that are different with a consumer.
var otherResults = map[peers.Peer]map[int]string{
	// fastjson leaves out null, gives nested values in a class of its own, and makes no
	// exceptions of what it reads.
	java27fastjson: {
		5: `[5, two, 3.5, null, true, [1099511627776,"x"]]`, 6: `{n=6, nested={"k":"v"}}`,
		11: "org.apache.dubbo.rpc.RpcException", 12: "org.apache.dubbo.rpc.RpcException", 13: "org.apache.dubbo.rpc.RpcException",
		17: "{lane=lane-17, tenant=blue, unicode=grüße 😀} null",
	},
	// It does not show what its answers have attached.
	java27: {17: "{lane=lane-17, tenant=blue, unicode=grüße 😀} null"},
	// Go prints them differently.
	dubboGo: {
		3: "70000 bytes", 5: "[5 two 3.5 <nil> true [1099511627776 x]]", 6: "map[n:6 nested:map[k:v] nothing:<nil>]",
		9: "<nil>", 10: "<nil>",
	},
}

func resultsOf(consumer, _ peers.Peer) []string {
	all := slices.Clone(results)
	for n, other := range otherResults[consumer] {
		all[n] = other
	}
	return all
}

// expectError changes what Java 3.3 sees of an error into what another consumer sees.
func expectError(consumer peers.Peer, name string, want *peers.Seen) {
	switch {
	case consumer == dubboGo:
		// It does not tell a status from another, so its text is all that there is.
		if want.Code != "" {
			*want = peers.Seen{Class: "*errors.withStack", Text: "java exception:" + want.Text, Took: want.Took}
		}
	case name == "silent" && (consumer == java27 || consumer == java27fastjson):
		// Dubbo 2.7 does not tell its timeout, so only a route's can end the call.
		*want = peers.Seen{Code: "TIMEOUT"}
	case (name == "denied" || name == "rate-limited") && consumer == java27fastjson:
		// Its consumers can read no exception, not even a provider's.
		want.Class, want.Code = "org.apache.dubbo.rpc.RpcException", "NETWORK"
	}
}

// errorFrame is the call of a case, told by the attachment "case".
func errorFrame(tb testing.TB, name string) []byte {
	tb.Helper()
	request := sdk.Request{
		ID: 1, Service: service, Method: "echo", Timeout: suite.ClientTimeout,
		Arguments: []sdk.Argument{{Type: "java.lang.String", Value: name}},
		Metadata:  []sdk.Entry{{Key: []byte("case"), Value: []byte(name)}},
	}
	suite.Enlarge(&request, name)
	frame, err := (&dubbo.Codec{}).BuildRequest(nil, request)
	if err != nil {
		tb.Fatal(err)
	}
	return frame
}

// native tells what kind of message the answer to a case is.
func native(answer *sdk.Message) string {
	if answer.Status.Native != 20 {
		return fmt.Sprintf("status %d", answer.Status.Native)
	}
	class, _ := answer.Get("exception")
	return fmt.Sprintf("exception `%s`", class)
}

// TestHeartbeatsOfTheServer has a call take longer than a provider leaves its heartbeats
// unanswered: the bridge answers them, on the connection that waits for the reply.
func TestHeartbeatsOfTheServer(t *testing.T) {
	provider := peers.Serve(t, peers.DubboGo{Heartbeat: time.Second})
	proxy := peers.Start(t, suite.Newest, peers.Bridge("dubbo", provider.Port))
	got := peers.Call(t, dubboGo, proxy.Port, "sleep", 1, 20*time.Second, "6000")
	if fmt.Sprint(got) != "[slept 6000]" {
		t.Errorf("got %q", got)
	}
	// Both sides send one each second.
	if n := proxy.Stat("dynamicmodulescustom.meltemi_heartbeats"); n < 2*4 {
		t.Errorf("%d heartbeats were answered, want at least 8", n)
	}
}
