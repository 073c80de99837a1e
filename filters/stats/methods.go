package stats

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// methods are those that have series of their own. All threads read them without a lock:
// the map is replaced, never changed.
type methods struct {
	filter *stats
	limit  int
	other  *method

	mu    sync.Mutex
	known atomic.Pointer[map[name]*method]
}

// name is what a method is called by.
type name struct{ service, method string }

// codes are how calls can end: the gRPC codes, and without an answer.
const codes = int(sdk.Unauthenticated) + 2

// method are the series of a method, bound to their labels.
type method struct {
	name
	filter                  *stats
	latency, sent, received filter.Histogram
	ends                    [codes]atomic.Pointer[filter.Counter] // made when first needed
}

func (s *methods) init(f *stats, limit int) {
	s.filter, s.limit = f, limit
	s.other = s.bind(name{filter.OtherLabel, filter.OtherLabel})
	s.known.Store(&map[name]*method{})
}

func (s *methods) bind(n name) *method {
	f := s.filter
	return &method{
		name: n, filter: f,
		latency: f.latency.With(n.service, n.method), sent: f.sent.With(n.service, n.method), received: f.received.With(n.service, n.method),
	}
}

// of returns the series of a method. exists tells that a server has such a method.
func (s *methods) of(service, methodName string, exists bool) *method {
	n := name{service, methodName}
	known := *s.known.Load()
	if m := known[n]; m != nil {
		return m
	}
	if !exists || len(known) >= s.limit {
		return s.other
	}
	return s.add(n)
}

func (s *methods) add(n name) *method {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.known.Load()
	if m := known[n]; m != nil {
		return m
	}
	if len(known) >= s.limit {
		return s.other
	}
	next := maps.Clone(known)
	next[n] = s.bind(n)
	s.known.Store(&next)
	return next[n]
}

// calls returns the counter of calls that ended so.
func (m *method) calls(o filter.Outcome) filter.Counter {
	i := codes - 1
	if o.Answered && int(o.Status.Code) < i {
		i = int(o.Status.Code)
	}
	if c := m.ends[i].Load(); c != nil {
		return *c
	}
	c := m.filter.calls.With(m.service, m.method, code(o))
	m.ends[i].Store(&c)
	return c
}
