// Package engine holds the two edges of Meltemi as pure state machines.
//
// The client's edge ([Downstream]) takes the bytes of an RPC client, makes HTTP/2
// requests of them for a connection manager, and makes RPC replies of what that
// writes. The server's edge ([Upstream], carried by [Bridge]) takes such a request,
// checks it against its headers, and talks RPC to a server.
//
// Bytes go in, and a struct that says what to do comes out. The package does no
// I/O, starts no goroutine, takes no lock, asks no clock, and knows no host: in
// Envoy it is package abi that calls it, on plain connections package nethost. An
// edge is used by one thread at a time. A [Config] is immutable and shared.
//
// What comes in is borrowed until the call returns, what comes out until the next
// call. Memory is pooled per connection, so that a call in steady state allocates
// nothing; nothing is ever allocated by a length from the wire, and each queue has
// a bound.
package engine
