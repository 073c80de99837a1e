package wasm

import (
	"strings"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// metrics are the metrics of a plugin. Envoy knows no labels of a Wasm module's metrics:
// each combination of values is a metric of its own, whose name has them in it as the
// statistics of the dynamic module do: NAME.LABEL.VALUE.LABEL.VALUE.
type metrics struct {
	defined []metric
	key     []byte // reused
}

// metric is one of them, with the Envoy ids of its combinations.
type metric struct {
	name string
	ids  map[string]uint32
}

// define implements filterhost.Env. A metric without labels is there at once, others
// with their first values.
func (m *metrics) define(d *filter.Metric, name string) error {
	d.ID = uint64(len(m.defined))
	m.defined = append(m.defined, metric{name: name, ids: make(map[string]uint32)})
	if len(d.Labels) == 0 {
		m.id(d, nil)
	}
	return nil
}

// id returns Envoy's id of a combination of values.
func (m *metrics) id(d *filter.Metric, values []string) uint32 {
	m.key = m.key[:0]
	for _, v := range values {
		m.key = append(append(m.key, v...), 0)
	}
	to := &m.defined[d.ID]
	if id, ok := to.ids[string(m.key)]; ok {
		return id
	}
	var name strings.Builder
	name.WriteString(to.name)
	for i, v := range values {
		name.WriteString("." + d.Labels[i] + "." + v)
	}
	id := newMetric(d.Kind, name.String())
	to.ids[string(m.key)] = id
	return id
}

// newMetric has Envoy define a metric. The SDK panics if it does not, which it does for
// kinds alone that there are not.
func newMetric(kind filter.MetricKind, name string) uint32 {
	switch kind {
	case filter.KindCounter:
		return uint32(proxywasm.DefineCounterMetric(name))
	case filter.KindGauge:
		return uint32(proxywasm.DefineGaugeMetric(name))
	case filter.KindHistogram:
	}
	return uint32(proxywasm.DefineHistogramMetric(name))
}

func (m *metrics) record(d *filter.Metric, op filter.Op, n uint64, values []string) {
	if n == 0 && op != filter.OpRecord && op != filter.OpSet {
		return // Envoy refuses it
	}
	id := m.id(d, values)
	switch d.Kind {
	case filter.KindCounter:
		proxywasm.MetricCounter(id).Increment(n)
	case filter.KindHistogram:
		proxywasm.MetricHistogram(id).Record(n)
	case filter.KindGauge:
		m.gauge(proxywasm.MetricGauge(id), op, n)
	}
}

func (*metrics) gauge(g proxywasm.MetricGauge, op filter.Op, n uint64) {
	switch op {
	case filter.OpAdd:
		g.Add(int64(n)) //nolint:gosec // it came from an int64
	case filter.OpSub:
		g.Add(-int64(n)) //nolint:gosec // likewise
	case filter.OpSet:
		setGauge(uint32(g), n)
	case filter.OpRecord:
	}
}
