package abi

// #include "meltemi.h"
import "C"

import (
	"sync"
	"time"
	"unsafe"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// filterCall is one HTTP request on which a filter runs; filterhost.Stream. All calls
// but Wake and WakeIn come from its worker.
type filterCall struct {
	envoy  unsafe.Pointer // Envoy's filter, valid until the call's end
	worker *worker
	config *filterConfig
	call   *filterhost.Call

	notSent uint64 // the event of the last callout or gRPC call, if it cannot be begun

	// The lock is between the worker and the goroutines that wake the call. It is held
	// for one call that posts an event.
	mu        sync.Mutex
	scheduler unsafe.Pointer // Envoy's; nil before first use and after the end
	ended     bool
}

// Attribute implements filterhost.Stream.
func (f *filterCall) Attribute(a filterhost.Attribute) string {
	var b C.meltemi_buffer
	if !C.meltemi_filter_attribute(f.envoy, filterAttributes[a], &b) {
		return ""
	}
	return goString(b.ptr, b.length)
}

var filterAttributes = [...]C.uint32_t{
	filterhost.AttributeSource:      C.MELTEMI_ATTRIBUTE_SOURCE,
	filterhost.AttributeDestination: C.MELTEMI_ATTRIBUTE_DESTINATION,
	filterhost.AttributePrincipal:   C.MELTEMI_ATTRIBUTE_PRINCIPAL,
	filterhost.AttributeRoute:       C.MELTEMI_ATTRIBUTE_ROUTE,
	filterhost.AttributeCluster:     C.MELTEMI_ATTRIBUTE_CLUSTER,
}

// RouteConfig implements filterhost.Stream.
func (f *filterCall) RouteConfig() any {
	if c := routeConfigs.get(C.meltemi_filter_route_config(f.envoy)); c != nil {
		return c.value
	}
	return nil
}

// Record implements filterhost.Stream.
func (f *filterCall) Record(m *filter.Metric, op filter.Op, n uint64, values []string) {
	texts, lengths, count := f.worker.labels.set(values)
	C.meltemi_filter_record(f.envoy, C.size_t(m.ID), C.uint32_t(m.Kind), C.uint32_t(op), C.uint64_t(n), texts, lengths, count)
}

// SetDynamicString implements filterhost.Stream.
func (f *filterCall) SetDynamicString(key, value string) {
	space := f.config.name
	C.meltemi_filter_note_string(f.envoy, stringBytes(space), C.size_t(len(space)),
		stringBytes(key), C.size_t(len(key)), stringBytes(value), C.size_t(len(value)))
}

// SetDynamicNumber implements filterhost.Stream.
func (f *filterCall) SetDynamicNumber(key string, value float64) {
	space := f.config.name
	C.meltemi_filter_note_number(f.envoy, stringBytes(space), C.size_t(len(space)), stringBytes(key), C.size_t(len(key)), C.double(value))
}

// Tag implements filterhost.Stream.
func (f *filterCall) Tag(key, value string) {
	C.meltemi_filter_tag(f.envoy, stringBytes(key), C.size_t(len(key)), stringBytes(value), C.size_t(len(value)))
}

// Wake implements filterhost.Stream.
func (f *filterCall) Wake(event uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.scheduler != nil {
		C.meltemi_filter_scheduler_commit(f.scheduler, C.uint64_t(event))
	}
}

// WakeIn implements filterhost.Stream. It is called on the worker, before anybody can
// call Wake, so it makes the scheduler.
func (f *filterCall) WakeIn(d time.Duration, event uint64) (stop func()) {
	f.openScheduler()
	timer := time.AfterFunc(d, func() { f.Wake(event) })
	return func() { timer.Stop() }
}

func (f *filterCall) openScheduler() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.scheduler == nil && !f.ended {
		f.scheduler = C.meltemi_filter_scheduler_new(f.envoy)
	}
}

// end is called before Envoy destroys its filter. No event is posted afterwards.
func (f *filterCall) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	if f.scheduler != nil {
		C.meltemi_filter_scheduler_delete(f.scheduler)
		f.scheduler = nil
	}
}
