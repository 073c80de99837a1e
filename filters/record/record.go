package record

import (
	"math/rand/v2"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Definition is what shared libraries list.
func Definition() filter.Definition {
	return filter.Definition{
		Name:        "record",
		Summary:     "records chosen calls to files, for meltemi inspect and replay",
		Schema:      schema,
		RouteSchema: routeSchema,
		// Without RouteConfigs, which may be lacking, each call has the settings of the place.
		Needs:    []filter.Capability{filter.Statistics, filter.System},
		New:      newFilter,
		NewRoute: parseRoute,
	}
}

// recorder is the filter.
type recorder struct {
	settings *settings
	rules    []metadataRule
	secret   *names // nil if nothing is redacted
	host     filter.Host
	writer   *writer
	chance   func() float64 // from 0 to less than 1

	recorded, dropped, omitted filter.Counter
}

// What dropped_total counts apart.
const (
	droppedOverload = "overload" // no room for the call
	droppedDisk     = "disk"     // it could not be written
)

func newFilter(config []byte, h filter.Host) (filter.Filter, error) {
	s, err := parseSettings(config)
	if err != nil {
		return nil, err
	}
	f := &recorder{
		settings: s, rules: s.metadataRules(), host: h, writer: newWriter(s, h),
		chance:   rand.Float64, // a sample, not a secret
		recorded: h.Counter("recorded_total"),
		dropped:  h.Counter("dropped_total", "reason"),
		omitted:  h.Counter("omitted_messages_total", "reason"),
	}
	if len(s.Redact) > 0 {
		f.secret = newNames(s.Redact)
	}
	return f, nil
}

// Payload implements filter.PayloadReader.
func (f *recorder) Payload() (request, response bool) { return f.settings.Payload, f.settings.Payload }

// Close implements filter.Closer.
func (f *recorder) Close() { f.writer.close() }

// Begin implements filter.Filter.
func (f *recorder) Begin(c filter.Call) filter.Handler {
	if n := f.writer.lost.Swap(0); n > 0 { // the writer has no call to count with
		f.dropped.Add(c, n, droppedDisk)
	}
	if !f.chooses(c) {
		return nil
	}
	h := &handler{recorder: f}
	h.begin(c)
	return h
}

// chooses tells whether a call is to be recorded, as far as its beginning tells.
func (f *recorder) chooses(c filter.Call) bool {
	share := f.settings.Sample
	if r, ok := c.RouteConfig().(*route); ok {
		share = *r.Sample
	}
	if share == 0 || f.settings.Methods != nil && !f.settings.Methods.Match(c.Service(), c.Method()) {
		return false
	}
	for i := range f.rules {
		if !f.rules[i].match(c.Metadata()) {
			return false
		}
	}
	return share == 1 || f.chance() < share
}

// wants tells whether a call that has ended is to be recorded.
func (f *recorder) wants(o *filter.Outcome, kind sdk.Kind) bool {
	unanswered := !o.Answered && kind == sdk.KindRequest
	if f.settings.ErrorsOnly && !unanswered && o.Status.Code == sdk.OK {
		return false
	}
	return o.Duration >= time.Duration(f.settings.SlowerThan)
}
