package moduleinfo

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
)

func TestDescribeFilters(t *testing.T) {
	d := probe.Definition()
	d.Needs = []filter.Capability{filter.WaitCalls}
	info, err := Describe(nil, []filter.Definition{d})
	if err != nil {
		t.Fatal(err)
	}
	f := info.Filters[0]
	if !slices.Equal(info.FilterNames(), []string{"probe"}) || f.Summary == "" || !f.Routes || !slices.Equal(f.Needs, d.Needs) {
		t.Errorf("%+v", f)
	}
	if !json.Valid(f.Schema) || !json.Valid(f.RouteSchema) {
		t.Errorf("schemas %s, %s", f.Schema, f.RouteSchema)
	}
	for want, change := range map[string]func(d *filter.Definition){
		"filter 1 has no name":                       func(d *filter.Definition) { d.Name = "" },
		"filter 1 has no name or no constructor":     func(d *filter.Definition) { d.Name, d.New = "x", nil },
		"two filters are named probe":                func(*filter.Definition) {},
		"filter x: its schema is no JSON":            func(d *filter.Definition) { d.Name, d.Schema = "x", "{" },
		"filter x: of routes: its schema is no JSON": func(d *filter.Definition) { d.Name, d.RouteSchema = "x", "{" },
	} {
		other := probe.Definition()
		change(&other)
		if _, err := Describe(nil, []filter.Definition{d, other}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
