package abi

// #include "meltemi.h"
import "C"

import (
	"time"
	"unsafe"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// meltemiFilterBegin is called with the headers of a request. It returns 0 if the
// filter has nothing to do with it.
//
//export meltemiFilterBegin
func meltemiFilterBegin(id C.uint32_t, config C.uint64_t, envoy unsafe.Pointer,
	headers *C.meltemi_header, n C.size_t, end C.bool, out *C.meltemi_filter_output,
) (handle C.uint64_t) {
	defer barrier("a filter's begin", func() { failFilter(out) })
	out.action = C.MELTEMI_FILTER_NOTHING
	c := filterConfigs.get(config)
	if c == nil {
		failFilter(out)
		return 0
	}
	w := workerOf(id)
	f := w.unused
	if f == nil {
		f = &filterCall{worker: w}
	}
	f.envoy, f.config, w.unused = envoy, c, nil
	call, o := c.host.Begin(f, w.headers(headers, n), bool(end))
	if call == nil {
		if f.scheduler == nil {
			w.unused = f // nobody knows of it
		} else {
			f.end()
		}
		return 0
	}
	f.call = call
	f.notSent = o.NotSent
	handle = C.uint64_t(w.filters.put(f))
	carryFilter(o, out)
	return handle
}

// meltemiFilterMessage is called with a message that was collected: a whole one, or,
// with part set, what there is of a response that does not end by itself.
//
//export meltemiFilterMessage
func meltemiFilterMessage(id C.uint32_t, handle C.uint64_t, chunks *C.meltemi_buffer, n C.size_t, part C.bool,
	out *C.meltemi_filter_output,
) {
	w := workerOf(id)
	w.filter(handle, "a filter's message", out, func(c *filterhost.Call) *filterhost.Output {
		if part {
			return c.Part(w.views(chunks, n))
		}
		return c.Message(w.views(chunks, n))
	})
}

//export meltemiFilterResponse
func meltemiFilterResponse(id C.uint32_t, handle C.uint64_t, headers *C.meltemi_header, n C.size_t, end C.bool,
	out *C.meltemi_filter_output,
) {
	w := workerOf(id)
	w.filter(handle, "a filter's response", out, func(c *filterhost.Call) *filterhost.Output {
		return c.Response(w.headers(headers, n), bool(end))
	})
}

//export meltemiFilterWoken
func meltemiFilterWoken(id C.uint32_t, handle, event C.uint64_t, out *C.meltemi_filter_output) {
	w := workerOf(id)
	w.filter(handle, "a filter's wake", out, func(c *filterhost.Call) *filterhost.Output { return c.Woken(uint64(event)) })
}

// meltemiFilterNotSent tells that Envoy could not begin a callout or a gRPC call. The filter hears of
// it from its scheduler.
//
//export meltemiFilterNotSent
func meltemiFilterNotSent(id C.uint32_t, handle C.uint64_t) {
	defer barrier("a filter's callout", nil)
	if f := workerOf(id).filters.get(uint64(handle)); f != nil {
		f.openScheduler()
		f.Wake(f.notSent)
	}
}

// meltemiFilterCalledOut is called with the response of a callout, or with ok unset if
// there is none.
//
//export meltemiFilterCalledOut
func meltemiFilterCalledOut(id C.uint32_t, handle C.uint64_t, ok C.bool, headers *C.meltemi_header, n C.size_t,
	chunks *C.meltemi_buffer, m C.size_t, out *C.meltemi_filter_output,
) {
	w := workerOf(id)
	w.filter(handle, "a filter's callout", out, func(c *filterhost.Call) *filterhost.Output {
		if !ok {
			return c.CalledOut(nil)
		}
		return c.CalledOut(filterhost.HTTPResponse(w.headers(headers, n), w.views(chunks, m)))
	})
}

// meltemiFilterEnd is called once, when the request is over. The headers are those of
// the response if Go has not seen them.
//
//export meltemiFilterEnd
func meltemiFilterEnd(id C.uint32_t, handle C.uint64_t, headers *C.meltemi_header, n C.size_t, end *C.meltemi_filter_end) {
	defer barrier("a filter's end", nil)
	w := workerOf(id)
	f := w.filters.remove(uint64(handle))
	if f == nil {
		return
	}
	defer f.end()
	f.call.End(&filterhost.End{
		Headers:  w.headers(headers, n),
		Upstream: goString(end.upstream.ptr, end.upstream.length), Details: goString(end.details.ptr, end.details.length),
		Flags: uint64(end.flags), RequestBytes: uint64(end.request_bytes), ResponseBytes: uint64(end.response_bytes),
	})
}

// filter calls a filter's call behind a barrier. What panics here is a defect of the
// host, since filters have a barrier of their own.
func (w *worker) filter(handle C.uint64_t, where string, out *C.meltemi_filter_output, run func(*filterhost.Call) *filterhost.Output) {
	defer barrier(where, func() { failFilter(out) })
	out.action = C.MELTEMI_FILTER_NOTHING
	if f := w.filters.get(uint64(handle)); f != nil {
		o := run(f.call)
		out.open = C.bool(f.call.Open())
		f.notSent = o.NotSent
		carryFilter(o, out)
	}
}

// failFilter makes a reply without any text of a request whose host is defective.
func failFilter(out *C.meltemi_filter_output) {
	*out = C.meltemi_filter_output{arena: out.arena, action: C.MELTEMI_FILTER_REPLY, status: 500}
}

var filterActions = [...]C.uint32_t{
	filterhost.Proceed: C.MELTEMI_FILTER_PROCEED, filterhost.Collect: C.MELTEMI_FILTER_COLLECT,
	filterhost.Hold: C.MELTEMI_FILTER_HOLD, filterhost.Callout: C.MELTEMI_FILTER_CALLOUT,
	filterhost.SendReply: C.MELTEMI_FILTER_REPLY, filterhost.SendAnswer: C.MELTEMI_FILTER_ANSWER,
	filterhost.ResetStream: C.MELTEMI_FILTER_RESET, filterhost.Nothing: C.MELTEMI_FILTER_NOTHING,
	filterhost.CallGRPC: C.MELTEMI_FILTER_GRPC,
}

// carryFilter writes what a filter wants into C memory, for the hook to carry out.
func carryFilter(o *filterhost.Output, out *C.meltemi_filter_output) {
	out.action, out.response, out.reroute = filterActions[o.Action], C.bool(o.Response), C.bool(o.Reroute)
	out.room = C.uint64_t(o.Room)
	headers, trailers, body, text := o.Changes, []engine.Field(nil), []byte(nil), ""
	switch o.Action {
	case filterhost.SendReply:
		headers, body, text = o.Reply.Headers, []byte(o.Reply.Failure.Text()), o.Reply.Details
		out.status = C.uint32_t(o.Reply.Status)
	case filterhost.SendAnswer:
		headers, trailers, body = o.Answer.Fields, o.Answer.Trailers, o.Answer.Body
	case filterhost.Callout:
		headers, body, text = calloutHeaders(o.Callout), o.Callout.Body, o.Cluster
		out.timeout_ms = C.uint64_t(o.Callout.Limit / time.Millisecond)
	case filterhost.CallGRPC:
		headers, body, text = filterhost.GRPCRequestHeaders(o.GRPC), filterhost.GRPCFrame(o.GRPC.Message), o.Cluster
	case filterhost.Proceed, filterhost.Collect, filterhost.Hold, filterhost.ResetStream, filterhost.Nothing:
	}
	size := fieldsSize(headers) + fieldsSize(trailers) + len(body) + len(text)
	if size == 0 {
		return
	}
	C.meltemi_arena_reserve(out.arena, C.size_t(size))
	a := arena{rest: unsafe.Slice((*byte)(unsafe.Pointer(out.arena.bytes)), size)}
	// The arrays come first, since they must be aligned.
	first, second := a.array(len(headers)), a.array(len(trailers))
	a.fill(first, headers)
	a.fill(second, trailers)
	out.headers, out.headers_length = unsafe.SliceData(first), C.size_t(len(first))
	out.trailers, out.trailers_length = unsafe.SliceData(second), C.size_t(len(second))
	out.body, out.body_length = a.bytes(body), C.size_t(len(body))
	out.text, out.text_length = a.bytes([]byte(text)), C.size_t(len(text))
}

// calloutHeaders are the headers of an HTTP request.
func calloutHeaders(r *filter.HTTPRequest) []engine.Field {
	first := [][2]string{{":method", r.Method}, {":scheme", "http"}, {":authority", r.Host}, {":path", r.Path}}
	list := make([]engine.Field, 0, len(first)+len(r.Headers))
	for _, h := range append(first, r.Headers...) {
		list = append(list, engine.Field{Name: []byte(h[0]), Value: []byte(h[1])})
	}
	return list
}
