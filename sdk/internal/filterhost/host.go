package filterhost

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// host is what a filter's New sees.
type host struct {
	config   *Config
	names    []string
	problems []error
	closed   bool // New has returned
}

var metricName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Counter implements filter.Host.
func (h *host) Counter(name string, labels ...string) filter.Counter {
	return filter.NewCounter(h.define(filter.KindCounter, name, labels))
}

// Gauge implements filter.Host.
func (h *host) Gauge(name string, labels ...string) filter.Gauge {
	return filter.NewGauge(h.define(filter.KindGauge, name, labels))
}

// Histogram implements filter.Host.
func (h *host) Histogram(name string, labels ...string) filter.Histogram {
	return filter.NewHistogram(h.define(filter.KindHistogram, name, labels))
}

// define returns nil, with which a metric does nothing, after a problem.
func (h *host) define(kind filter.MetricKind, name string, labels []string) *filter.Metric {
	problem := func(format string, args ...any) *filter.Metric {
		h.problems = append(h.problems, fmt.Errorf("metric %q: "+format, append([]any{name}, args...)...))
		return nil
	}
	switch {
	case h.closed:
		return nil // the host takes no more, and New has returned
	case !metricName.MatchString(name):
		return problem("its name is not lower-case letters, digits and '_'")
	case slices.Contains(h.names, name):
		return problem("it is defined twice")
	case len(labels) > filter.MaxLabels:
		return problem("%d labels are more than %d", len(labels), filter.MaxLabels)
	}
	for _, l := range labels {
		if !metricName.MatchString(l) {
			return problem("label %q is not lower-case letters, digits and '_'", l)
		}
	}
	h.names = append(h.names, name)
	m := &filter.Metric{Kind: kind, Name: name, Labels: slices.Clone(labels)}
	if err := h.config.env.Define(m, MetricName(h.config.name, name)); err != nil {
		return problem("%w", err)
	}
	return m
}

// MetricName is the full name of a filter's metric.
func MetricName(filterName, metric string) string {
	b := []byte("meltemi_" + filterName + "_" + metric)
	for i := range b {
		if b[i] == '-' {
			b[i] = '_'
		}
	}
	return string(b)
}

// CheckPath implements filter.Host.
func (h *host) CheckPath(p *sdk.Path) error {
	problems := make([]error, 0, len(h.config.codecs))
	for _, c := range h.config.codecs {
		err := c.CheckPath(p)
		if err == nil {
			return nil
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// Codecs implements filter.Host.
func (h *host) Codecs() []filter.Codec {
	var list []filter.Codec
	for _, config := range h.config.codecs {
		for i, codec := range config.Codecs() {
			list = append(list, filter.Codec{Name: codec.Name(), Config: nullIsNone(bytes.Clone(config.CodecConfig(i)))})
		}
	}
	return list
}

// Now implements filter.Host.
func (h *host) Now() time.Time { return h.config.env.Now() }

// Log implements filter.Host.
func (h *host) Log(level filter.Level, format string, args ...any) {
	h.config.log(level, format, args)
}

// log writes a line that names the filter.
func (c *Config) log(level filter.Level, format string, args []any) {
	if c.env.LogOn(level) {
		c.env.Log(level, "filter "+c.name+": "+fmt.Sprintf(format, args...))
	}
}
