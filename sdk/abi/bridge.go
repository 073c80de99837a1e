package abi

// #include "meltemi.h"
import "C"

import (
	"slices"
	"time"
	"unsafe"

	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// bridge is an upstream request. All calls come from its worker.
type bridge struct {
	envoy  unsafe.Pointer // Envoy's bridge and the hooks' object, valid until the
	object unsafe.Pointer // bridge is closed
	edge   *engine.Bridge
	failed bool // the edge panicked: it is not asked again
}

//export meltemiBridgeOpen
func meltemiBridgeOpen(id C.uint32_t, config C.uint64_t, envoy, object unsafe.Pointer) (handle C.uint64_t) {
	defer barrier("a new upstream request", func() { handle = 0 })
	c := configs.get(config)
	if c == nil {
		return 0
	}
	w := workerOf(id)
	b := w.newBridge()
	*b = bridge{envoy: envoy, object: object, edge: engine.NewBridge(c.engine)}
	return C.uint64_t(w.bridges.put(b))
}

// maxSpare is how many ended bridges a worker keeps for the next calls.
const maxSpare = 256

func (w *worker) newBridge() *bridge {
	n := len(w.spare)
	if n == 0 {
		return new(bridge)
	}
	b := w.spare[n-1]
	w.spare = w.spare[:n-1]
	return b
}

//export meltemiBridgeHeaders
func meltemiBridgeHeaders(id C.uint32_t, handle C.uint64_t, headers *C.meltemi_header, n C.size_t, end C.bool,
	out *C.meltemi_bridge_output,
) {
	w := workerOf(id)
	w.run(handle, "an upstream request's headers", out, func(b *engine.Bridge) *engine.BridgeOutput {
		return b.Headers(w.headers(headers, n), bool(end))
	})
}

//export meltemiBridgeData
func meltemiBridgeData(id C.uint32_t, handle C.uint64_t, chunks *C.meltemi_buffer, n C.size_t, end C.bool,
	out *C.meltemi_bridge_output,
) {
	w := workerOf(id)
	w.run(handle, "an upstream request's body", out, func(b *engine.Bridge) *engine.BridgeOutput {
		return b.Data(w.views(chunks, n), bool(end))
	})
}

//export meltemiBridgeTrailers
func meltemiBridgeTrailers(id C.uint32_t, handle C.uint64_t, out *C.meltemi_bridge_output) {
	w := workerOf(id)
	w.run(handle, "an upstream request's trailers", out, func(b *engine.Bridge) *engine.BridgeOutput {
		return b.Trailers()
	})
}

//export meltemiBridgeFromServer
func meltemiBridgeFromServer(id C.uint32_t, handle C.uint64_t, chunks *C.meltemi_buffer, n C.size_t, end C.bool,
	out *C.meltemi_bridge_output,
) {
	w := workerOf(id)
	w.run(handle, "a server's bytes", out, func(b *engine.Bridge) *engine.BridgeOutput {
		return b.FromServer(w.views(chunks, n), bool(end))
	})
}

// run calls the edge of a bridge behind a barrier.
func (w *worker) run(handle C.uint64_t, where string, out *C.meltemi_bridge_output,
	call func(*engine.Bridge) *engine.BridgeOutput,
) {
	b := w.bridges.get(uint64(handle))
	if b == nil || b.failed {
		return
	}
	defer barrier(where, func() {
		b.failed = true
		w.deferAnswer(uint64(handle))
	})
	o := call(b.edge)
	carryBridge(w, o, out)
	if r := o.Response; r != nil && !r.End && !bool(out.hang_up) {
		w.linger(uint64(handle), time.Now())
	}
	b.edge.Carried()
	if o.Defer {
		w.deferAnswer(uint64(handle))
	}
}

// meltemiBridgeDeferred takes the next bridge that waits for its answer, or for its end. It
// returns false once there is none.
//
//export meltemiBridgeDeferred
func meltemiBridgeDeferred(id C.uint32_t, envoy, object *unsafe.Pointer, out *C.meltemi_bridge_output) C.bool {
	w := workerOf(id)
	w.courier = 0
	for n := len(w.deferred); n > 0; n = len(w.deferred) {
		handle := w.deferred[n-1]
		w.deferred = w.deferred[:n-1]
		b := w.bridges.get(handle)
		if b == nil {
			continue // cancelled meanwhile
		}
		*envoy, *object = b.envoy, b.object
		b.answer(w, out)
		return true
	}
	for now := time.Now(); w.overdue(now); {
		handle := w.lingering[0].handle
		w.lingering = w.lingering[1:]
		if b := w.bridges.get(handle); b != nil {
			*envoy, *object = b.envoy, b.object
			out.hang_up = true
			return true
		}
	}
	return false
}

// answer gives the answer of a deferred bridge. One whose edge panicked gets
// status 500, left open, so that its connection is not used again.
func (b *bridge) answer(w *worker, out *C.meltemi_bridge_output) {
	fail := func() { out.status, out.end, out.hang_up = 500, false, true }
	defer barrier("a deferred answer", func() {
		b.failed = true
		fail()
	})
	if b.failed {
		fail()
		return
	}
	carryBridge(w, b.edge.Deferred(), out)
}

//export meltemiBridgeClosed
func meltemiBridgeClosed(id C.uint32_t, handle C.uint64_t) {
	defer barrier("an upstream request's end", nil)
	w := workerOf(id)
	b := w.bridges.remove(uint64(handle))
	if b == nil {
		return
	}
	b.edge.Release()
	if *b = (bridge{}); len(w.spare) < maxSpare {
		w.spare = append(w.spare, b)
	}
}

// deferAnswer lets the bridge answer from a scheduler on this worker: an answer
// while the request is still being encoded would cost the connection.
func (w *worker) deferAnswer(handle uint64) {
	w.deferred = append(w.deferred, handle)
	w.callCourier(time.Time{})
}

// lingerTime is how long a response with a body may stay open until its client has it.
const lingerTime = 5 * time.Minute

// linger notes a response that was left open. The client's edge resets it when it has the
// body, however slowly, but nobody does where it goes nowhere (a mirrored call): there the
// server is hung up on at last, and the call ends because it closes.
func (w *worker) linger(handle uint64, now time.Time) {
	if len(w.lingering) == cap(w.lingering) {
		w.lingering = slices.DeleteFunc(w.lingering, func(l lingerer) bool { return w.bridges.get(l.handle) == nil })
	}
	w.lingering = append(w.lingering, lingerer{handle, now.Add(lingerTime)})
}

// overdue reports whether the oldest of them has had its time.
func (w *worker) overdue(now time.Time) bool {
	return len(w.lingering) > 0 && !now.Before(w.lingering[0].until)
}

// callCourier asks the scheduler of a connection of this worker, rather the one
// that was read last than any, to run what is deferred or overdue. If there is no
// connection at all, the next one will be asked.
func (w *worker) callCourier(now time.Time) {
	if len(w.deferred) == 0 && !w.overdue(now) || w.courier != 0 {
		return
	}
	handle := w.recent
	n := w.networks.get(handle)
	if n == nil {
		handle = w.networks.any()
		n = w.networks.get(handle)
	}
	if n == nil {
		return
	}
	w.courier = handle
	n.wakeup.post(n.envoy, C.MELTEMI_EVENT_DEFERRED)
}

// carryBridge writes what the edge wants into C memory, for the hook to carry out.
func carryBridge(w *worker, o *engine.BridgeOutput, out *C.meltemi_bridge_output) {
	o.Counts.MoveTo(&w.counts)
	r := o.Response
	size := len(o.ToServer)
	if r != nil {
		size += fieldsSize(r.Fields) + fieldsSize(r.Trailers) + len(r.Body)
	}
	if size == 0 && r == nil {
		return
	}
	reserve(out.arena, size)
	a := arena{rest: unsafe.Slice((*byte)(unsafe.Pointer(out.arena.bytes)), size)}
	if r != nil {
		out.status, out.end = C.uint32_t(r.Status), C.bool(r.End)
		// Headers are on their way at once; a body may wait for a slow client.
		out.hang_up = C.bool(!r.End && len(r.Body) == 0)
		// The arrays come first, since they must be aligned.
		headers, trailers := a.array(len(r.Fields)), a.array(len(r.Trailers))
		a.fill(headers, r.Fields)
		a.fill(trailers, r.Trailers)
		out.headers, out.headers_length = unsafe.SliceData(headers), C.size_t(len(headers))
		out.trailers, out.trailers_length = unsafe.SliceData(trailers), C.size_t(len(trailers))
		out.body, out.body_length = a.bytes(r.Body), C.size_t(len(r.Body))
	}
	out.to_server, out.to_server_length = a.bytes(o.ToServer), C.size_t(len(o.ToServer))
}

// reserve makes room in C memory. It crosses into C only where there is too little.
func reserve(a *C.meltemi_arena, size int) {
	if C.size_t(size) > a.capacity {
		C.meltemi_arena_reserve(a, C.size_t(size))
	}
}

const headerSize = int(unsafe.Sizeof(C.envoy_dynamic_module_type_module_http_header{}))

func fieldsSize(fields []engine.Field) int {
	n := len(fields) * headerSize
	for i := range fields {
		n += len(fields[i].Name) + len(fields[i].Value)
	}
	return n
}

// arena hands out parts of a C arena that is large enough for all of them.
type arena struct{ rest []byte }

func (a *arena) array(n int) []C.envoy_dynamic_module_type_module_http_header {
	if n == 0 {
		return nil
	}
	array := unsafe.Slice((*C.envoy_dynamic_module_type_module_http_header)(unsafe.Pointer(unsafe.SliceData(a.rest))), n)
	a.rest = a.rest[n*headerSize:]
	return array
}

func (a *arena) bytes(b []byte) *C.char {
	if len(b) == 0 {
		return nil
	}
	at := unsafe.SliceData(a.rest)
	a.rest = a.rest[copy(a.rest, b):]
	return (*C.char)(unsafe.Pointer(at))
}

func (a *arena) fill(array []C.envoy_dynamic_module_type_module_http_header, fields []engine.Field) {
	for i := range fields {
		array[i].key_ptr, array[i].key_length = a.bytes(fields[i].Name), C.size_t(len(fields[i].Name))
		array[i].value_ptr, array[i].value_length = a.bytes(fields[i].Value), C.size_t(len(fields[i].Value))
	}
}
