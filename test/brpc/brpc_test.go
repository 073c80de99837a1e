// Package brpc tests the bRPC codec with a real client and server, brpc-java, and real
// Envoys between them: what all protocols have in common by package suite, and here
// what bRPC alone has.
package brpc

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/meltemi-mesh/meltemi/codecs/brpc"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

// service is that of the peers.
const service = "dev.meltemi.peer.Peer"

var (
	once      = peers.Program{Library: peers.BRPCJava, Settings: "once"}
	byDefault = peers.Program{Library: peers.BRPCJava, Settings: "default"}
)

var oldest, newest = []string{suite.Oldest}, []string{suite.Newest}

var protocol = suite.Protocol{
	Name:  "bRPC",
	Codec: "brpc",
	Mix: suite.Mix{
		Calls: 640,
		Methods: []string{
			"echo", "echo", "echo", "echo", "person", "person", "bytes", "add", "echo", "failing", "echo", "echo",
			"bytes", "echo", "echo", "metadata",
		},
		Results: func(peers.Peer, peers.Peer) []string { return results },
	},
	Pairs: []suite.Pair{{Client: once, Server: once, Envoys: suite.Both}},
	// A pool of 8, and one for each of five other stubs.
	Connections: func(_, _ peers.Peer) suite.Connections {
		return suite.Connections{Least: 13, Most: 13, Last: suite.CallsAtATime}
	},

	Idle:         []suite.Trial{{Peer: once, Envoys: oldest}},
	RouteChanges: []suite.Trial{{Peer: once, Envoys: oldest}},
	// Nothing asks its clients to go, so they make a call again that meets the end of its
	// connection.
	ListenerChanges: []suite.Trial{{Peer: byDefault, Envoys: suite.Both}},
	LosesNone:       true,
	ServersKilled:   []suite.Trial{{Peer: once, Envoys: suite.Both}},
	ClientsKilled:   []suite.Trial{{Peer: once, Envoys: newest}},
	Restarts:        []suite.Trial{{Peer: once, Envoys: newest}},
	Timeouts:        []suite.Trial{{Peer: once, Envoys: suite.Both}},
	RouteDeadlines:  true,
	Warm:            func(peers.Peer) int { return 1 },

	Errors: suite.Errors{
		Clients:  []peers.Peer{once},
		Expect:   expectError,
		Metadata: "metadata",
		Head:     "bRPC",
		Match: func(name string) string {
			return fmt.Sprintf("prefix: /, headers: [{name: x-rpc-case, string_match: {exact: %s}}]", name)
		},
		Frame:   errorFrame,
		Decoder: &brpc.Codec{},
		Native:  native,
		// Error code 0 and the id 2^63-1.
		Stranger: "PRPC\x00\x00\x00\x0e\x00\x00\x00\x0e\x12\x02\x08\x00\x20\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	},
}

// TestSuite makes text, objects, empty messages, errors, attachments both ways, asynchronous and large calls,
// with the compressions that brpc-java has, with metadata, and on connections of their own and of a pool.
func TestSuite(t *testing.T) { suite.Run(t, &protocol) }

// results are the beginnings of what the first direct calls must give.
var results = []string{
	"call 0", "grüße, 世界 😀 1", `""`, "70000 characters", "person 4/-4/1.3333333333333333/[one, , three]/[n=4, max=9223372036854775807]",
	"null/null/null/[]/[]", "call 6 and 1048576 bytes, reversed", "7/1099511627783", "false",
	"com.baidu.brpc.exceptions.RpcException: SERVICE: call 9", "snappy 10", "8000 characters", "call 12 and 1012 bytes, reversed",
	"later call 13", "call 14", "saw {lane=lane-15, tenant=blue, unicode=grüße 😀} log 1015 trace 1099511627791",
}

// expectError knows that brpc-java does not tell its timeout, so only a route's can end
// a call before.
func expectError(_ peers.Peer, name string, want *peers.Seen) {
	if name == "silent" {
		*want = peers.Seen{Class: want.Class, Code: "TIMEOUT"}
	}
}

// errorFrame is the call of a case, told by the metadata "case".
func errorFrame(tb testing.TB, name string) []byte {
	tb.Helper()
	request := sdk.Request{
		ID: 1, Service: service, Method: "echo", Timeout: suite.ClientTimeout,
		Arguments: []sdk.Argument{{Value: name}},
		Metadata:  []sdk.Entry{{Key: []byte("case"), Value: []byte(name)}},
	}
	suite.Enlarge(&request, name)
	frame, err := (&brpc.Codec{}).BuildRequest(nil, request)
	if err != nil {
		tb.Fatal(err)
	}
	return frame
}

// native is the error code of the answer to a case.
func native(answer *sdk.Message) string {
	for _, s := range (&brpc.Codec{}).Statuses() {
		if s.Native == answer.Status.Native {
			return fmt.Sprintf("%d `%s`", s.Native, s.Name)
		}
	}
	return strconv.Itoa(answer.Status.Native)
}
