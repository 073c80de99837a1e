// Package rpcserver serves calls in any protocol that has a codec with a
// ResponseBuilder: the base of `meltemi serve`.
//
// It trusts no client: messages, connections, calls in flight and the time for a
// message or a write are bounded, and what one client does costs its own connection
// only.
package rpcserver
