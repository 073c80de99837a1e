package thrift

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

// libraries are what peers are written with, and the settings that they know. Each
// calls each other one in all settings that both know.
var libraries = []struct {
	library  *peers.Library
	settings []string
}{
	{peers.ThriftGo, words("framed", "buffered", "theader")},
	{peers.ThriftPython, words("framed", "buffered", "theader")},
	{peers.ThriftNode, words("framed", "buffered")},
	{peers.ThriftJava, words("framed", "buffered")},
	{peers.Kitex, []string{"framed-binary", "buffered-binary", "ttheader-binary", "ttheader-binary-mux"}},
}

// words are the settings of some transports with both protocols, multiplexed and not.
func words(transports ...string) []string {
	var all []string
	for _, transport := range transports {
		for _, protocol := range []string{"binary", "compact"} {
			all = append(all, transport+"-"+protocol, transport+"-"+protocol+"-mux")
		}
	}
	return all
}

// pairs are who calls whom in what settings through which Envoy: in make test a
// selection in which each two of these meet, in make test-all all of them.
func pairs() []suite.Pair {
	var rows [][]string
	for _, client := range libraries {
		for _, server := range libraries {
			for _, word := range client.settings {
				if !slices.Contains(server.settings, word) {
					continue
				}
				parts := append(strings.Split(word, "-"), "one")
				for _, envoy := range suite.Both {
					rows = append(rows, []string{client.library.Name, server.library.Name, parts[0], parts[1], parts[2], envoy})
				}
			}
		}
	}
	var all []suite.Pair
	for _, row := range suite.Select(rows) {
		word := strings.TrimSuffix(strings.Join(row[2:5], "-"), "-one")
		client := peers.Program{Library: named(row[0]), Settings: word}
		server := peers.Program{Library: named(row[1]), Settings: word}
		if n := len(all) - 1; n >= 0 && all[n].Client == client && all[n].Server == server {
			all[n].Envoys = append(all[n].Envoys, row[5])
			continue
		}
		all = append(all, suite.Pair{Client: client, Server: server, Envoys: []string{row[5]}})
	}
	return all
}

// trials are some that are always made, and others that only make test-all makes.
func trials(always []suite.Trial, others ...suite.Trial) []suite.Trial {
	if suite.All() {
		return append(always, others...)
	}
	return always
}

func named(name string) *peers.Library {
	for _, l := range libraries {
		if l.library.Name == name {
			return l.library
		}
	}
	panic(fmt.Sprintf("no library %q", name))
}

// program is what a peer of Thrift is.
func program(peer peers.Peer) peers.Program { return peer.(peers.Program) }

func hasHeaders(peer peers.Peer) bool {
	return strings.Contains(program(peer).Settings, "theader")
}

// byID reports whether replies to a client overtake each other. All of Kitex in that
// setting can take that, and all of Node.js: a part of it shows that.
func byID(client peers.Peer) bool {
	p := program(client)
	return client == kitexMux || p.Library == peers.ThriftNode && strings.HasSuffix(p.Settings, "-mux")
}

// config declares the one-way method where calls do not tell it, and lets replies
// overtake each other where clients can take that.
func config(client peers.Peer) string {
	switch p := program(client); {
	case client == kitexMux:
		return "{oneway: [tell], replies: by_id}"
	case byID(client):
		return "{replies: by_id}"
	case p.Library == peers.ThriftGo, p.Library == peers.Kitex:
		return `{oneway: [tell, "Peer:tell", "Second:tell"]}`
	}
	return "{}"
}

// connections are one for each thread. Kitex gives one up after an exception and after
// a one-way call, and has others for its second service. Node.js has one for all. A
// one-way call may still be on its way to the server when its thread makes the next one.
func connections(client, _ peers.Peer) suite.Connections {
	all := suite.Connections{Least: suite.Threads, Most: suite.Threads, Last: 2 * suite.CallsAtATime}
	if !strings.Contains(config(client), "oneway") {
		// One-way calls that only their messages declare take a connection each.
		all.Last += calls / len(common)
	}
	switch program(client).Library {
	case peers.Kitex:
		all.Most = calls
	case peers.ThriftNode:
		all.Least, all.Most = 1, 1
	}
	return all
}
