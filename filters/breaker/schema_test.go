package breaker

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

// TestSchemaIsTheConfiguration compares the schema's fields and defaults with what is
// parsed.
func TestSchemaIsTheConfiguration(t *testing.T) {
	type properties map[string]struct {
		Default json.RawMessage `json:"default"`
	}
	var filterSchema struct {
		Properties properties `json:"properties"`
		Defs       struct {
			Rule struct {
				Properties properties `json:"properties"`
			} `json:"rule"`
		} `json:"$defs"`
	}
	var route struct {
		Properties properties `json:"properties"`
	}
	for text, into := range map[string]any{schema: &filterSchema, routeSchema: &route} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	texts := map[string]json.RawMessage{}
	for name, p := range route.Properties {
		texts[name] = p.Default
	}
	all, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	s := settings{} // so that each default has to be in the schema
	if err := json.Unmarshal(all, &s); err != nil {
		t.Fatal(err)
	}
	if s != defaults() {
		t.Errorf("the schema's defaults are %+v, want %+v", s, defaults())
	}
	if _, err := newRoute(all); err != nil {
		t.Errorf("a field of the schema is none: %v", err)
	}
	rule := slices.Sorted(maps.Keys(filterSchema.Defs.Rule.Properties))
	if want := slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(texts)), "methods"))); !slices.Equal(rule, want) {
		t.Errorf("rules have %q, want %q", rule, want)
	}
	if got := slices.Sorted(maps.Keys(filterSchema.Properties)); !slices.Equal(got, []string{"max_methods", "rules"}) {
		t.Errorf("the configuration has %q", got)
	}
}
