package abi

// #include "meltemi.h"
import "C"

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// worker is what belongs to one of Envoy's threads. Only that thread uses it.
type worker struct {
	networks slab[network]
	bridges  slab[bridge]
	filters  slab[filterCall]
	unused   *filterCall // of a filter that had nothing to do
	spare    []*bridge   // ended, for reuse

	// counts of bridges, which have no metrics of their own in Envoy's interface.
	// The next hook of a network filter on this thread hands them over.
	counts engine.Counts

	// deferred are the bridges that wait for an answer that could not be given
	// while their request was being encoded; courier is the connection whose
	// scheduler was asked to run them.
	deferred []uint64
	courier  uint64
	recent   uint64 // the connection that was read last

	// lingering are the bridges whose responses were left open, the oldest at first.
	lingering []lingerer

	chunks  [][]byte       // scratch of one hook
	fields  []engine.Field // scratch of one hook
	scratch engine.Scratch // of the clients' edges
	labels  labels         // scratch of one metric
}

// lingerer is a bridge whose client's edge is to end it, and how long it has for that.
type lingerer struct {
	handle uint64
	until  time.Time
}

// workers are all threads that ever called a hook. The slice is replaced, never
// changed, so that hooks find their worker without a lock.
var workers struct {
	sync.Mutex
	list atomic.Pointer[[]*worker]
}

//export meltemiWorkerNew
func meltemiWorkerNew() C.uint32_t {
	workers.Lock()
	defer workers.Unlock()
	var list []*worker
	if old := workers.list.Load(); old != nil {
		list = append(list, *old...)
	}
	list = append(list, &worker{})
	workers.list.Store(&list)
	return C.uint32_t(len(list))
}

func workerOf(id C.uint32_t) *worker { return (*workers.list.Load())[id-1] }

// openHandles is how many objects of workers Envoy has handles of.
func openHandles() uint64 {
	list := workers.list.Load()
	if list == nil {
		return 0
	}
	n := int64(0)
	for _, w := range *list {
		n += w.networks.count.Load() + w.bridges.count.Load() + w.filters.count.Load()
	}
	return uint64(n)
}

// views returns Envoy's chunks as slices, valid until the hook returns.
func (w *worker) views(chunks *C.meltemi_buffer, n C.size_t) [][]byte {
	w.chunks = w.chunks[:0]
	for _, c := range unsafe.Slice(chunks, n) {
		if c.length > 0 {
			w.chunks = append(w.chunks, unsafe.Slice((*byte)(unsafe.Pointer(c.ptr)), c.length))
		}
	}
	return w.chunks
}

// headers returns Envoy's headers as fields, valid until the hook returns.
func (w *worker) headers(headers *C.meltemi_header, n C.size_t) []engine.Field {
	w.fields = w.fields[:0]
	for _, h := range unsafe.Slice(headers, n) {
		w.fields = append(w.fields, engine.Field{
			Name:  unsafe.Slice((*byte)(unsafe.Pointer(h.key_ptr)), h.key_length),
			Value: unsafe.Slice((*byte)(unsafe.Pointer(h.value_ptr)), h.value_length),
		})
	}
	return w.fields
}

func goString(s *C.char, n C.size_t) string {
	return string(unsafe.Slice((*byte)(unsafe.Pointer(s)), n))
}
