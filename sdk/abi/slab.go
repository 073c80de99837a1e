package abi

import "sync/atomic"

// slab keeps objects under integer handles, for one thread. A handle is never
// used again for another object: it holds the slot's generation, so that a stale
// handle finds nothing instead of a stranger.
type slab[T any] struct {
	slots []slot[T]
	free  []uint32
	count atomic.Int64 // of objects, for whoever wants to know; only the thread changes it
}

type slot[T any] struct {
	value      *T
	generation uint32
}

// put keeps v and returns its handle, which is never zero.
func (s *slab[T]) put(v *T) uint64 {
	var i uint32
	if n := len(s.free); n > 0 {
		i = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		i = uint32(len(s.slots))
		s.slots = append(s.slots, slot[T]{})
	}
	s.slots[i].value = v
	s.count.Add(1)
	return uint64(s.slots[i].generation)<<32 | uint64(i) + 1
}

// get returns the object, or nil if the handle is stale or was never given out.
func (s *slab[T]) get(handle uint64) *T {
	i := (handle & 0xffffffff) - 1
	if i >= uint64(len(s.slots)) || uint64(s.slots[i].generation) != handle>>32 {
		return nil
	}
	return s.slots[i].value
}

// remove forgets the object and returns it, or nil if there is none.
func (s *slab[T]) remove(handle uint64) *T {
	v := s.get(handle)
	if v == nil {
		return nil
	}
	i := uint32(handle&0xffffffff) - 1
	s.slots[i] = slot[T]{generation: s.slots[i].generation + 1}
	s.free = append(s.free, i)
	s.count.Add(-1)
	return v
}

// any returns some object's handle, 0 if there is none.
func (s *slab[T]) any() uint64 {
	for i := range s.slots {
		if s.slots[i].value != nil {
			return uint64(s.slots[i].generation)<<32 | uint64(i) + 1
		}
	}
	return 0
}
