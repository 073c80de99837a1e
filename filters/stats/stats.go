package stats

import (
	"fmt"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Definition is what shared libraries list.
func Definition() filter.Definition {
	return filter.Definition{
		Name:    "stats",
		Summary: "counts calls by method: outcome, latency, sizes",
		Schema:  schema,
		Needs:   []filter.Capability{filter.Statistics},
		New:     newFilter,
	}
}

const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "max_methods": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 200,
      "description": "how many methods have series of their own; the others count as \"other\""},
    "metadata": {"type": "array", "maxItems": 5, "items": {"type": "string"},
      "description": "entries of calls whose values become labels of calls_total; - and . become _"}
  }
}`

// defaultMaxMethods are more than most services have.
const defaultMaxMethods = 200

// maxMetadata leaves room for service, method and code.
const maxMetadata = filter.MaxLabels - 3

// settings are the JSON form of the configuration.
type settings struct {
	MaxMethods int      `json:"max_methods"`
	Metadata   []string `json:"metadata"`
}

// stats is the filter.
type stats struct {
	metadata []string // keys whose values are labels
	methods  methods

	calls                   filter.Counter
	open                    filter.Gauge
	latency, sent, received filter.Histogram
}

func newFilter(config []byte, h filter.Host) (filter.Filter, error) {
	s := settings{MaxMethods: defaultMaxMethods}
	if err := sdk.ParseConfig(config, &s); err != nil {
		return nil, err
	}
	if s.MaxMethods < 1 || s.MaxMethods > filter.MaxSeries {
		return nil, fmt.Errorf("max_methods: %d is not between 1 and %d", s.MaxMethods, filter.MaxSeries)
	}
	if len(s.Metadata) > maxMetadata {
		return nil, fmt.Errorf("metadata: %d entries are more than %d", len(s.Metadata), maxMetadata)
	}
	labels := []string{"service", "method", "code"}
	for i, key := range s.Metadata {
		label := labelOf(key)
		if slices.Contains(labels, label) {
			return nil, fmt.Errorf("metadata[%d]: there is a label %q already", i, label)
		}
		labels = append(labels, label)
	}
	f := &stats{
		metadata: s.Metadata,
		calls:    h.Counter("calls_total", labels...),
		open:     h.Gauge("open_calls"),
		latency:  h.Histogram("latency_ms", "service", "method"),
		sent:     h.Histogram("request_bytes", "service", "method"),
		received: h.Histogram("response_bytes", "service", "method"),
	}
	f.methods.init(f, s.MaxMethods)
	return f, nil
}

// labelOf makes the name of a label out of a key.
func labelOf(key string) string {
	b := []byte(key)
	for i, c := range b {
		switch {
		case 'A' <= c && c <= 'Z':
			b[i] = c + 'a' - 'A'
		case c == '-' || c == '.':
			b[i] = '_'
		}
	}
	return string(b)
}

// Begin implements filter.Filter.
func (f *stats) Begin(c filter.Call) filter.Handler {
	f.open.Add(c, 1)
	if len(f.metadata) == 0 {
		return handler{stats: f}
	}
	values := make([]string, len(f.metadata))
	for i, key := range f.metadata {
		values[i], _ = c.Metadata().Get(key)
	}
	return handler{stats: f, values: values}
}

// handler is the filter's part in one call.
type handler struct {
	filter.Base

	*stats
	values []string // of the labels that configuration adds, as the call came
}

// End implements filter.Handler.
func (h handler) End(c filter.Call, o filter.Outcome) {
	h.open.Add(c, -1)
	m := h.methods.of(c.Service(), c.Method(), o.ProvesMethod())
	if len(h.values) == 0 {
		m.calls(o).Add(c, 1)
	} else {
		h.stats.calls.Add(c, 1, append([]string{m.service, m.method, code(o)}, h.values...)...)
	}
	m.latency.Record(c, uint64(max(o.Duration.Milliseconds(), 0)))
	m.sent.Record(c, o.RequestBytes)
	m.received.Record(c, o.ResponseBytes)
}

// code is the label of an outcome.
func code(o filter.Outcome) string {
	if !o.Answered {
		return "none"
	}
	return o.Status.Code.String()
}
