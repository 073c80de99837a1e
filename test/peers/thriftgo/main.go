// Command thriftgo is a peer for the tests: a server or client of the service in
// ../thrift/peer.thrift, with Apache Thrift's own library for Go.
//
// Settings are one word, TRANSPORT-PROTOCOL or TRANSPORT-PROTOCOL-mux: framed, buffered
// or theader, and binary or compact. A multiplexed server has the services Peer and
// Second, which mixed calls take in turn.
package main

import "github.com/meltemi-mesh/meltemi/test/peers/program"

//go:generate thrift --gen go:package_prefix=github.com/meltemi-mesh/meltemi/test/peers/thriftgo/,skip_remote -out . ../thrift/peer.thrift

func main() { program.Main(program.Peer{Name: "thriftgo", Serve: serve, Dial: dial}) }
