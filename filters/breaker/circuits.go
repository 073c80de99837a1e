package breaker

import (
	"maps"
	"sync"
	"sync/atomic"
)

// key is what a circuit is found by. Routes with settings of their own have circuits of
// their own.
type key struct {
	settings        settings
	service, method string
}

// circuits are those of a filter. All threads find the known ones without a lock: the map
// is replaced, never changed.
type circuits struct {
	limit int // of either map
	known atomic.Pointer[map[key]*circuit]

	mu        sync.Mutex
	newcomers map[key]*circuit
}

func (s *circuits) init(limit int) {
	s.limit, s.newcomers = limit, map[key]*circuit{}
	s.known.Store(&map[key]*circuit{})
}

// of returns the circuit for a call. forgotten is how many others had to be dropped for it.
func (s *circuits) of(k key) (c *circuit, forgotten int) {
	if c := (*s.known.Load())[k]; c != nil {
		return c, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := (*s.known.Load())[k]; c != nil {
		return c, 0
	}
	if c := s.newcomers[k]; c != nil {
		return c, 0
	}
	if len(s.newcomers) >= s.limit {
		// All of them: to choose would cost strangers little and each call much.
		forgotten = len(s.newcomers)
		clear(s.newcomers)
	}
	c = newCircuit(k)
	s.newcomers[k] = c
	return c, forgotten
}

// keep gives a circuit a lasting place, if there is one left, and reports whether it did.
func (s *circuits) keep(c *circuit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.known.Load()
	if len(known) >= s.limit || s.newcomers[c.key] != c { // or it has been dropped, or kept by another thread
		return false
	}
	next := maps.Clone(known)
	next[c.key] = c
	s.known.Store(&next)
	delete(s.newcomers, c.key)
	c.known.Store(true)
	return true
}
