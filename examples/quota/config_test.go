package quota

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

func TestConfigurationIsStrict(t *testing.T) {
	good := map[string]any{"redis": "127.0.0.1:6379", "limit": 5, "window": "1m", "on_error": "allow"}
	for _, c := range []struct {
		field string
		value any
		want  string
	}{
		{"limt", 5, `unknown field "limt"`},
		{"redis", "127.0.0.1", `redis: "127.0.0.1" is not HOST:PORT`},
		{"redis", "", `redis: "" is not HOST:PORT`},
		{"on_error", "", `on_error: "" is neither allow nor refuse`},
		{"limit", 0, `limit: 0 is less than 1`},
		{"window", "1 minute", `window: "1 minute" is no time, such as 100ms or 1m`},
		{"window", "", `window: "" is no time`},
		{"window", "745h", `window: 745h0m0s is not between 1ms and 744h0m0s`},
		{"timeout", "-1s", `timeout: -1s is not between 1ms and 10s`},
		{"connections", 1001, `connections: 1001 is not between 1 and 1000`},
		{"counter", "a:b", `counter: "a:b" is no name of lower-case letters, digits and '-'`},
	} {
		config := maps.Clone(good)
		config[c.field] = c.value
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := filtertest.Try(t, Definition(), string(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", text, err, c.want)
		}
	}
	for config, want := range map[string]string{
		`{"limit": 5}`:          `counter: "" is no name`,
		`{"counter": "search"}`: `limit: 0 is less than 1`,
		`{"counter": "search", "limit": 5, "window": "x"}`: `window: "x" is no time`,
		`{"redis": "127.0.0.1:6379"}`:                      `unknown field "redis"`,
	} {
		if _, err := newRoute([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

// TestSchemas compares the fields of the schemas with those that are read.
func TestSchemas(t *testing.T) {
	for text, of := range map[string]any{schema: settings{}, routeSchema: routeSettings{}} {
		var s struct {
			Properties map[string]any `json:"properties"`
		}
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		var fields []string
		for f := range reflect.TypeOf(of).Fields() {
			fields = append(fields, f.Tag.Get("json"))
		}
		slices.Sort(fields)
		if got := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(got, fields) {
			t.Errorf("the schema has %q, the configuration %q", got, fields)
		}
	}
}
