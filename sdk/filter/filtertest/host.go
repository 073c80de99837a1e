package filtertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// Host runs one filter.
type Host struct {
	tb         testing.TB
	definition filter.Definition
	config     *filterhost.Config
	codecs     []sdk.Definition
	has        []filter.Capability
	clusters   map[string]Service
	grpc       map[string]GRPCService
	closed     bool

	mu      sync.Mutex // between the test and the goroutines of calls that wait
	now     time.Time
	timers  []*timer
	metrics map[string]uint64
	logs    []string
	panics  []string
}

// Service answers the requests that a filter makes with Call.HTTP.
type Service func(r filter.HTTPRequest) (filter.HTTPResponse, error)

// Option is a choice of New.
type Option func(h *Host)

// WithCodecs makes calls of real protocols possible: Request.Codec names one, and
// Request.Payload is a message of it.
func WithCodecs(codecs ...sdk.Definition) Option {
	return func(h *Host) { h.codecs = append(h.codecs, codecs...) }
}

// WithCluster lets a filter make requests to a cluster.
func WithCluster(name string, s Service) Option { return func(h *Host) { h.clusters[name] = s } }

// Without makes a host that lacks some capabilities.
func Without(capabilities ...filter.Capability) Option {
	return func(h *Host) {
		h.has = slices.DeleteFunc(h.has, func(c filter.Capability) bool { return slices.Contains(capabilities, c) })
	}
}

// New makes a filter from its configuration, "" for none. An error fails the test.
func New(tb testing.TB, d filter.Definition, config string, options ...Option) *Host {
	tb.Helper()
	h, err := Try(tb, d, config, options...)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// Try is New for configurations that the filter should refuse.
func Try(tb testing.TB, d filter.Definition, config string, options ...Option) (*Host, error) {
	tb.Helper()
	h := &Host{
		tb: tb, definition: d, codecs: []sdk.Definition{words()}, has: filter.Capabilities(),
		clusters: map[string]Service{}, grpc: map[string]GRPCService{}, metrics: map[string]uint64{},
		now: time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, o := range options {
		o(h)
	}
	text := "{}"
	if config != "" {
		text = `{"config":` + config + `}`
	}
	var err error
	h.config, err = filterhost.New(d.Name, []byte(text), h.codecs, []filter.Definition{d}, filterhost.Env{
		Has: h.has,
		Now: h.Now,
		Cancellable: func() (context.Context, context.CancelFunc) {
			return context.WithCancel(context.Background()) //nolint:forbidigo // as in Envoy, a call is the root
		},
		Define: func(m *filter.Metric, _ string) error {
			m.ID = 1
			return nil
		},
		LogOn: func(filter.Level) bool { return true },
		Log: func(level filter.Level, text string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.logs = append(h.logs, level.String()+" "+strings.TrimPrefix(text, "filter "+d.Name+": "))
		},
		OnPanic: func(where string, value any, stack []byte) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.panics = append(h.panics, fmt.Sprintf("%s: %v\n%s", where, value, stack))
			tb.Logf("panic in %s: %v\n%s", where, value, stack)
		},
	})
	if err == nil {
		tb.Cleanup(h.Close)
	}
	return h, err
}

// Close drops the filter, as a change of configuration does: a filter.Closer is told. All
// calls must have ended. The end of the test does it too; a second time does nothing.
func (h *Host) Close() {
	if !h.closed {
		h.closed = true
		h.config.Close()
	}
}

// Now is the time.
func (h *Host) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// Advance turns the clock. Calls whose limit has passed go on.
func (h *Host) Advance(d time.Duration) {
	h.mu.Lock()
	h.now = h.now.Add(d)
	var due []*timer
	h.timers = slices.DeleteFunc(h.timers, func(t *timer) bool {
		if t.at.After(h.now) {
			return false
		}
		due = append(due, t)
		return true
	})
	h.mu.Unlock()
	slices.SortStableFunc(due, func(a, b *timer) int { return a.at.Compare(b.at) })
	for _, t := range due {
		t.call.Wake(t.event)
		t.call.work()
	}
}

// timer wakes a call.
type timer struct {
	at    time.Time
	call  *Call
	event uint64
}

// Metric is a counter or gauge of the filter, or how many numbers a histogram has had,
// with the values of its labels. It is 0 if there is none.
func (h *Host) Metric(name string, labels ...string) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.metrics[series(name, labels)]
}

// Sum is the sum of the numbers that a histogram has had.
func (h *Host) Sum(name string, labels ...string) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.metrics["sum of "+series(name, labels)]
}

// Series are all metrics that were recorded, as "name{value,value}".
func (h *Host) Series() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(h.metrics)), func(s string) bool { return strings.HasPrefix(s, "sum of ") })
}

func series(name string, labels []string) string {
	if len(labels) == 0 {
		return name
	}
	return name + "{" + strings.Join(labels, ",") + "}"
}

func (h *Host) record(m *filter.Metric, op filter.Op, n uint64, labels []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := series(m.Name, labels)
	switch op {
	case filter.OpAdd:
		h.metrics[key] += n
	case filter.OpSub:
		h.metrics[key] -= n
	case filter.OpSet:
		h.metrics[key] = n
	case filter.OpRecord:
		h.metrics[key]++
		h.metrics["sum of "+key] += n
	}
}

// Logs are the lines that the filter has logged, each with its level before it.
func (h *Host) Logs() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.logs)
}

// Panics are the panics of the filter, with their stacks. A test that expects none need
// not look: a call that panicked gets a failure with cause internal.
func (h *Host) Panics() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.panics)
}
