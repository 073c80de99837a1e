package abi

// #include "meltemi.h"
import "C"

import (
	"unsafe"

	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// meltemiListenerPeek returns how many bytes of a connection the filter wants to
// see before it decides, 0 for none.
//
//export meltemiListenerPeek
func meltemiListenerPeek(config C.uint64_t) (n C.size_t) {
	defer barrier("listener filter", nil)
	if c := configs.get(config); c != nil && c.sniff {
		return C.size_t(engine.ListenerPeek)
	}
	return 0
}

// meltemiListenerSniff decides on the first bytes of a connection.
//
//export meltemiListenerSniff
func meltemiListenerSniff(bytes *C.char, length C.size_t) (protocol C.int) {
	defer barrier("listener filter", func() { protocol = C.MELTEMI_PROTOCOL_HTTP2 })
	http1, decided := engine.SniffListener(unsafe.Slice((*byte)(unsafe.Pointer(bytes)), length))
	switch {
	case !decided:
		return C.MELTEMI_PROTOCOL_UNDECIDED
	case http1:
		return C.MELTEMI_PROTOCOL_HTTP1
	default:
		return C.MELTEMI_PROTOCOL_HTTP2
	}
}
