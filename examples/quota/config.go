package quota

import (
	"fmt"
	"net"
	"regexp"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

const (
	schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["redis", "limit", "window", "on_error"],
  "properties": {
    "redis": {"type": "string", "description": "address, as HOST:PORT"},
    "tenant": {"type": "string", "description": "key of the metadata entry that names the tenant; without it the client's certificate does"},
    "limit": {"type": "integer", "minimum": 1, "description": "calls of a tenant in a window"},
    "window": {"type": "string", "description": "such as 1m; it begins with a tenant's first call"},
    "counter": {"type": "string", "pattern": "^[a-z0-9-]+$", "default": "all", "description": "filters with the same counter count together"},
    "on_error": {"enum": ["allow", "refuse"], "description": "what becomes of calls while Redis cannot be asked"},
    "timeout": {"type": "string", "default": "100ms", "description": "how long a call waits for Redis"},
    "connections": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 16, "description": "to Redis, at most"}
  }
}`
	routeSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["counter", "limit"],
  "properties": {
    "counter": {"type": "string", "pattern": "^[a-z0-9-]+$", "description": "the calls of the route are counted apart, under this name"},
    "limit": {"type": "integer", "minimum": 1},
    "window": {"type": "string", "description": "the filter's, if it is not given"}
  }
}`
)

// settings are the configuration.
type settings struct {
	Redis       string `json:"redis"`
	Tenant      string `json:"tenant"`
	Limit       int    `json:"limit"`
	Window      string `json:"window"`
	Counter     string `json:"counter"`
	OnError     string `json:"on_error"`
	Timeout     string `json:"timeout"`
	Connections int    `json:"connections"`
}

// routeSettings are what a route can say.
type routeSettings struct {
	Counter string `json:"counter"`
	Limit   int    `json:"limit"`
	Window  string `json:"window"`
}

const (
	maxWindow      = 31 * 24 * time.Hour
	maxTimeout     = 10 * time.Second
	maxConnections = 1000
)

// newConfigured makes the filter of a configuration, which has no store yet.
func newConfigured(config []byte) (*quota, *settings, error) {
	s := &settings{Counter: "all", Timeout: "100ms", Connections: 16}
	if err := sdk.ParseConfig(config, s); err != nil {
		return nil, nil, err
	}
	f := &quota{redis: s.Redis, tenant: s.Tenant, allowOnError: s.OnError == "allow"}
	if _, port, err := net.SplitHostPort(s.Redis); err != nil || port == "" {
		return nil, nil, fmt.Errorf("redis: %q is not HOST:PORT", s.Redis)
	}
	if s.OnError != "allow" && s.OnError != "refuse" {
		return nil, nil, fmt.Errorf("on_error: %q is neither allow nor refuse", s.OnError)
	}
	if s.Connections < 1 || s.Connections > maxConnections {
		return nil, nil, fmt.Errorf("connections: %d is not between 1 and %d", s.Connections, maxConnections)
	}
	var err error
	if f.timeout, err = parseDuration("timeout", s.Timeout, maxTimeout); err != nil {
		return nil, nil, err
	}
	if f.rule, err = newRule(s.Counter, s.Limit); err != nil {
		return nil, nil, err
	}
	f.rule.window, err = parseDuration("window", s.Window, maxWindow)
	return f, s, err
}

// newRoute makes what Call.RouteConfig returns. Without a window, the filter's counts.
func newRoute(config []byte) (any, error) {
	s := &routeSettings{}
	if err := sdk.ParseConfig(config, s); err != nil {
		return nil, err
	}
	r, err := newRule(s.Counter, s.Limit)
	if err == nil && s.Window != "" {
		r.window, err = parseDuration("window", s.Window, maxWindow)
	}
	return r, err
}

// rule is how many calls of a tenant are let go, and what counts them.
type rule struct {
	counter string
	limit   int
	window  time.Duration
}

// counterForm keeps the parts of a key in Redis apart.
var counterForm = regexp.MustCompile("^[a-z0-9-]+$")

func newRule(counter string, limit int) (rule, error) {
	if !counterForm.MatchString(counter) {
		return rule{}, fmt.Errorf("counter: %q is no name of lower-case letters, digits and '-'", counter)
	}
	if limit < 1 {
		return rule{}, fmt.Errorf("limit: %d is less than 1", limit)
	}
	return rule{counter: counter, limit: limit}, nil
}

func parseDuration(field, text string, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no time, such as 100ms or 1m", field, text)
	}
	if d < time.Millisecond || d > most {
		return 0, fmt.Errorf("%s: %v is not between 1ms and %v", field, d, most)
	}
	return d, nil
}
