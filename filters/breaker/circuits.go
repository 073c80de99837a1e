package breaker

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// key is what a circuit is found by. Routes with settings of their own have circuits of
// their own.
type key struct {
	settings settings
	name
}

// name is that of a method. A lasting place is a method's, with all its circuits.
type name struct{ service, method string }

// circuits are those of a filter. All threads find the known ones without a lock: the map
// is replaced, never changed.
type circuits struct {
	limit int // of methods with a place, and of newcomers
	known atomic.Pointer[map[key]*circuit]

	mu        sync.Mutex
	places    map[name][]*circuit // the known ones again
	newcomers map[key]*circuit
}

func (s *circuits) init(limit int) {
	s.limit, s.places, s.newcomers = limit, map[name][]*circuit{}, map[key]*circuit{}
	s.known.Store(&map[key]*circuit{})
}

// arrival is what became of others when a circuit was made.
type arrival struct {
	settled   bool // it is known at once, and what is shown of its method is another's
	forgotten int  // how many newcomers were dropped for it
}

// of returns the circuit for a call. The clock is asked if there is none.
func (s *circuits) of(k key, clock func() time.Duration) (*circuit, arrival) {
	if c := (*s.known.Load())[k]; c != nil {
		return c, arrival{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := (*s.known.Load())[k]; c != nil {
		return c, arrival{}
	}
	if c := s.newcomers[k]; c != nil {
		return c, arrival{}
	}
	now, a := clock(), arrival{}
	c := newCircuit(k, now)
	if s.places[k.name] != nil { // its settings are new, its method is not
		s.settle(c, now)
		a.settled = true
		return c, a
	}
	if len(s.newcomers) >= s.limit {
		// All of them: to choose would cost strangers little and each call much.
		a.forgotten = len(s.newcomers)
		clear(s.newcomers)
	}
	s.newcomers[k] = c
	return c, a
}

// keep gives a circuit a lasting place, if its method has one or there is one left, and
// reports whether it did.
func (s *circuits) keep(c *circuit, now time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newcomers[c.key] != c { // it has been dropped, or kept by another thread
		return false
	}
	if s.places[c.name] == nil && len(s.places) >= s.limit {
		return false
	}
	delete(s.newcomers, c.key)
	s.settle(c, now)
	return true
}

// settle makes a circuit known. Those of its method that nobody uses any more, since routes
// have other settings now, are dropped: so a method has no more than its routes need.
func (s *circuits) settle(c *circuit, now time.Duration) {
	known := maps.Clone(*s.known.Load())
	used := []*circuit{c}
	for _, other := range s.places[c.name] {
		if other.forsaken(now) {
			delete(known, other.key)
		} else {
			used = append(used, other)
		}
	}
	s.places[c.name] = used
	known[c.key] = c
	s.known.Store(&known)
	c.known.Store(true)
}
