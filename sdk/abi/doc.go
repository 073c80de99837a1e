// Package abi is the boundary between Envoy and the engine: the dynamic module's
// C interface on one side, package engine on the other. It is the only package
// with cgo, and exports nothing but [Register].
//
// # How a hook runs
//
// Envoy calls a hook (hooks_*.c) on one of its threads. The hook collects Envoy's
// buffers, calls one exported Go function (network.go, bridge.go, listener.go),
// and carries out what that wants. Bytes cross in C memory (arena.c), objects as
// integer handles (slab.go): no Go pointer ever reaches C, so stock Go settings
// will do.
//
// # Threads
//
// Configurations are made and dropped on the main thread, those of bridges on
// workers. A connection and a bridge live on one worker, and so does all that is
// kept in a [worker]; none of it is locked. A timer that has gone off is the only
// goroutine, and it touches nothing but the scheduler of its connection (wakeup.go) or,
// once a second, those of configurations (gauges.go).
//
// # When Go fails
//
// Each exported function has a barrier (recover) and fails closed: a connection
// is closed, a request gets status 500.
//
// # The vendored header
//
// abi.h is Envoy's own (Apache-2.0), unchanged: source/extensions/dynamic_modules/abi/abi.h
// of Envoy 1.38. No signature changed in 1.39 and 1.40. Declarations that are newer
// stand in meltemi.h.
package abi
