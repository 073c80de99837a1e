package breaker

import (
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

func TestRulesAndRoutes(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"rules": [
    {"methods": ["shop.Orders/get"], "min_calls": 2},
    {"methods": ["shop.Stock/*"], "failure_percent": 0},
    {"methods": ["shop.*/*"], "min_calls": 3, "open_time": "1s", "failures": ["NOT_FOUND"]}]}`)
	put := filtertest.Request{Service: "shop.Orders", Method: "put"}
	missing := filtertest.Response{Code: sdk.NotFound}
	do(h, get, broken, broken)
	refused(t, h, get, "open")
	do(h, put, broken, broken, broken)
	do(h, put, missing, missing, missing)
	refused(t, h, put, "open")
	h.Advance(time.Second)
	passes(t, h, put, fine)
	refused(t, h, get, "open")
	for _, r := range []filtertest.Request{{Service: "shop.Stock", Method: "get"}, {Service: "other", Method: "get"}} {
		if c := h.Begin(r); !c.Ignored() {
			t.Errorf("%s is not ignored", r.Service)
		}
	}

	routed := filtertest.Request{Service: "other", Method: "get", RouteConfig: `{"min_calls": 1}`}
	do(h, routed, broken)
	refused(t, h, routed, "open")
	off := get
	off.RouteConfig = `{"failure_percent": 0}`
	passes(t, h, off, fine)
	slower := get
	slower.RouteConfig = `{"min_calls": 2, "open_time": "10s"}`
	passes(t, h, slower, fine) // another circuit
	refused(t, h, get, "open")
}

func TestConfigurationIsStrict(t *testing.T) {
	rule := func(s string) string { return `{"rules": [{"methods": ["*"]}, {"methods": ["*"], ` + s + `}]}` }
	for config, want := range map[string]string{
		`{"rule": []}`:                   `unknown field "rule"`,
		`{"max_methods": 0}`:             `max_methods: 0 is not between 1 and 1000`,
		`{"rules": [{}]}`:                `rules[0]: methods: there are none`,
		`{"rules": [null]}`:              `rules[0]: methods: there are none`,
		`{"rules": [{"methods":["a"]}]`:  `configuration`,
		`{"rules": [{"methods":["a"]}]}`: `"a" is not SERVICE/METHOD`,
		rule(`"minimum": 1`):             `rules[1]: configuration: json: unknown field "minimum"`,
		rule(`"min_calls": 0`):           `rules[1]: min_calls: 0 is not between 1 and 1000000`,
		rule(`"failure_percent": 101`):   `failure_percent: 101 is not between 0 and 100`,
		rule(`"window": "99ms"`):         `window: 99ms is not between 100ms and 1h0m0s`,
		rule(`"window": 10`):             `10 is not a duration such as "5s"`,
		rule(`"open_time": "soon"`):      `"soon" is not a duration`,
		rule(`"open_time": "2h"`):        `open_time: 2h0m0s is not between`,
		rule(`"min_timeout": "2h"`):      `min_timeout: 2h0m0s is not between 0s and 1h0m0s`,
		rule(`"min_timeout": "-1s"`):     `"-1s" is negative`,
		rule(`"probes": 0`):              `probes: 0 is not between 1 and 1000`,
		rule(`"successes": 1001`):        `successes: 1001 is not`,
		rule(`"max_concurrent": -1`):     `max_concurrent: -1 is not`,
		rule(`"failures": ["OK"]`):       `failures[0]: "OK" is not the gRPC code of a failure`,
		rule(`"failures": ["internal"]`): `failures[0]: "internal" is not`,
		rule(`"failures": "INTERNAL"`):   `failures: json: cannot unmarshal string`,
	} {
		if _, err := filtertest.Try(t, Definition(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
	for config, want := range map[string]string{
		`{"methods": ["*"]}`: `unknown field "methods"`, `{"probes": 0}`: `probes: 0 is not between`,
	} {
		if _, err := newRoute([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("route %s: %v, want %q", config, err, want)
		}
	}
}
