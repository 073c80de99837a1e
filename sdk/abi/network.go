package abi

// #include "meltemi.h"
import "C"

import (
	"net"
	"strconv"
	"time"
	"unsafe"

	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// network is a downstream connection. All calls come from its worker.
type network struct {
	envoy  unsafe.Pointer // Envoy's filter; valid until the connection's end
	config *moduleConfig
	edge   *engine.Downstream
	wakeup wakeup
	failed bool // something of ours panicked; the edge must not be used again
}

// marksFor returns how much may wait for a client: Envoy's buffer takes one of the longest
// messages whole, and its limit is twice what it ever gets.
func marksFor(maxMessage int) C.meltemi_marks {
	longest := max(maxMessage, 1<<20)
	low, most := longest/4, longest+longest/4
	return C.meltemi_marks{low: C.uint32_t(low), most: C.uint32_t(most), limit: C.uint32_t(2 * (low + most))}
}

//export meltemiNetworkOpen
func meltemiNetworkOpen(id C.uint32_t, config C.uint64_t, envoy unsafe.Pointer,
	address *C.char, addressLength C.size_t, port C.uint32_t, marks *C.meltemi_marks,
) (handle C.uint64_t) {
	defer barrier("a new connection", func() { handle = 0 })
	c := configs.get(config)
	if c == nil {
		return 0
	}
	w := workerOf(id)
	local := net.JoinHostPort(goString(address, addressLength), strconv.Itoa(int(port)))
	edge := engine.NewDownstream(c.engine, engine.Env{LocalAddress: []byte(local), Scratch: &w.scratch})
	n := &network{envoy: envoy, config: c, edge: edge}
	*marks = marksFor(c.engine.MaxMessage())
	handle = C.uint64_t(w.networks.put(n))
	w.recent = uint64(handle)
	w.callCourier(time.Now())
	return handle
}

//export meltemiNetworkRead
func meltemiNetworkRead(id C.uint32_t, handle C.uint64_t, chunks *C.meltemi_buffer, n C.size_t,
	last C.bool, out *C.meltemi_network_output,
) {
	defer barrier("a connection's read", func() { out.close = C.MELTEMI_CLOSE_NOW })
	w := workerOf(id)
	c := w.networks.get(uint64(handle))
	if c == nil || c.failed {
		out.close = C.MELTEMI_CLOSE_NOW
		return
	}
	now := time.Now()
	w.recent = uint64(handle)
	w.callCourier(now)
	if last {
		c.edge.Ended(now)
	}
	c.carry(w, c.edge.Read(now, w.views(chunks, n)), out)
}

//export meltemiNetworkWrite
func meltemiNetworkWrite(id C.uint32_t, handle C.uint64_t, chunks *C.meltemi_buffer, n C.size_t,
	out *C.meltemi_network_output,
) {
	w := workerOf(id)
	c := w.networks.get(uint64(handle))
	if c == nil || c.failed {
		return
	}
	// A connection must not be closed from here; the wake that follows closes it.
	defer barrier("a connection's write", func() {
		c.failed = true
		c.wakeup.wake(c.envoy)
	})
	c.carry(w, c.edge.Write(time.Now(), w.views(chunks, n)), out)
}

//export meltemiNetworkWake
func meltemiNetworkWake(id C.uint32_t, handle C.uint64_t, out *C.meltemi_network_output) {
	defer barrier("a connection's wake", func() { out.close = C.MELTEMI_CLOSE_NOW })
	w := workerOf(id)
	c := w.networks.get(uint64(handle))
	if c == nil {
		return
	}
	c.wakeup.woken()
	if c.failed {
		out.close = C.MELTEMI_CLOSE_NOW
		return
	}
	c.carry(w, c.edge.Wake(time.Now()), out)
}

// meltemiNetworkLook asks for a look at what waits for the client, soon or after that many
// milliseconds.
//
//export meltemiNetworkLook
func meltemiNetworkLook(id C.uint32_t, handle C.uint64_t, milliseconds C.uint32_t) {
	defer barrier("a look at a connection", nil)
	c := workerOf(id).networks.get(uint64(handle))
	if c == nil {
		return
	}
	if milliseconds == 0 {
		c.wakeup.post(c.envoy, C.MELTEMI_EVENT_LOOK)
	} else {
		c.wakeup.postIn(c.envoy, C.MELTEMI_EVENT_LOOK, time.Duration(milliseconds)*time.Millisecond)
	}
}

//export meltemiNetworkClosed
func meltemiNetworkClosed(id C.uint32_t, handle C.uint64_t, out *C.meltemi_network_output) {
	defer barrier("a connection's end", nil)
	w := workerOf(id)
	c := w.networks.remove(uint64(handle))
	if c == nil {
		return
	}
	c.wakeup.close()
	if w.courier == uint64(handle) {
		w.courier = 0
		w.callCourier(time.Now())
	}
	c.carry(w, c.edge.Closed(), out)
}

// carry writes what the edge wants into C memory, for the hook to carry out.
func (c *network) carry(w *worker, o *engine.Output, out *C.meltemi_network_output) {
	if size := len(o.Peer) + len(o.HTTP); size > 0 {
		reserve(out.arena, size)
		dst := unsafe.Slice((*byte)(unsafe.Pointer(out.arena.bytes)), size)
		copy(dst[copy(dst, o.Peer):], o.HTTP)
		out.peer_length, out.http_length = C.size_t(len(o.Peer)), C.size_t(len(o.HTTP))
	}
	switch o.Close {
	case engine.CloseAfterFlush:
		out.close = C.MELTEMI_CLOSE_AFTER_FLUSH
	case engine.CloseNow:
		out.close = C.MELTEMI_CLOSE_NOW
	case engine.CloseNone:
	}
	switch o.Reading {
	case engine.ReadPause:
		out.reading = C.MELTEMI_READ_PAUSE
	case engine.ReadResume:
		out.reading = C.MELTEMI_READ_RESUME
	case engine.ReadUnchanged:
	}
	out.pass_through, out.hurry = C.bool(o.PassThrough), C.bool(o.Hurry)
	if o.Wake {
		c.wakeup.wake(c.envoy)
	}
	if o.WakeIn > 0 {
		c.wakeup.wakeIn(c.envoy, o.WakeIn)
	}
	c.count(o.Counts, out)
	c.count(&w.counts, out)
}

// A hook has room for what a connection and its worker have to count.
const _ = uint(C.MELTEMI_MAX_COUNTS - 2*engine.NumMetrics)

// count hands changes of metrics over to Envoy.
func (c *network) count(counts *engine.Counts, out *C.meltemi_network_output) {
	if counts == nil {
		return
	}
	counts.Each(func(m engine.Metric, delta int) {
		if id := c.config.metrics[m]; id != 0 && out.counts_length < C.MELTEMI_MAX_COUNTS {
			unsafe.Slice(out.counts, C.MELTEMI_MAX_COUNTS)[out.counts_length] = C.meltemi_count{id: id, delta: C.int64_t(delta), gauge: C.bool(m.Gauge())}
			out.counts_length++
		}
	})
}
