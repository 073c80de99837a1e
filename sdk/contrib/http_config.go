package contrib

import (
	"context"
	"errors"
	"time"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"
	"github.com/envoyproxy/envoy/contrib/golang/filters/http/source/go/pkg/http"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
	"github.com/meltemi-mesh/meltemi/sdk/internal/process"
)

// capabilities are those that this host has. Envoy's Go package has no client of its
// own, no access to spans, and no histograms.
func capabilities() []filter.Capability {
	return []filter.Capability{
		filter.ReadPayload, filter.WaitCalls, filter.AnswerCalls, filter.RouteConfigs, filter.Statistics, filter.AccessLogs,
		filter.System,
	}
}

// parser makes the configurations of one filter. Envoy calls it on the main thread, and
// for routes also on workers.
type parser struct{ name string }

// filterConfig is one filter, made from one configuration.
type filterConfig struct {
	name string
	host *filterhost.Config
	*metrics
}

// settings are what a request begins with: the filter, and what its route says to it.
type settings struct {
	*filterConfig
	route route
}

// parsed is what Parse returns, and has the filter; api.Config. Envoy destroys what Merge
// returns too, so that is of another type: settings, which go with a route.
type parsed struct{ settings }

// Destroy implements api.Config. Envoy's configuration is gone, and with it each call that
// came with it.
func (p *parsed) Destroy() {
	defer barrier("the end of a filter's configuration", nil)
	p.host.Close()
}

// settingsIn are those in a configuration of Parse or Merge, nil if it is of a route.
func settingsIn(config any) *settings {
	switch c := config.(type) {
	case *parsed:
		return &c.settings
	case *settings:
		return c
	}
	return nil
}

// route is the configuration of a route. Envoy's filter may ask for it when a request
// is there, and then ends the process if it is refused (getMergedConfigId in its
// golang_filter.cc): so one that cannot be read refuses the calls of its route instead.
type route struct {
	value any
	err   error
}

// Parse implements api.StreamFilterConfigParser.
func (p *parser) Parse(config *anypb.Any, callbacks api.ConfigCallbackHandler) (made any, err error) {
	defer barrier("configuration of a filter", func() { err = errors.New("it panicked") })
	text, err := settingsOf(config)
	if err = errors.Join(library.err, err); callbacks == nil {
		return p.parseRoute(text, err), nil
	}
	if err != nil {
		return nil, err
	}
	process.Fit(int(http.EnvoyConcurrency()), logLevel)
	c := &filterConfig{name: p.name, metrics: &metrics{envoy: callbacks}}
	if c.host, err = filterhost.New(p.name, text, library.Codecs, library.Filters, c.env()); err != nil {
		return nil, err
	}
	return &parsed{settings{filterConfig: c}}, nil
}

func (p *parser) parseRoute(text []byte, err error) *route {
	r := &route{err: err}
	if r.err == nil {
		r.value, r.err = filterhost.NewRoute(p.name, text, library.Filters)
	}
	if r.err != nil {
		logf(api.Error, "route: %v; its calls are refused", r.err)
	}
	return r
}

// Merge implements api.StreamFilterConfigParser. Envoy merges from the outermost to the
// innermost: virtual host, route, weighted cluster. The innermost counts.
func (*parser) Merge(parent, child any) any {
	outer := settingsIn(parent)
	inner, isRoute := child.(*route)
	if outer == nil || !isRoute {
		logf(api.Error, "cannot merge %T into %T", child, parent)
		return outer // not the parent, which is destroyed by itself
	}
	return &settings{filterConfig: outer.filterConfig, route: *inner}
}

// env is what this host lends to a filter.
func (c *filterConfig) env() filterhost.Env {
	return filterhost.Env{
		Has:         capabilities(),
		Now:         time.Now,
		Cancellable: func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) },
		Define:      c.define,
		LogOn:       func(level filter.Level) bool { return logOn(filterLevels[level]) },
		Log:         func(level filter.Level, text string) { logf(filterLevels[level], "%s", text) },
		OnPanic:     logPanic,
	}
}

// logLevel writes to Envoy's log.
func logLevel(level filter.Level, format string, args ...any) {
	logf(filterLevels[level], format, args...)
}

// filterLevels are Envoy's levels by those of package filter.
var filterLevels = [...]api.LogType{filter.Debug: api.Debug, filter.Info: api.Info, filter.Warn: api.Warn, filter.Error: api.Error}
