package abi

// #include "meltemi.h"
import "C"

import (
	"unsafe"

	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/process"
)

// moduleConfig is a parsed configuration that Envoy holds a handle of.
type moduleConfig struct {
	engine *engine.Config
	// metrics are Envoy's ids, by engine.Metric; zero for one that it refused.
	metrics [engine.NumMetrics]C.size_t
	// sniff says that a listener filter looks at the first bytes.
	sniff bool
	// gauges are those of a network filter; nil for others.
	gauges *reporter
}

// configs are the configurations in use.
var configs table[moduleConfig]

//export meltemiConfigDestroy
func meltemiConfigDestroy(handle C.uint64_t) {
	defer barrier("the end of a configuration", nil)
	if c := configs.get(handle); c != nil && c.gauges != nil {
		c.gauges.close()
	}
	configs.remove(handle)
}

// meltemiConfigScheduled is called on the main thread because reporter.post asked for it.
//
//export meltemiConfigScheduled
func meltemiConfigScheduled(handle C.uint64_t) {
	defer barrier("the gauges", nil)
	if c := configs.get(handle); c != nil && c.gauges != nil {
		c.gauges.report()
	}
}

// parse makes a configuration out of the JSON that Envoy hands over, or logs why
// it cannot.
func parse(what, name string, text []byte) *moduleConfig {
	c, err := engine.ParseConfig(text, library.Codecs)
	if err != nil {
		logf(logError, "meltemi: %s %q: %v", what, name, err)
		return nil
	}
	c.OnPanic, c.Budget = logPanic, process.Budget()
	return &moduleConfig{engine: c}
}

//export meltemiNetworkConfigNew
func meltemiNetworkConfigNew(envoy unsafe.Pointer, name *C.char, nameLength C.size_t,
	text *C.char, textLength C.size_t, workers C.uint32_t,
) (handle C.uint64_t) {
	defer barrier("configuration of the network filter", func() { handle = 0 })
	fit(int(workers))
	c := parse("network filter", goString(name, nameLength), []byte(goString(text, textLength)))
	if c == nil {
		return 0
	}
	for m, name := range &engine.MetricNames {
		metric := []byte("meltemi_" + name)
		c.metrics[m] = C.meltemi_define(envoy, (*C.char)(unsafe.Pointer(unsafe.SliceData(metric))),
			C.size_t(len(metric)), C.bool(engine.Metric(m).Gauge()))
	}
	c.gauges = openReporter(envoy)
	return configs.put(c)
}

//export meltemiBridgeConfigNew
func meltemiBridgeConfigNew(name *C.char, nameLength C.size_t, text *C.char, textLength C.size_t,
) (handle C.uint64_t) {
	defer barrier("configuration of the bridge", func() { handle = 0 })
	c := parse("bridge", goString(name, nameLength), []byte(goString(text, textLength)))
	if c == nil {
		return 0
	}
	if len(c.engine.Codecs()) != 1 {
		logf(logError, "meltemi: bridge %q: auto: a server is spoken to in one protocol; give its name", goString(name, nameLength))
		return 0
	}
	return configs.put(c)
}

//export meltemiListenerConfigNew
func meltemiListenerConfigNew(name *C.char, nameLength C.size_t) (handle C.uint64_t) {
	defer barrier("configuration of the listener filter", func() { handle = 0 })
	switch kind := goString(name, nameLength); kind {
	case "h2c":
		return configs.put(&moduleConfig{})
	case "sniff":
		return configs.put(&moduleConfig{sniff: true})
	default:
		logf(logError, "meltemi: listener filter: filter_name is %q, not h2c or sniff", kind)
		return 0
	}
}
