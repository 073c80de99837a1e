// Package nethost runs the engine on plain connections instead of in Envoy: a proof
// that the engine knows no host, and a stand-in for tests that need no Envoy.
//
// [Client] carries the client's edge between an RPC client and any HTTP/2 server.
// [Handler] carries the server's edge behind any net/http server.
package nethost
