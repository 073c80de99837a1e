// Package thrift tests the Thrift codec with real clients and servers, and real Envoys
// between them: what all protocols have in common by package suite, and here what
// headers of THeader and TTHeader are for.
package thrift

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/codecs/thrift"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

var oldest, newest = []string{suite.Oldest}, []string{suite.Newest}

// Peers that are tested with more than mixed calls.
var (
	goFramed   = peers.Program{Library: peers.ThriftGo, Settings: "framed-binary"}
	goBuffered = peers.Program{Library: peers.ThriftGo, Settings: "buffered-compact"}
	goTHeader  = peers.Program{Library: peers.ThriftGo, Settings: "theader-compact-mux"}
	kitex      = peers.Program{Library: peers.Kitex, Settings: "framed-binary"}
	kitexTT    = peers.Program{Library: peers.Kitex, Settings: "ttheader-binary"}
	kitexMux   = peers.Program{Library: peers.Kitex, Settings: "ttheader-binary-mux"}

	pythonFramed   = peers.Program{Library: peers.ThriftPython, Settings: "framed-binary"}
	pythonBuffered = peers.Program{Library: peers.ThriftPython, Settings: "buffered-compact-mux"}
	pythonTHeader  = peers.Program{Library: peers.ThriftPython, Settings: "theader-binary-mux"}
	node           = peers.Program{Library: peers.ThriftNode, Settings: "buffered-binary"}
	nodeMux        = peers.Program{Library: peers.ThriftNode, Settings: "framed-compact-mux"}
	javaFramed     = peers.Program{Library: peers.ThriftJava, Settings: "framed-compact-mux"}
	javaBuffered   = peers.Program{Library: peers.ThriftJava, Settings: "buffered-binary-mux"}
)

// calls is how many mixed calls are compared on each path.
const calls = 320

var protocol = suite.Protocol{
	Name:   "Thrift",
	Codec:  "thrift",
	Config: config,
	Mix: suite.Mix{
		Calls: calls,
		Methods: []string{
			"echo", "echo", "echo", "echo", "person", "texts", "table", "bytes", "add", "flag", "noResult", "declared",
			"undeclared", "tell", "person", "",
		},
		OneWay:  "tell",
		Results: results,
	},
	Pairs:       pairs(),
	Connections: connections,

	Idle: trials([]suite.Trial{{Peer: goFramed, Envoys: oldest}, {Peer: kitexTT, Envoys: newest}},
		suite.Trial{Peer: node, Envoys: oldest}, suite.Trial{Peer: javaBuffered, Envoys: newest}),
	RouteChanges: trials([]suite.Trial{{Peer: goBuffered, Envoys: oldest}, {Peer: kitex, Envoys: newest}},
		suite.Trial{Peer: nodeMux, Envoys: oldest}, suite.Trial{Peer: javaFramed, Envoys: newest}),
	ListenerChanges: trials([]suite.Trial{
		{Peer: goFramed, Envoys: oldest}, {Peer: kitexTT, Envoys: newest}, {Peer: pythonFramed, Envoys: newest},
	}, suite.Trial{Peer: nodeMux, Envoys: oldest}, suite.Trial{Peer: javaBuffered, Envoys: newest}),
	ServersKilled: trials([]suite.Trial{
		{Peer: goFramed, Envoys: suite.Both}, {Peer: kitexTT, Envoys: newest}, {Peer: pythonBuffered, Envoys: oldest},
	}, suite.Trial{Peer: node, Envoys: newest}, suite.Trial{Peer: javaFramed, Envoys: oldest}),
	ClientsKilled: trials([]suite.Trial{
		{Peer: goBuffered, Envoys: oldest}, {Peer: kitexMux, Envoys: newest}, {Peer: nodeMux, Envoys: newest},
	}, suite.Trial{Peer: pythonFramed, Envoys: oldest}, suite.Trial{Peer: javaBuffered, Envoys: oldest}),
	Restarts: trials([]suite.Trial{
		{Peer: goFramed, Envoys: newest}, {Peer: kitexTT, Envoys: oldest}, {Peer: nodeMux, Envoys: newest},
	}, suite.Trial{Peer: pythonTHeader, Envoys: oldest}, suite.Trial{Peer: javaFramed, Envoys: newest}),
	// Framed and buffered messages do not tell a deadline, and THeader of Apache Thrift
	// has no header for it.
	Timeouts: []suite.Trial{{Peer: kitexTT, Envoys: newest}},

	Errors: suite.Errors{
		Clients: []peers.Peer{
			peers.Program{Library: peers.ThriftGo, Settings: "framed-binary-mux"},
			kitexTT,
			kitexMux,
			goTHeader,
			peers.Program{Library: peers.ThriftGo, Settings: "buffered-compact-mux"},
			pythonBuffered, pythonTHeader, nodeMux, javaFramed, javaBuffered,
		},
		Lacks:    lacks,
		Expect:   expectError,
		Metadata: "headers",
		Head:     "Thrift",
		// A case is a service that clients call.
		Match:    func(name string) string { return fmt.Sprintf("prefix: /%s/", name) },
		Rewrite:  `regex_rewrite: {pattern: {regex: "^/[^/]+/"}, substitution: "/Peer/"}`,
		Frame:    errorFrame,
		Decoder:  codec("{}"),
		Native:   native,
		Stranger: "\x00\x00\x00\x11\x80\x01\x00\x02\x00\x00\x00\x04echo\x7f\x7f\x7f\x7f\x00",
	},
}

