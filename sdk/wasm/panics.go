package wasm

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
)

// panics remembers which panics were logged: each once, with its stack. Defects are few;
// the bound is for one that puts a changing number into its text.
type panics struct {
	mu   sync.Mutex
	seen map[string]bool
}

const maxLoggedPanics = 100

// log logs a panic of a filter, or of this package, the first time it is seen. A
// goroutine of a filter may call it, so it must not yield with the lock held.
func (p *panics) log(where string, value any, stack []byte) {
	text := fmt.Sprintf("panic in %s: %v", where, value)
	p.mu.Lock()
	known := p.seen[text] || len(p.seen) >= maxLoggedPanics
	if !known {
		if p.seen == nil {
			p.seen = make(map[string]bool)
		}
		p.seen[text] = true
	}
	p.mu.Unlock()
	if !known {
		proxywasm.LogError(fmt.Sprintf("meltemi: %s (logged once)\n%s", text, stack))
	}
}

// barrier is deferred by every hook. A panic that gets out of one ends the virtual
// machine, with all calls of the worker. failed is called for one that is caught.
func (p *plugin) barrier(where string, failed func()) {
	if value := recover(); value != nil {
		p.panics.log(where, value, debug.Stack())
		if failed != nil {
			failed()
		}
	}
}
