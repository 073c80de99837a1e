package cache

import (
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Definition is what shared libraries list.
func Definition() filter.Definition {
	return filter.Definition{
		Name:        "cache",
		Summary:     "answers calls of chosen methods with answers that were given before",
		Schema:      schema,
		RouteSchema: routeSchema,
		Needs: []filter.Capability{
			filter.ReadPayload, filter.AnswerCalls, filter.WaitCalls, filter.RouteConfigs, filter.Statistics, filter.AccessLogs,
		},
		New:      newFilter,
		NewRoute: newRoute,
	}
}

// cache is the filter.
type cache struct {
	rules   []rule
	control string // the key of the entry that says no-cache and the like
	name    string // of the metrics
	now     func() time.Time
	store   store

	hits, misses, coalesced filter.Counter
	bypasses, evictions     filter.Counter // by cache and reason
	entries, bytes          filter.Gauge
}

func newFilter(config []byte, h filter.Host) (filter.Filter, error) {
	s, rules, err := parse(config)
	if err != nil {
		return nil, err
	}
	f := &cache{
		rules: rules, control: s.Control, name: s.Name, now: h.Now,
		hits: h.Counter("hits_total", "cache").With(s.Name), misses: h.Counter("misses_total", "cache").With(s.Name),
		coalesced: h.Counter("coalesced_total", "cache").With(s.Name),
		bypasses:  h.Counter("bypass_total", "cache", "reason"), evictions: h.Counter("evictions_total", "cache", "reason"),
		entries: h.Gauge("entries", "cache").With(s.Name), bytes: h.Gauge("bytes", "cache").With(s.Name),
	}
	f.store.init(s.MaxBytes, s.MaxEntries)
	return f, nil
}

// Payload implements filter.PayloadReader.
func (*cache) Payload() (request, response bool) { return true, true }

// reason is why the cache has nothing to do with a call.
type reason string

// The reasons.
const (
	oneWay   reason = "one_way"   // nobody wants an answer
	noCaller reason = "no_caller" // nobody knows who calls, and the rule is not shared
	noCache  reason = "no_cache"  // the call wants a new answer, which is kept
	noStore  reason = "no_store"  // the call wants nothing of it kept
	noKey    reason = "no_key"    // the codec cannot tell which calls ask for the same
	noShare  reason = "no_share"  // it waited for an answer that was for nobody else
	waited   reason = "waited"    // it waited too long for the answer to another call
)

// Begin implements filter.Filter.
func (f *cache) Begin(c filter.Call) filter.Handler {
	rules := f.rules
	if r, ok := c.RouteConfig().(*routeRules); ok {
		rules = r.rules
	}
	r := ruleOf(rules, c.Service(), c.Method())
	if r == nil {
		return nil
	}
	says := readControl(c.Metadata(), f.control)
	prefix, known := r.appendWho(nil, c)
	switch {
	case c.Kind() != sdk.KindRequest:
		return f.bypass(c, oneWay)
	case says.noStore:
		return f.bypass(c, noStore)
	case !known:
		return f.bypass(c, noCaller)
	}
	h := &handler{cache: f, rule: r, prefix: r.appendHeaders(prefix, c), refresh: says.noCache}
	if t := c.Timeout(); t > 0 {
		h.deadline = f.now().Add(t)
	}
	return h
}

// bypass notes that the cache has nothing to do with a call.
func (f *cache) bypass(c filter.Call, why reason) filter.Handler {
	f.bypasses.Add(c, 1, f.name, string(why))
	note(c, "bypass")
	return nil
}

// note tells access logs what became of a call.
func note(c filter.Call, result string) { c.SetDynamicMetadata("result", result) }
