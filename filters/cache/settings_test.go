package cache

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
	rule := func(fields string) string {
		return `{"rules": [{"methods": ["a/b"], "ttl": "1s"}, {"methods": ["a/c"], ` + fields + `}]}`
	}
	for config, want := range map[string]string{
		`{"rule": []}`:                                                       `unknown field "rule"`,
		`{"name": ""}`:                                                       `name: it is empty`,
		`{"max_bytes": 0}`:                                                   `max_bytes: 0 is less than 257, which the shortest answer takes`,
		`{"max_bytes": 256, "rules": []}`:                                    `max_bytes: 256 is less than 257`,
		`{"max_entries": -1}`:                                                `max_entries: -1 is less than 1`,
		`{"rules": [{"tl": 1}]}`:                                             `unknown field "tl"`,
		`{"rules": [{"methods": ["a/b"], "ttl": 5}]}`:                        `5 is not a duration`,
		`{"rules": [{"methods": ["a/b"], "ttl": "5"}]}`:                      `"5" is not a duration such as "5s"`,
		`{"rules": [{"methods": ["a"], "ttl": "5s"}]}`:                       `[0]: "a" is not SERVICE/METHOD`,
		`{"rules": [{"ttl": "5s"}]}`:                                         `rules[0].methods: there are none`,
		rule(`"ttl": "0s"`):                                                  `rules[1].ttl: 0s is no time to keep an answer`,
		rule(`"shared": true`):                                               `rules[1].ttl: 0s is no time`,
		rule(`"ttl": "1s", "wait": "-1s"`):                                   `"-1s" is negative`,
		rule(`"ttl": "1s", "max_entry_bytes": 0`):                            `rules[1].max_entry_bytes: 0 is less than 1`,
		rule(`"ttl": "1s", "caller_local": "a", "caller_metadata": "a"`):     `rules[1].caller_local: caller_metadata names the caller`,
		rule(`"ttl": "1s", "caller_local": "a", "shared": true`):             `rules[1].shared: a rule that is shared has no caller`,
		rule(`"ttl": "1s", "metadata": ["` + seventeen(`", "`) + `"]`):       `rules[1].metadata, local: more than 16 entries`,
		rule(`"ttl": "1s", "metadata": ["a", ""]`):                           `rules[1].metadata: an entry has no key`,
		rule(`"ttl": "1s", "local": [""]`):                                   `rules[1].local: an entry has no key`,
		rule(`"ttl": "1s", "local": ["` + seventeen(`", "`) + `"]`):          `rules[1].metadata, local: more than 16 entries`,
		`{"rules": [{"methods": ["a/b"], "ttl": "5s", "metadata": "lane"}]}`: `cannot unmarshal string`,
	} {
		if _, err := filtertest.Try(t, Definition(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
		if _, err := newRoute([]byte(config)); err == nil {
			t.Errorf("a route may say %s", config)
		}
	}
	for _, config := range []string{"", "{}", `{"max_bytes": 1000}`} {
		if _, err := filtertest.Try(t, Definition(), config); err == nil || !strings.Contains(err.Error(), "rules: they are missing; [] leaves them to routes") {
			t.Errorf("%q: %v", config, err)
		}
	}
	for _, config := range []string{`{"rules": []}`, `{"max_bytes": 257, "rules": []}`, `{"rules": [{"methods": ["*"], "ttl": "1m30s", "wait": "0s", "metadata": ["a", "A"]}]}`} {
		if _, err := filtertest.Try(t, Definition(), config); err != nil {
			t.Errorf("%s: %v", config, err)
		}
	}
}

func seventeen(between string) string {
	return strings.Join(strings.Split("abcdefghijklmnopq", ""), between)
}

// TestSchemasNameTheFields compares the schemas with the structures.
func TestSchemasNameTheFields(t *testing.T) {
	type object struct {
		Properties map[string]struct {
			Items struct{ Properties map[string]any }
		}
	}
	fields := func(v any) (names []string) {
		for f := range reflect.TypeOf(v).Fields() {
			names = append(names, f.Tag.Get("json"))
		}
		slices.Sort(names)
		return names
	}
	for text, settings := range map[string]any{schema: settings{}, routeSchema: routeSettings{}} {
		var s object
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		if got, want := slices.Sorted(maps.Keys(s.Properties)), fields(settings); !slices.Equal(got, want) {
			t.Errorf("the schema has %q, the structure %q", got, want)
		}
		if got, want := slices.Sorted(maps.Keys(s.Properties["rules"].Items.Properties)), fields(ruleSettings{}); !slices.Equal(got, want) {
			t.Errorf("the schema of rules has %q, the structure %q", got, want)
		}
	}
}

// TestKeysOfRulesHaveOneSpelling: rules that say the same share answers.
func TestKeysOfRulesHaveOneSpelling(t *testing.T) {
	if got := keys([]string{"Zone", "lane", "zone", "LANE", "É"}); !slices.Equal(got, []string{"lane", "zone", "É"}) {
		t.Errorf("got %q", got)
	}
}
