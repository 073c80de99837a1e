package cache

import (
	"container/list"
	"sync"
	"time"
)

// key is the hash of all that an answer depends on.
type key [32]byte

// entryBytes is what an entry takes beside its answer: its key, twice, its place in the
// list and the map, and itself.
const entryBytes = 256

// entry is an answer that is kept.
type entry struct {
	key     key
	answer  []byte // a whole frame; nobody changes it
	expires time.Time
}

func (e *entry) bytes() int { return len(e.answer) + entryBytes }

// store holds answers, and the calls on their way that others wait for. All threads use
// it; the lock is held for a few operations on maps and lists, and never while anything is
// hashed, copied or told.
type store struct {
	maxBytes, maxEntries int

	mu      sync.Mutex
	entries map[key]*list.Element // of *entry
	recent  list.List             // what was asked for last stands in front
	bytes   int
	flights map[key]*flight
}

// gone is how many entries have left the store, and why.
type gone struct{ full, expired uint64 }

func (s *store) init(maxBytes, maxEntries int) {
	s.maxBytes, s.maxEntries = maxBytes, maxEntries
	s.entries, s.flights = map[key]*list.Element{}, map[key]*flight{}
}

// get returns the answer with that key, nil if there is none that is good. The lock is
// held.
func (s *store) get(k key, now time.Time, g *gone) []byte {
	at := s.entries[k]
	if at == nil {
		return nil
	}
	e := entryOf(at)
	if !now.Before(e.expires) {
		s.remove(at)
		g.expired++
		return nil
	}
	s.recent.MoveToFront(at)
	return e.answer
}

// put keeps an answer. The lock is held.
func (s *store) put(e *entry, now time.Time, g *gone) {
	if at := s.entries[e.key]; at != nil {
		s.remove(at)
	}
	if e.bytes() > s.maxBytes {
		return
	}
	for len(s.entries) >= s.maxEntries || s.bytes+e.bytes() > s.maxBytes {
		last := s.recent.Back()
		if now.Before(entryOf(last).expires) {
			g.full++
		} else {
			g.expired++
		}
		s.remove(last)
	}
	s.entries[e.key] = s.recent.PushFront(e)
	s.bytes += e.bytes()
}

func (s *store) remove(at *list.Element) {
	e := entryOf(at)
	s.recent.Remove(at)
	delete(s.entries, e.key)
	s.bytes -= e.bytes()
}

func entryOf(at *list.Element) *entry {
	e, _ := at.Value.(*entry)
	return e
}
