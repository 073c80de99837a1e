package filter

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

const (
	// MaxLabels is how many labels a metric may have.
	MaxLabels = 8
	// MaxSeries is how many combinations of label values a metric tells apart. Each
	// costs Envoy memory for as long as it runs.
	MaxSeries = 1000
	// OtherLabel is the value of all labels beyond MaxSeries.
	OtherLabel = "other"
	// maxLabelValue is how long a label's value may be in bytes; the rest is cut off.
	maxLabelValue = 128
)

// Op is what is done to a metric.
type Op uint8

// The operations.
const (
	OpAdd    Op = iota // to a counter or a gauge
	OpSub              // from a gauge
	OpSet              // a gauge
	OpRecord           // in a histogram
)

// MetricKind tells metrics apart.
type MetricKind uint8

// The kinds of metric.
const (
	KindCounter MetricKind = iota
	KindGauge
	KindHistogram
)

// Metric is what a host knows of a metric that it has defined.
type Metric struct {
	Kind   MetricKind
	Name   string   // without prefix
	Labels []string // their names
	ID     uint64   // the host's own

	series series
}

// Counter counts what happens. The zero Counter counts nothing.
type Counter struct{ bound }

// Gauge is a number that goes up and down. The zero Gauge is no number.
type Gauge struct{ bound }

// Histogram is a distribution of numbers. The zero Histogram keeps none.
type Histogram struct{ bound }

// NewCounter is for hosts.
func NewCounter(m *Metric) Counter { return Counter{bound{metric: m}} }

// NewGauge is for hosts.
func NewGauge(m *Metric) Gauge { return Gauge{bound{metric: m}} }

// NewHistogram is for hosts.
func NewHistogram(m *Metric) Histogram { return Histogram{bound{metric: m}} }

// Add adds n. There is a value for each label, in their order, unless With has bound
// them.
func (c Counter) Add(call Call, n uint64, values ...string) { c.record(call, OpAdd, n, values) }

// With returns the counter with its labels bound, to be kept by those who count
// often: it costs less than values with each Add.
func (c Counter) With(values ...string) Counter { return Counter{c.with(values)} }

// Add adds n, which may be negative.
func (g Gauge) Add(call Call, n int64, values ...string) {
	if n < 0 {
		g.record(call, OpSub, uint64(-n), values)
		return
	}
	g.record(call, OpAdd, uint64(n), values)
}

// Set sets the number.
func (g Gauge) Set(call Call, n uint64, values ...string) { g.record(call, OpSet, n, values) }

// With returns the gauge with its labels bound.
func (g Gauge) With(values ...string) Gauge { return Gauge{g.with(values)} }

// Record adds a number to the distribution.
func (h Histogram) Record(call Call, n uint64, values ...string) {
	h.record(call, OpRecord, n, values)
}

// With returns the histogram with its labels bound.
func (h Histogram) With(values ...string) Histogram { return Histogram{h.with(values)} }

// bound is a metric, with the values of its labels if they are known.
type bound struct {
	metric *Metric
	values []string
}

func (b bound) record(call Call, op Op, n uint64, values []string) {
	if b.metric == nil {
		return
	}
	if b.values != nil {
		call.Record(b.metric, op, n, b.values)
		return
	}
	call.Record(b.metric, op, n, b.metric.admit(values))
}

func (b bound) with(values []string) bound {
	if b.metric == nil || len(b.metric.Labels) == 0 {
		return b
	}
	return bound{b.metric, slices.Clone(b.metric.admit(values))}
}

// admit returns the values as they are recorded: one for each label, none too long,
// and OtherLabel for all if there are too many combinations. What it is given stays.
func (m *Metric) admit(values []string) []string {
	if len(m.Labels) == 0 {
		return nil
	}
	if len(values) != len(m.Labels) || slices.ContainsFunc(values, untidy) {
		tidied := make([]string, len(m.Labels))
		for i := range tidied {
			if i < len(values) {
				tidied[i] = tidy(values[i])
			} else {
				tidied[i] = tidy("")
			}
		}
		values = tidied
	}
	if m.series.admits(values) {
		return values
	}
	return slices.Repeat([]string{OtherLabel}, len(m.Labels))
}

func untidy(v string) bool { return v == "" || len(v) > maxLabelValue || !utf8.ValidString(v) }

// tidy makes a value that statistics can show: some text, not too long.
func tidy(v string) string {
	v = strings.ToValidUTF8(v[:min(len(v), maxLabelValue)], "?")
	if v == "" {
		return "-"
	}
	return v
}

// series are the combinations of label values that a metric has had. All threads
// read them without a lock: the map is replaced, never changed.
type series struct {
	mu    sync.Mutex
	known atomic.Pointer[map[string]bool]
}

func (s *series) admits(values []string) bool {
	var buffer [256]byte
	key := buffer[:0]
	for _, v := range values {
		key = append(append(key, v...), 0)
	}
	if known := s.known.Load(); known != nil && (*known)[string(key)] {
		return true
	}
	return s.add(string(key))
}

// add is called for new combinations only, of which there are few, and for those
// beyond the bound.
func (s *series) add(key string) bool {
	old := s.known.Load()
	if old != nil && len(*old) >= MaxSeries {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old = s.known.Load()
	size := 0
	if old != nil {
		size = len(*old)
	}
	if size >= MaxSeries {
		return old != nil && (*old)[key]
	}
	next := make(map[string]bool, size+1)
	if old != nil {
		for k := range *old {
			next[k] = true
		}
	}
	next[key] = true
	s.known.Store(&next)
	return true
}
