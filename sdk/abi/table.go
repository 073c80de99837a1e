package abi

// #include "meltemi.h"
import "C"

import (
	"sync"
	"sync/atomic"
)

// table keeps what the main thread makes and workers read, under integer handles. They
// read without a lock: the slice is replaced, never changed. A handle is an index plus
// one.
type table[T any] struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*T]
}

// put keeps v and returns its handle, which is never zero.
func (t *table[T]) put(v *T) C.uint64_t {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*T
	if old := t.list.Load(); old != nil {
		list = append(list, *old...)
	}
	at := len(list)
	for i := range list {
		if list[i] == nil {
			at = i
			break
		}
	}
	if at == len(list) {
		list = append(list, nil)
	}
	list[at] = v
	t.list.Store(&list)
	return C.uint64_t(at + 1)
}

// get returns what has that handle, nil if nothing has.
func (t *table[T]) get(handle C.uint64_t) *T {
	list := t.list.Load()
	if list == nil || handle == 0 || uint64(handle) > uint64(len(*list)) {
		return nil
	}
	return (*list)[handle-1]
}

// remove forgets what has that handle.
func (t *table[T]) remove(handle C.uint64_t) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.get(handle) == nil {
		return
	}
	list := append([]*T(nil), *t.list.Load()...)
	list[handle-1] = nil
	t.list.Store(&list)
}

// count is how many there are.
func (t *table[T]) count() (n uint64) {
	list := t.list.Load()
	if list == nil {
		return 0
	}
	for _, v := range *list {
		if v != nil {
			n++
		}
	}
	return n
}
