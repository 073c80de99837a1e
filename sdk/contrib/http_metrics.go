package contrib

import (
	"math"
	"sync"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// metrics are those of one filter's configuration. Envoy's Go package knows counters
// and gauges without labels, so a combination of labels is a metric of its own, named
// as the dynamic module names it: calls_total.tenant.blue. Package filter bounds how
// many there are. A histogram is two counters, of the values and of their sum.
//
// The lock is between the workers. It is held for a look at a map, and when a new
// combination is defined.
type metrics struct {
	envoy api.ConfigCallbackHandler

	mu     sync.RWMutex
	names  []string // by Metric.ID
	series map[string]series
}

// series is one metric of Envoy's.
type series struct {
	counter, sum api.CounterMetric
	gauge        api.GaugeMetric
}

// define implements filterhost.Env.Define.
func (s *metrics) define(m *filter.Metric, name string) error {
	m.ID = uint64(len(s.names))
	s.names = append(s.names, name)
	if len(m.Labels) == 0 {
		s.get(m, nil) // so that it is there before the first call
	}
	return nil
}

// record changes a metric. Any thread may call it.
func (s *metrics) record(m *filter.Metric, op filter.Op, n uint64, values []string) {
	ask(func() {
		one, amount := s.get(m, values), int64(min(n, math.MaxInt64))
		switch op {
		case filter.OpAdd:
			if one.gauge != nil {
				one.gauge.Increment(amount)
			} else {
				one.counter.Increment(amount)
			}
		case filter.OpSub:
			one.gauge.Increment(-amount)
		case filter.OpSet:
			one.gauge.Record(n)
		case filter.OpRecord:
			one.counter.Increment(1)
			one.sum.Increment(amount)
		}
	})
}

// get returns the metric for a combination of labels and defines it at its first use.
func (s *metrics) get(m *filter.Metric, values []string) series {
	var buffer [256]byte
	key := append(buffer[:0], s.names[m.ID]...)
	for i, v := range values {
		key = append(append(append(append(key, '.'), m.Labels[i]...), '.'), v...)
	}
	s.mu.RLock()
	one, ok := s.series[string(key)]
	s.mu.RUnlock()
	if ok {
		return one
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, ok = s.series[string(key)]; ok {
		return one
	}
	switch name := string(key); m.Kind {
	case filter.KindCounter:
		one.counter = s.envoy.DefineCounterMetric(name)
	case filter.KindGauge:
		one.gauge = s.envoy.DefineGaugeMetric(name)
	case filter.KindHistogram:
		one.counter, one.sum = s.envoy.DefineCounterMetric(name+".count"), s.envoy.DefineCounterMetric(name+".sum")
	}
	if s.series == nil {
		s.series = make(map[string]series)
	}
	s.series[string(key)] = one
	return one
}
