package contrib

import (
	"fmt"
	"runtime/debug"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"

	"github.com/meltemi-mesh/meltemi/sdk/internal/process"
)

// logf writes a line to Envoy's log (logger "golang"), if that level is on. It may be
// called on any thread.
func logf(level api.LogType, format string, args ...any) {
	if !logOn(level) {
		return
	}
	text := "meltemi: " + fmt.Sprintf(format, args...)
	switch level {
	case api.Trace, api.Debug:
		api.LogDebug(text)
	case api.Info:
		api.LogInfo(text)
	case api.Warn:
		api.LogWarn(text)
	case api.Error:
		api.LogError(text)
	case api.Critical:
		api.LogCritical(text)
	}
}

// logOn goes by the level that Envoy's Go package has asked for last, within a second.
func logOn(level api.LogType) bool { return api.GetLogLevel() <= level }

// panics are those that were logged.
var panics process.Panics

// logPanic logs a panic of a codec, of a filter or of this library, the first time it
// is seen.
func logPanic(where string, value any, stack []byte) {
	if text := panics.Tell(where, value, stack); text != "" {
		logf(api.Error, "%s", text)
	}
}

// barrier is deferred by whatever Envoy calls and by each goroutine. It keeps a panic
// from ending Envoy.
func barrier(where string, failed func()) {
	if value := recover(); value != nil {
		logPanic(where, value, debug.Stack())
		if failed != nil {
			failed()
		}
	}
}

// ask calls Envoy's interface about a request. It panics with one of three texts if the
// request has ended meanwhile or is Envoy's again, which nobody can rule out on another
// thread: then the call has no effect. Any other panic is a defect: it is logged, and ask
// reports false.
func ask(call func()) (ok bool) {
	ok = true
	defer func() {
		switch value := recover(); value {
		case nil, "request has been finished", "golang filter has been destroyed", "not proccessing Go": //nolint:misspell // they write it so
		default:
			logPanic("a call of Envoy", value, debug.Stack())
			ok = false
		}
	}()
	call()
	return ok
}
