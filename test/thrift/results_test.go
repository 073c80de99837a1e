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

// ofServer are the texts in which servers tell of an exception that the IDL does not
// declare, and of a method that they do not have.
var ofServer = map[*peers.Library]struct{ undeclared, missing string }{
	peers.ThriftGo: {undeclared: "6: Internal error processing undeclared: call 12", missing: "1: Unknown function missing"},
	peers.Kitex:    {undeclared: "6: biz error: call 12", missing: "1: unknown method missing"},
}

func results(client, server peers.Peer) []string {
	texts := ofServer[program(server).Library]
	all := make([]string, len(common))
	for n, result := range common {
		switch n {
		case undeclared:
			result = "TApplicationException " + texts.undeclared
		case missing:
			result = "TApplicationException " + texts.missing
		}
		// What is long is told by its size and a hash.
		if hasHeaders(client) && n != oneway && n != missing && n != 3 && n != 7 {
			result += fmt.Sprint(", seen lane-", n)
		}
		all[n] = result
	}
	return all
}
