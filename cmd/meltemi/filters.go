package main

import (
	"slices"

	"github.com/meltemi-mesh/meltemi/filters/arguments"
	"github.com/meltemi-mesh/meltemi/filters/breaker"
	"github.com/meltemi-mesh/meltemi/filters/cache"
	"github.com/meltemi-mesh/meltemi/filters/record"
	"github.com/meltemi-mesh/meltemi/filters/stats"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
)

// builtinFilters are the layer-7 filters that this binary carries.
func builtinFilters() []filter.Definition {
	return []filter.Definition{
		arguments.Definition(),
		breaker.Definition(),
		cache.Definition(),
		record.Definition(),
		stats.Definition(),
	}
}

// filtersOf returns the filters of a library. Of those that this program does not know,
// configurations have to be objects; the rest is for Envoy to find out.
func filtersOf(info *moduleinfo.Info, builtin []filter.Definition) []filter.Definition {
	filters := make([]filter.Definition, 0, len(info.Filters))
	for i := range info.Filters {
		f := &info.Filters[i]
		if at := slices.IndexFunc(builtin, func(d filter.Definition) bool { return d.Name == f.Name }); at >= 0 {
			filters = append(filters, builtin[at])
			continue
		}
		d := filter.Definition{Name: f.Name, Summary: f.Summary, New: func(config []byte, _ filter.Host) (filter.Filter, error) {
			return foreignFilter{}, checkObject(config)
		}}
		if f.Routes {
			d.NewRoute = func(config []byte) (any, error) { return struct{}{}, checkObject(config) }
		}
		filters = append(filters, d)
	}
	return filters
}

// foreignFilter stands for a filter that only the library has. Nobody calls it.
type foreignFilter struct{}

// Begin implements filter.Filter.
func (foreignFilter) Begin(filter.Call) filter.Handler { return nil }
