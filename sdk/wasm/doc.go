// Package wasm is the host of layer-7 filters in a Wasm module, which Envoy runs in a
// sandbox (envoy.filters.http.wasm). It exports no API but its entry point, [Register],
// and Envoy's configuration chooses a filter by its name:
//
//	{"filter": "stats", "config": {...}, "codec": {...}}
//
// with "config" and "codec" as in the dynamic module. What a filter does is in package
// filterhost, as for every host; this package carries it over to the Proxy-Wasm ABI
// with the SDK for Go. `meltemi build --host wasm` composes such a module.
//
// # Threads
//
// Each worker of Envoy has a virtual machine of its own, in which one goroutine runs at a
// time, and only while Envoy is in a call of the module. So there are no locks here, and
// what a filter shares between calls is that of one worker. A goroutine that a filter
// started goes on in later calls of the module; while a call waits, a timer of Envoy
// makes one each millisecond (events.go).
//
// # Contexts
//
// Proxy-Wasm knows two kinds of context: a plugin, which is one configuration of one
// filter on one worker ([plugin] here), and a stream, which is one HTTP request
// ([stream]). Calls into Envoy are about the context that Envoy has called last. Where it
// was the plugin, the module names the stream first (SetEffectiveContext).
//
// # What this host cannot do
//
// Envoy offers a Wasm module no way to answer a gRPC request with a body, to read what a
// route says to its filter, to write dynamic metadata or to tag a span, and a sandbox has
// neither files nor sockets. A filter that needs one of these is refused when it is
// loaded; lacks has the list.
package wasm
