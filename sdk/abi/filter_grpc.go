package abi

// #include "meltemi.h"
import "C"

import (
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// meltemiFilterGRPCHeaders is called with the headers of the answer to a gRPC call; end
// tells that they are all of it.
//
//export meltemiFilterGRPCHeaders
func meltemiFilterGRPCHeaders(id C.uint32_t, handle C.uint64_t, headers *C.meltemi_header, n C.size_t, end C.bool) {
	defer barrier("headers of a gRPC call", nil)
	w := workerOf(id)
	if f := w.filters.get(uint64(handle)); f != nil {
		f.call.GRPCHeaders(w.headers(headers, n), bool(end))
	}
}

//export meltemiFilterGRPCData
func meltemiFilterGRPCData(id C.uint32_t, handle C.uint64_t, chunks *C.meltemi_buffer, n C.size_t, out *C.meltemi_filter_output) {
	w := workerOf(id)
	w.filter(handle, "data of a gRPC call", out, func(c *filterhost.Call) *filterhost.Output {
		return c.GRPCData(w.views(chunks, n))
	})
}

//export meltemiFilterGRPCTrailers
func meltemiFilterGRPCTrailers(id C.uint32_t, handle C.uint64_t, trailers *C.meltemi_header, n C.size_t) {
	defer barrier("trailers of a gRPC call", nil)
	w := workerOf(id)
	if f := w.filters.get(uint64(handle)); f != nil {
		f.call.GRPCTrailers(w.headers(trailers, n))
	}
}

// meltemiFilterGRPCDone is called when the answer to a gRPC call is whole, or with ok unset
// when the rest of it will not come.
//
//export meltemiFilterGRPCDone
func meltemiFilterGRPCDone(id C.uint32_t, handle C.uint64_t, ok C.bool, out *C.meltemi_filter_output) {
	workerOf(id).filter(handle, "the end of a gRPC call", out, func(c *filterhost.Call) *filterhost.Output {
		return c.GRPCDone(bool(ok))
	})
}
