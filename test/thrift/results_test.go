package thrift

import (
	"fmt"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// Mixed calls whose results are the server's own.
const (
	undeclared = 12
	oneway     = 13
	missing    = 15
)

// common are the beginnings of what the first direct calls give, printed by Go.
var common = []string{
	"call 0", "grüße, 世界 😀 1", "", "70000 bytes", `person 4/4/1/["first" "" "third"]/map[a:4 b:-1099511627776]`,
	"[call 5  ü]", "map[empty:[] n:[6 -1 1099511627776]]", "2097152 bytes", "1099511627784", "true", "void",
	"Declared 7: call 11", "", "sent", "person 14/14/3.5/[]/map[a:14 b:-1099511627776]", "",
}

// elsewhere are those that the peers in other languages print in another way.
var elsewhere = map[int]string{
	3: "70000 characters", 4: "person 4/4/1.00/[first, , third]/{a=4, b=-1099511627776}", 5: "[call 5, , ü]",
	6: "{empty=[], n=[6, -1, 1099511627776]}", 7: "1048576 bytes", 14: "person 14/14/3.50/none/{a=14, b=-1099511627776}",
}

// ofServer are the texts in which servers tell of an exception that the IDL does not
// declare, and of a method that they do not have.
var ofServer = map[*peers.Library]struct{ undeclared, missing string }{
	peers.ThriftGo: {undeclared: "6: Internal error processing undeclared: call 12", missing: "1: Unknown function missing"},
	// Its exceptions have no type.
	peers.ThriftNode:   {undeclared: "0: call 12", missing: "0: Unknown function missing"},
	peers.ThriftPython: {undeclared: "6: Internal error", missing: "1: Unknown function missing"},
	peers.ThriftJava:   {undeclared: "6: Internal error processing undeclared", missing: "1: Invalid method name: 'missing'"},
	peers.Kitex:        {undeclared: "6: biz error: call 12", missing: "1: unknown method missing"},
}

func results(client, server peers.Peer) []string {
	texts := ofServer[program(server).Library]
	all := make([]string, len(common))
	library := program(client).Library
	for n, result := range common {
		if other, ok := elsewhere[n]; ok && library != peers.ThriftGo && library != peers.Kitex {
			result = other
		}
		switch n {
		case undeclared:
			result = "TApplicationException " + texts.undeclared
		case missing:
			result = "TApplicationException " + texts.missing
		}
		// What is long is told by its size and a hash, not by its headers.
		if hasHeaders(client) && n != oneway && n != missing && n != 3 && n != 7 {
			result += fmt.Sprint(", seen lane-", n)
		}
		all[n] = result
	}
	return all
}