// TestSuite makes calls with all types of the IDL, none, exceptions that it declares
// and does not, one-way calls, large ones, and calls of a method that no server has.
func TestSuite(t *testing.T) { suite.Run(t, &protocol) }

// lacks tells that only TTHeader has a deadline, that only headers can be too large or
// ambiguous, and that ids of answers are left to clients unless the codec goes by them.
func lacks(client peers.Peer, name string) bool {
	switch name {
	case "silent":
		return client != kitexTT && client != kitexMux
	case "large-metadata", "two-spellings":
		return !hasHeaders(client)
	case "stranger":
		return !byID(client)
	}
	return false
}

// expectError changes what Apache Thrift sees of an error into what another one sees.
func expectError(client peers.Peer, name string, want *peers.Seen) {
	p := program(client)
	switch {
	case p.Library == peers.Kitex && (name == "no-route" || name == "no-cluster"):
		// It has a number of its own where TTHeader names the service.
		want.Code = "20"
	case name == "large-message" && strings.HasPrefix(p.Settings, "buffered-"):
		// Without a frame there is no length by which to skip it: the connection ends.
		*want = peers.Seen{Took: want.Took}
	}
}

func codec(config string) sdk.Codec {
	c, err := thrift.Definition().New([]byte(config))
	if err != nil {
		panic(err)
	}
	return c
}

// errorFrame is the call of a case, told by its service, in a THeader.
func errorFrame(tb testing.TB, name string) []byte {
	tb.Helper()
	request := sdk.Request{
		ID: 1, Service: name, Method: "echo", Timeout: suite.ClientTimeout,
		Arguments: []sdk.Argument{{Type: "string", Value: name}},
	}
	suite.Enlarge(&request, name)
	frame, err := codec(`{"transport": "theader"}`).(sdk.RequestBuilder).BuildRequest(nil, request)
	if err != nil {
		tb.Fatal(err)
	}
	return frame
}

// native tells the type of the exception that is the answer to a case.
func native(answer *sdk.Message) string {
	for _, s := range (&thrift.Codec{}).Statuses() {
		if s.Native == answer.Status.Native {
			return fmt.Sprintf("`%s` (%d)", s.Name, s.Native)
		}
	}
	return strconv.Itoa(answer.Status.Native)
}
