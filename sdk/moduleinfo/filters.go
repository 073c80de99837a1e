package moduleinfo

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Filter is a layer-7 filter of a library.
type Filter struct {
	Name        string              `json:"name"`
	Summary     string              `json:"summary"`
	Needs       []filter.Capability `json:"needs"`                  // of its host
	Routes      bool                `json:"routes"`                 // whether routes can configure it
	Schema      json.RawMessage     `json:"schema,omitempty"`       // of its configuration
	RouteSchema json.RawMessage     `json:"route_schema,omitempty"` // of that of a route
}

// describeFilters describes filters, which are not made: they may want a configuration.
func (i *Info) describeFilters(filters []filter.Definition) error {
	for at, d := range filters {
		switch {
		case d.Name == "" || d.New == nil:
			return fmt.Errorf("filter %d has no name or no constructor", at)
		case slices.ContainsFunc(filters[:at], func(other filter.Definition) bool { return other.Name == d.Name }):
			return fmt.Errorf("two filters are named %s", d.Name)
		}
		f := Filter{Name: d.Name, Summary: d.Summary, Needs: append([]filter.Capability{}, d.Needs...), Routes: d.NewRoute != nil}
		var err error
		if f.Schema, err = schema(d.Schema); err != nil {
			return fmt.Errorf("filter %s: %w", d.Name, err)
		}
		if f.RouteSchema, err = schema(d.RouteSchema); err != nil {
			return fmt.Errorf("filter %s: of routes: %w", d.Name, err)
		}
		i.Filters = append(i.Filters, f)
	}
	return nil
}

// FilterNames are the names of the filters, sorted.
func (i *Info) FilterNames() []string {
	names := make([]string, 0, len(i.Filters))
	for _, f := range i.Filters {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}
