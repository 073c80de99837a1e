package breaker

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Definition is what shared libraries list.
func Definition() filter.Definition {
	return filter.Definition{
		Name:        "breaker",
		Summary:     "refuses calls of methods that fail or are overloaded: circuit breaker, limit of concurrency",
		Schema:      schema,
		RouteSchema: routeSchema,
		// Without RouteConfigs, which may be lacking, each call has the settings of the place.
		Needs:    []filter.Capability{filter.Statistics},
		New:      newFilter,
		NewRoute: newRoute,
	}
}

const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "max_methods": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 200,
      "description": "how many methods have a lasting circuit and series of their own"},
    "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}, "default": [{"methods": ["*"]}],
      "description": "the first that selects a call counts; a call that none selects passes"}
  },
  "$defs": {"rule": {"type": "object", "additionalProperties": false, "required": ["methods"], "properties": {
    "methods": ` + filter.MethodsSchema + `,` + settingsSchema + `
  }}}
}`

const routeSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {` + settingsSchema + `
  }
}`

// defaultMaxMethods are more than most services have.
const defaultMaxMethods = 200

// rule is how the circuits of some methods behave.
type rule struct {
	Methods filter.Methods `json:"methods"`

	settings
}

// configuration is the JSON form of the filter's configuration.
type configuration struct {
	MaxMethods int               `json:"max_methods"`
	Rules      []json.RawMessage `json:"rules"` // each a rule, with defaults
}

func newFilter(config []byte, h filter.Host) (filter.Filter, error) {
	raw := configuration{MaxMethods: defaultMaxMethods, Rules: []json.RawMessage{json.RawMessage(`{"methods": ["*"]}`)}}
	if err := sdk.ParseConfig(config, &raw); err != nil {
		return nil, err
	}
	f := &breaker{
		host: h, began: h.Now(),
		state:     h.Gauge("state", "service", "method"),
		opened:    h.Counter("opened_total", "service", "method"),
		refused:   h.Counter("refused_total", "service", "method", "reason"),
		forgotten: h.Counter("forgotten_total"),
	}
	problem := between("max_methods", raw.MaxMethods, 1, filter.MaxSeries)
	for i, text := range raw.Rules {
		r := rule{settings: defaults()}
		err := sdk.ParseConfig(text, &r)
		if err == nil {
			err = r.check()
		}
		if err == nil && r.Methods.Empty() {
			err = errNoMethods
		}
		if err != nil {
			problem = errors.Join(problem, fmt.Errorf("rules[%d]: %w", i, err))
		}
		f.rules = append(f.rules, r)
	}
	f.circuits.init(raw.MaxMethods)
	return f, problem
}

var errNoMethods = errors.New("methods: there are none")

func newRoute(config []byte) (any, error) {
	s := defaults()
	if err := sdk.ParseConfig(config, &s); err != nil {
		return nil, err
	}
	return &s, s.check()
}
