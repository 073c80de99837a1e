package rpcserver

import "sync"

// gate bounds the calls that are open at a time on a connection, and the bytes of
// their requests.
type gate struct {
	maxCalls, maxBytes int

	mu    sync.Mutex
	freed sync.Cond
	calls int
	bytes int
}

func newGate(maxCalls, maxBytes int) *gate {
	g := &gate{maxCalls: maxCalls, maxBytes: maxBytes}
	g.freed.L = &g.mu
	return g
}

// enter waits until a call of that many bytes fits in. One call always fits.
func (g *gate) enter(bytes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.calls > 0 && (g.calls >= g.maxCalls || g.bytes+bytes > g.maxBytes) {
		g.freed.Wait()
	}
	g.calls++
	g.bytes += bytes
}

// leave ends a call that has entered.
func (g *gate) leave(bytes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls--
	g.bytes -= bytes
	g.freed.Signal() // only the connection's reader waits
}

// empty reports whether no call is open.
func (g *gate) empty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls == 0
}
