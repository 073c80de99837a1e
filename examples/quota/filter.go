package quota

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Definition is what the shared library lists.
func Definition() filter.Definition {
	return definition(func(s *settings, timeout time.Duration) store {
		return newRedisStore(s.Redis, timeout, s.Connections)
	})
}

// definition is the filter with a store, which tests choose.
func definition(newStore func(s *settings, timeout time.Duration) store) filter.Definition {
	return filter.Definition{
		Name:        "quota",
		Summary:     "lets each tenant make so many calls in a window of time, counted in Redis",
		Schema:      schema,
		RouteSchema: routeSchema,
		Needs:       []filter.Capability{filter.WaitCalls, filter.Statistics, filter.System},
		New: func(config []byte, h filter.Host) (filter.Filter, error) {
			f, s, err := newConfigured(config)
			if err != nil {
				return nil, err
			}
			f.host, f.store = h, newStore(s, f.timeout)
			f.calls = h.Counter("calls_total", "result")
			f.latency = h.Histogram("redis_latency_us")
			return f, nil
		},
		NewRoute: newRoute,
	}
}

// quota is the filter, shared by all calls and all threads.
type quota struct {
	redis        string // address, for messages
	tenant       string // key of the metadata entry; "" for the client's certificate
	rule         rule
	timeout      time.Duration
	allowOnError bool

	host    filter.Host
	store   store
	outage  outage
	calls   filter.Counter
	latency filter.Histogram
}

// Close implements filter.Closer: Envoy has let go of the filter, so its connections to
// Redis are closed.
func (f *quota) Close() { f.store.close() }

// Begin implements filter.Filter.
func (f *quota) Begin(filter.Call) filter.Handler { return &handler{quota: f} }

// handler is the filter's part in one call.
type handler struct {
	filter.Base

	*quota
	waiting bool // for Redis
}

// maxTenant bounds the keys in Redis, whose names come from callers.
const maxTenant = 200

// grace is how much longer than the timeout a call waits for a store that does not keep it,
// or on a machine that is too busy to tell in time.
const grace = 100 * time.Millisecond

// Request implements filter.Handler: the call waits for Redis.
func (h *handler) Request(c filter.Call) filter.Verdict {
	tenant := h.tenantOf(c)
	if len(tenant) > maxTenant {
		return filter.Reply(sdk.Failure{
			Cause: sdk.CauseDenied, Message: fmt.Sprintf("the name of the tenant has %d bytes, which is more than %d", len(tenant), maxTenant),
		})
	}
	r := h.ruleOf(c)
	key := "quota:" + r.counter + ":" + tenant
	h.waiting = true
	return c.Go(h.timeout+grace, h.onError(tenant), func(ctx context.Context) filter.Then {
		// This is a goroutine, which may wait. If the client goes away, ctx is cancelled.
		ctx, cancel := context.WithTimeout(ctx, h.timeout)
		defer cancel()
		began := h.host.Now()
		got, err := h.store.take(ctx, key, r.limit, r.window)
		took := h.host.Now().Sub(began)
		return func(c filter.Call) filter.Verdict { // the call's thread again
			h.waiting = false
			h.outage.note(h.quota, err)
			if err != nil {
				h.calls.Add(c, 1, "error")
				return h.onError(tenant)
			}
			h.latency.Record(c, uint64(max(took.Microseconds(), 0)))
			return h.decide(c, tenant, r, got)
		}
	})
}

// End implements filter.Handler. A call that still waits was not decided: either its limit
// has passed, and it went on as on_error says, or it ended before, with its client or with
// its client's own deadline.
func (h *handler) End(c filter.Call, o filter.Outcome) {
	if h.waiting && o.Duration >= h.timeout {
		h.outage.note(h.quota, errLate)
		h.calls.Add(c, 1, "error")
	}
}

var errLate = errors.New("no answer in time")

// tenantOf is who calls; "" stands for all who do not say.
func (h *handler) tenantOf(c filter.Call) string {
	if h.tenant == "" {
		return c.Principal()
	}
	tenant, _ := c.Metadata().Get(h.tenant)
	return tenant
}

// ruleOf is what the route says, or else the filter.
func (h *handler) ruleOf(c filter.Call) rule {
	r, ok := c.RouteConfig().(rule)
	if !ok {
		return h.rule
	}
	if r.window == 0 {
		r.window = h.rule.window
	}
	return r
}

// decide is what becomes of a call when Redis has answered.
func (h *handler) decide(c filter.Call, tenant string, r rule, got count) filter.Verdict {
	if !got.taken {
		h.calls.Add(c, 1, "refused")
		return filter.Reply(sdk.Failure{
			Cause:   sdk.CauseRateLimited,
			Message: fmt.Sprintf("the quota of %s is used up: %d calls in %v; the next in %v", who(tenant), r.limit, r.window, got.rest),
		})
	}
	h.calls.Add(c, 1, "allowed")
	c.SetDynamicNumber("calls", float64(got.n)) // access logs: %DYNAMIC_METADATA(quota:calls)%
	return filter.Continue
}

// onError is what becomes of a call if Redis cannot be asked.
func (h *handler) onError(tenant string) filter.Verdict {
	if h.allowOnError {
		return filter.Continue
	}
	return filter.Reply(sdk.Failure{Cause: sdk.CauseRateLimited, Message: "the quota of " + who(tenant) + " cannot be looked up"})
}

func who(tenant string) string {
	if tenant == "" {
		return "callers without a name"
	}
	return "tenant " + tenant
}
