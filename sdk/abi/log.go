package abi

// #include "meltemi.h"
import "C"

import (
	"fmt"
	"runtime/debug"
	"sync"
	"unsafe"
)

// Envoy's log levels.
const (
	logInfo     = C.envoy_dynamic_module_type_log_level_Info
	logWarn     = C.envoy_dynamic_module_type_log_level_Warn
	logError    = C.envoy_dynamic_module_type_log_level_Error
	logCritical = C.envoy_dynamic_module_type_log_level_Critical
)

// logf writes a line to Envoy's log (logger "dynamic_modules"), if that level is
// on. It may be called on any thread.
func logf(level C.int, format string, args ...any) {
	if !C.meltemi_log_enabled(level) {
		return
	}
	text := fmt.Sprintf(format, args...)
	C.meltemi_log(level, (*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.size_t(len(text)))
}

// panics remembers which panics were logged: each once, with its stack. Defects
// are few; the bound is for a codec that puts a changing number into its text.
var panics struct {
	sync.Mutex
	seen map[string]bool
}

const maxLoggedPanics = 100

// logPanic logs a panic of a codec, or of this library, the first time it is seen.
func logPanic(where string, value any, stack []byte) {
	text := fmt.Sprintf("panic in %s: %v", where, value)
	panics.Lock()
	known := panics.seen[text] || len(panics.seen) >= maxLoggedPanics
	if !known {
		if panics.seen == nil {
			panics.seen = make(map[string]bool)
		}
		panics.seen[text] = true
	}
	panics.Unlock()
	if !known {
		logf(logError, "meltemi: %s (logged once)\n%s", text, stack)
	}
}

// barrier is deferred by every exported function. It keeps a panic from ending
// Envoy and calls failed, which makes the function's result fail closed.
func barrier(where string, failed func()) {
	if value := recover(); value != nil {
		logPanic(where, value, debug.Stack())
		if failed != nil {
			failed()
		}
	}
}
