package abi

// #include "meltemi.h"
import "C"

import (
	"fmt"
	"runtime/debug"
	"unsafe"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/process"
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

// fit fits Go's runtime to an Envoy with that many workers.
func fit(workers int) {
	process.Fit(workers, func(level filter.Level, format string, args ...any) {
		logf(filterLevels[level], "meltemi: "+format, args...)
	})
}

// panics are those that were logged.
var panics process.Panics

// logPanic logs a panic of a codec, or of this library, the first time it is seen.
func logPanic(where string, value any, stack []byte) {
	if text := panics.Tell(where, value, stack); text != "" {
		logf(logError, "meltemi: %s", text)
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
