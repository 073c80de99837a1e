package cache

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// model is the store in the plainest form: what was asked for last stands last.
type model struct {
	maxBytes, maxEntries int
	list                 []*entry
	gone                 gone
}

func (m *model) find(k key) int {
	return slices.IndexFunc(m.list, func(e *entry) bool { return e.key == k })
}

func (m *model) bytes() (n int) {
	for _, e := range m.list {
		n += len(e.answer) + entryBytes
	}
	return n
}

func (m *model) get(k key, now time.Time) []byte {
	i := m.find(k)
	if i < 0 {
		return nil
	}
	e := m.list[i]
	m.list = slices.Delete(m.list, i, i+1)
	if !e.expires.After(now) {
		m.gone.expired++
		return nil
	}
	m.list = append(m.list, e)
	return e.answer
}

func (m *model) put(e *entry, now time.Time) {
	if i := m.find(e.key); i >= 0 {
		m.list = slices.Delete(m.list, i, i+1)
	}
	if len(e.answer)+entryBytes > m.maxBytes {
		return
	}
	m.list = append(m.list, e)
	for len(m.list) > m.maxEntries || m.bytes() > m.maxBytes {
		if m.list[0].expires.After(now) {
			m.gone.full++
		} else {
			m.gone.expired++
		}
		m.list = m.list[1:]
	}
}

// TestStoreIsItsModel does the same at random with the store and with its model.
func TestStoreIsItsModel(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 0))
		s, m := &store{}, &model{maxBytes: 4000, maxEntries: 8}
		s.init(m.maxBytes, m.maxEntries)
		var g gone
		now := time.Unix(0, 0)
		for step := range 2000 {
			k := key{byte(random.IntN(14))}
			now = now.Add(time.Duration(random.IntN(3)) * time.Second)
			if random.IntN(2) == 0 {
				if got, want := s.get(k, now, &g), m.get(k, now); !bytes.Equal(got, want) {
					t.Fatalf("seed %d, step %d: got %q, want %q", seed, step, got, want)
				}
			} else {
				size := random.IntN(600)
				if random.IntN(50) == 0 {
					size = 4000 // more than there is room for
				}
				answer := binary.BigEndian.AppendUint64(make([]byte, size), uint64(step))
				e := &entry{key: k, answer: answer, expires: now.Add(time.Duration(random.IntN(20)) * time.Second)}
				s.put(e, now, &g)
				m.put(e, now)
			}
			if len(s.entries) != len(m.list) || s.recent.Len() != len(m.list) || s.bytes != m.bytes() || g != m.gone {
				t.Fatalf("seed %d, step %d: %d entries (%d in the list) of %d bytes, %+v; want %d of %d, %+v",
					seed, step, len(s.entries), s.recent.Len(), s.bytes, g, len(m.list), m.bytes(), m.gone)
			}
			if s.bytes > m.maxBytes || len(s.entries) > m.maxEntries {
				t.Fatalf("seed %d, step %d: %d entries of %d bytes are too many", seed, step, len(s.entries), s.bytes)
			}
		}
	}
}

// TestBounds fills a store beyond its bounds: what was asked for last stays.
func TestBounds(t *testing.T) {
	s, g, now := &store{}, gone{}, time.Unix(0, 0)
	s.init(1<<20, 3)
	for i := range byte(3) {
		s.put(&entry{key: key{i}, answer: []byte{i}, expires: now.Add(time.Hour)}, now, &g)
	}
	s.get(key{0}, now, &g)
	s.put(&entry{key: key{3}, answer: []byte{3}, expires: now.Add(time.Hour)}, now, &g)
	for i, want := range []bool{true, false, true, true} {
		if got := s.get(key{byte(i)}, now, &g) != nil; got != want {
			t.Errorf("entry %d is there: %v, want %v", i, got, want)
		}
	}
	if g.full != 1 || g.expired != 0 {
		t.Errorf("%+v have gone, want one that made room", g)
	}
}

// TestThreads has many threads ask, answer, fail and leave at once. In the end nobody is
// forgotten: each call that waited was resumed.
func TestThreads(t *testing.T) {
	s, now := &store{}, time.Unix(0, 0)
	s.init(1<<16, 10)
	var wg sync.WaitGroup
	for worker := range uint64(8) {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(worker, 1))
			for range 2000 {
				aCall(t, s, key{byte(random.IntN(3))}, random, now)
			}
		})
	}
	wg.Wait()
	if len(s.flights) != 0 {
		t.Errorf("%d flights are left", len(s.flights))
	}
}

// aCall is one call on a thread of its own, with a store.
func aCall(t *testing.T, s *store, k key, random *rand.Rand, now time.Time) {
	t.Helper()
	var g gone
	me := &seat{}
	answer, p := s.ask(k, now, me, &g)
	if p == follows {
		pause := &fakePause{resumed: make(chan string, 1)}
		me.pause = pause
		if answer, p = s.ask(k, now, me, &g); p == follows {
			if random.IntN(10) == 0 { // its client goes away, or it goes by itself
				wake(s.settle(me, failed), "")
				return
			}
			select {
			case what := <-pause.resumed:
				if what != "lead" {
					wake(s.settle(me, failed), "")
					return
				}
			case <-time.After(30 * time.Second):
				t.Error("a follower is forgotten")
				return
			}
		}
	}
	if p == answered {
		if answer[0] != k[0] {
			t.Errorf("the answer to %d is %d", k[0], answer[0])
		}
		return
	}
	switch random.IntN(4) {
	case 0:
		wake(s.settle(me, failed), "")
	case 1:
		wake(s.settle(me, unshared), "alone")
	default:
		s.mu.Lock()
		s.put(&entry{key: k, answer: []byte{k[0]}, expires: now.Add(1)}, now, &g)
		if random.IntN(2) == 0 {
			s.remove(s.entries[k]) // as if it had expired
		}
		s.mu.Unlock()
		wake(s.settle(me, good), "answer")
	}
	wake(s.settle(me, failed), "") // as at the end of each call
}

func wake(d settled, what string) {
	if d.leader != nil {
		tell(d.leader, "lead")
	}
	for _, s := range d.followers {
		tell(s, what)
	}
}

func tell(s *seat, what string) {
	if p, ok := s.pause.(*fakePause); ok {
		p.resumed <- what // it is told once; a second time would block
	}
}
