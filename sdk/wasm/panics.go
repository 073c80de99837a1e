package wasm

import (
	"runtime/debug"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
)

// logPanic logs a panic of a filter, or of this package, the first time it is seen. A
// goroutine of a filter may call it.
func (p *plugin) logPanic(where string, value any, stack []byte) {
	if text := p.panics.Tell(where, value, stack); text != "" {
		proxywasm.LogError("meltemi: " + text)
	}
}

// barrier is deferred by every hook. A panic that gets out of one ends the virtual
// machine, with all calls of the worker. failed is called for one that is caught.
func (p *plugin) barrier(where string, failed func()) {
	if value := recover(); value != nil {
		p.logPanic(where, value, debug.Stack())
		if failed != nil {
			failed()
		}
	}
}
