// Package nethost runs the engine on plain connections instead of in Envoy's filters: a
// proof that the engine knows no host, a stand-in for tests that need no Envoy, and what
// the network filter of Envoy's contrib build does (package contrib).
//
// [Client] carries the client's edge between an RPC client and any HTTP/2 server.
// [Handler] carries the server's edge behind any net/http server, and [Filter] puts a
// layer-7 filter before it.
package nethost
