// Command kitex is a peer for the tests: a server or client of the service in
// ../thrift/peer.thrift, with Kitex.
//
// Settings are one word: framed-binary, buffered-binary, ttheader-binary, or
// ttheader-binary-mux for many calls at a time on one connection. A server takes all
// transports; only what -mux says has to be said to it. On the wire its one-way calls
// are calls like any other.
package main

import "github.com/meltemi-mesh/meltemi/test/peers/program"

//go:generate go tool kitex -module github.com/meltemi-mesh/meltemi/test/peers/kitex ../thrift/peer.thrift

func main() { program.Main(program.Peer{Name: "kitex", Serve: serve, Dial: dial}) }
