package abi

// #include "meltemi.h"
import "C"

import (
	"runtime/metrics"
	"slices"
	"sync"
	"time"
	"unsafe"
)

// gaugePeriod is how often Envoy is told what the library holds. Calls pay nothing for it.
const gaugePeriod = time.Second

// What the library holds, as gauges that are those of the whole process. A number that
// only ever grows is a leak.
const (
	gaugeHandles        = iota // connections, bridges and filters' calls that Envoy has handles of
	gaugeConfigurations        // configurations, those of routes among them
	gaugeGoroutines
	gaugeHeap // bytes of Go objects that the last collection found in use; 0 before the first
	numGauges
)

var gaugeNames = [numGauges]string{"handles", "configurations", "goroutines", "go_heap_bytes"}

type gaugeValues [numGauges]uint64

// reporter tells Envoy the gauges on behalf of one configuration of the network filter.
// Envoy wants that on its main thread, which the configuration's scheduler leads to.
type reporter struct {
	envoy     unsafe.Pointer // Envoy's configuration, valid until its destroy hook
	ids       [numGauges]C.size_t
	scheduler unsafe.Pointer

	// Of gauges.mu. An event that is being posted keeps Envoy's configuration alive, so
	// that its end may be the destroy hook, on the same thread: the lock must not be held
	// meanwhile, and the scheduler stays until the posting is over.
	posting int
	closed  bool
}

// gauges are all reporters, and the timer that asks them to report.
var gauges struct {
	mu        sync.Mutex
	reporters []*reporter
	timer     *time.Timer
	values    gaugeValues
}

// openReporter defines the gauges of a configuration; while it is made, and not later.
func openReporter(envoy unsafe.Pointer) *reporter {
	r := &reporter{envoy: envoy, scheduler: C.meltemi_config_scheduler_new(envoy)}
	for i, name := range &gaugeNames {
		name = "meltemi_" + name
		r.ids[i] = C.meltemi_define(envoy, stringBytes(name), C.size_t(len(name)), true)
	}
	gauges.mu.Lock()
	defer gauges.mu.Unlock()
	gauges.reporters = append(gauges.reporters, r)
	if len(gauges.reporters) == 1 {
		gauges.timer = time.AfterFunc(gaugePeriod, readGauges)
	}
	return r
}

// report tells Envoy what was read last. It runs on the main thread.
func (r *reporter) report() {
	gauges.mu.Lock()
	values := gauges.values
	gauges.mu.Unlock()
	for i, id := range r.ids {
		if id != 0 {
			C.meltemi_config_set_gauge(r.envoy, id, C.uint64_t(values[i]))
		}
	}
}

// close is called in the configuration's destroy hook.
func (r *reporter) close() {
	gauges.mu.Lock()
	defer gauges.mu.Unlock()
	gauges.reporters = slices.DeleteFunc(gauges.reporters, func(other *reporter) bool { return other == r })
	if len(gauges.reporters) == 0 {
		gauges.timer.Stop()
	}
	r.closed = true
	if r.posting == 0 {
		C.meltemi_config_scheduler_delete(r.scheduler)
	}
}

// post asks Envoy to call the configuration's scheduled hook.
func (r *reporter) post() {
	gauges.mu.Lock()
	closed := r.closed
	if !closed {
		r.posting++
	}
	gauges.mu.Unlock()
	if closed {
		return
	}
	C.meltemi_config_scheduler_commit(r.scheduler)
	gauges.mu.Lock()
	defer gauges.mu.Unlock()
	if r.posting--; r.posting == 0 && r.closed {
		C.meltemi_config_scheduler_delete(r.scheduler)
	}
}

// readGauges runs on the timer's goroutine, where a panic would end Envoy.
func readGauges() {
	defer rearm()
	defer barrier("the gauges", nil)
	values := gaugeValues{
		gaugeHandles:        openHandles(),
		gaugeConfigurations: configs.count() + filterConfigs.count() + routeConfigs.count(),
		gaugeGoroutines:     runtimeMetric("/sched/goroutines:goroutines"),
		gaugeHeap:           runtimeMetric("/gc/heap/live:bytes"),
	}
	gauges.mu.Lock()
	gauges.values = values
	reporters := slices.Clone(gauges.reporters)
	gauges.mu.Unlock()
	for _, r := range reporters {
		r.post()
	}
}

// runtimeMetric is a number that Go's runtime tells of itself, 0 if this version of Go
// has none of that name. Reading it stops nobody.
func runtimeMetric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// rearm has the gauges read again, as long as anybody wants them.
func rearm() {
	gauges.mu.Lock()
	defer gauges.mu.Unlock()
	if len(gauges.reporters) > 0 {
		gauges.timer.Reset(gaugePeriod)
	}
}
