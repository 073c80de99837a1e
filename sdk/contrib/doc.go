// Package contrib hosts Meltemi's codecs and layer-7 filters in the Go filters of
// Envoy's contrib build, for proxies that carry those and no dynamic modules. Its one
// entry point is [Register]; a main package lists what its library carries, and is
// built with -buildmode=c-shared.
//
// The HTTP filter (envoy.filters.http.golang) hosts layer-7 filters: a plugin for each,
// with the filter's name. The network filter (envoy.filters.network.golang) hosts
// codecs with the engine: the plugin "meltemi". docs/host-contrib.md tells how both are
// configured, and what this host cannot do.
//
// # Threads
//
// Envoy calls a request's hooks on the request's worker. What goes on with a call that
// has waited runs on a goroutine, since the interface has no way back to the worker; a
// lock sees to it that a call's hooks and those functions run one at a time. Nobody
// holds it while he waits: what Envoy is asked for on a goroutine is either answered at
// once or posted to the worker. Functions that Envoy answers by way of the worker
// (properties, filter state, secrets, dynamic metadata that is read) are therefore
// called on the worker alone.
//
// A connection of the network filter belongs to goroutines. Envoy's callbacks hand
// bytes over and return.
//
// # Memory
//
// What Envoy lends to a hook is copied by its Go package. Objects of Envoy that Go has
// handles of are freed by finalizers of that package, so a handle must not be used after
// Envoy has said that its object is gone, nor be part of a cycle: each place says how it
// sees to that.
//
// The package is a Go module of its own: it pins the version of Envoy's Go package,
// which must be that of the proxy, and keeps its size from users of the sdk.
package contrib
