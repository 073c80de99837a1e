package contrib

import (
	"sync"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// counts are what the network filters of the process have counted. Envoy's Go package
// lets HTTP filters alone define metrics, so the plugin "meltemi" of the HTTP filter,
// which does nothing else, shows them. What was counted before there is one waits for it.
var counts counter

type counter struct {
	mu      sync.Mutex
	waiting [engine.NumMetrics]int64
	shown   []*shown
}

// shown are the metrics of one configuration of the plugin; api.Config.
type shown struct {
	counters [engine.NumMetrics]api.CounterMetric // by engine.Metric, nil for gauges
	gauges   [engine.NumMetrics]api.GaugeMetric
}

// add changes a metric. Any goroutine may call it.
func (c *counter) add(m engine.Metric, delta int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.shown) == 0 {
		c.waiting[m] += int64(delta)
		return
	}
	c.shown[len(c.shown)-1].add(m, int64(delta)) // the newest; an older one is on its way out
}

func (s *shown) add(m engine.Metric, delta int64) {
	ask(func() {
		if m.Gauge() {
			s.gauges[m].Increment(delta)
		} else {
			s.counters[m].Increment(delta)
		}
	})
}

// Destroy implements api.Config.
func (s *shown) Destroy() {
	counts.mu.Lock()
	defer counts.mu.Unlock()
	for i, other := range counts.shown {
		if other == s {
			counts.shown = append(counts.shown[:i], counts.shown[i+1:]...)
			return
		}
	}
}

// countsParser makes the configurations of the plugin; there is nothing to configure.
type countsParser struct{}

// Parse implements api.StreamFilterConfigParser.
func (countsParser) Parse(_ *anypb.Any, callbacks api.ConfigCallbackHandler) (any, error) {
	if callbacks == nil {
		return &shown{}, nil // of a route
	}
	s := &shown{}
	for m, name := range &engine.MetricNames {
		if name = "meltemi_" + name; engine.Metric(m).Gauge() {
			s.gauges[m] = callbacks.DefineGaugeMetric(name)
		} else {
			s.counters[m] = callbacks.DefineCounterMetric(name)
		}
	}
	counts.mu.Lock()
	defer counts.mu.Unlock()
	counts.shown = append(counts.shown, s)
	for m, n := range counts.waiting {
		if n != 0 {
			s.add(engine.Metric(m), n)
		}
	}
	counts.waiting = [engine.NumMetrics]int64{}
	return s, nil
}

// Merge implements api.StreamFilterConfigParser.
func (countsParser) Merge(parent, _ any) any { return parent }

// newPassing is the plugin's filter: requests pass.
func newPassing(any, api.FilterCallbackHandler) api.StreamFilter {
	return &api.PassThroughStreamFilter{}
}
