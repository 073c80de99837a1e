package abi

// #include "meltemi.h"
import "C"

import (
	"context"
	"errors"
	"time"
	"unsafe"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// filterConfigs are the filters that Envoy's HTTP filters have, routeConfigs what
// routes say to them.
var (
	filterConfigs table[filterConfig]
	routeConfigs  table[routeConfig]
)

// filterConfig is a filter that Envoy holds a handle of.
type filterConfig struct {
	name string
	host *filterhost.Config
}

// routeConfig is what a filter's NewRoute made.
type routeConfig struct{ value any }

//export meltemiFilterConfigNew
func meltemiFilterConfigNew(envoy unsafe.Pointer, name *C.char, nameLength C.size_t,
	text *C.char, textLength C.size_t, workers C.uint32_t,
) (handle C.uint64_t) {
	defer barrier("configuration of a filter", func() { handle = 0 })
	fit(int(workers))
	c := &filterConfig{name: goString(name, nameLength)}
	var err error
	c.host, err = filterhost.New(c.name, []byte(goString(text, textLength)), library.Codecs, library.Filters, filterEnv(envoy))
	if err != nil {
		logf(logError, "meltemi: %v", err)
		return 0
	}
	return filterConfigs.put(c)
}

// meltemiFilterConfigDestroy is called by who drops the last reference to the filter:
// the main thread, or the worker of its last call.
//
//export meltemiFilterConfigDestroy
func meltemiFilterConfigDestroy(handle C.uint64_t) {
	defer barrier("configuration of a filter", nil)
	c := filterConfigs.get(handle)
	filterConfigs.remove(handle)
	if c != nil {
		c.host.Close()
	}
}

//export meltemiFilterRouteNew
func meltemiFilterRouteNew(name *C.char, nameLength C.size_t, text *C.char, textLength C.size_t) (handle C.uint64_t) {
	defer barrier("configuration of a route", func() { handle = 0 })
	value, err := filterhost.NewRoute(goString(name, nameLength), []byte(goString(text, textLength)), library.Filters)
	if err != nil {
		logf(logError, "meltemi: route: %v", err)
		return 0
	}
	return routeConfigs.put(&routeConfig{value})
}

//export meltemiFilterRouteDestroy
func meltemiFilterRouteDestroy(handle C.uint64_t) { routeConfigs.remove(handle) }

// filterEnv is what this host lends to a filter.
func filterEnv(envoy unsafe.Pointer) filterhost.Env {
	return filterhost.Env{
		Has:         filter.Capabilities(),
		Now:         time.Now,
		Cancellable: func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) },
		Define:      func(m *filter.Metric, name string) error { return defineMetric(envoy, m, name) },
		LogOn:       func(level filter.Level) bool { return bool(C.meltemi_log_enabled(filterLevels[level])) },
		Log:         func(level filter.Level, text string) { logf(filterLevels[level], "meltemi: %s", text) },
		OnPanic:     logPanic,
	}
}

// filterLevels are Envoy's levels by those of package filter.
var filterLevels = [...]C.int{
	filter.Debug: C.envoy_dynamic_module_type_log_level_Debug, filter.Info: logInfo, filter.Warn: logWarn, filter.Error: logError,
}

var errMetric = errors.New("Envoy refused it")

func defineMetric(envoy unsafe.Pointer, m *filter.Metric, name string) error {
	var l labels
	texts, lengths, count := l.set(m.Labels)
	m.ID = uint64(C.meltemi_filter_define(envoy, C.uint32_t(m.Kind), stringBytes(name), C.size_t(len(name)), texts, lengths, count))
	if m.ID == 0 {
		return errMetric
	}
	return nil
}

// labels are the texts of labels as C takes them: in one row.
type labels struct {
	texts   []byte
	lengths []C.size_t
}

func (l *labels) set(values []string) (texts *C.char, lengths *C.size_t, count C.size_t) {
	l.texts, l.lengths = l.texts[:0], l.lengths[:0]
	for _, v := range values {
		l.texts = append(l.texts, v...)
		l.lengths = append(l.lengths, C.size_t(len(v)))
	}
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(l.texts))), unsafe.SliceData(l.lengths), C.size_t(len(values))
}

// stringBytes is the text of s for a call into C, which does not keep it.
func stringBytes(s string) *C.char { return (*C.char)(unsafe.Pointer(unsafe.StringData(s))) }
