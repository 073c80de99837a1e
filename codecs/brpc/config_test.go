package brpc

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func TestConfig(t *testing.T) {
	for config, want := range map[string]string{
		``:                                   "",
		`{"dialect":"auto"}`:                 "",
		`{"dialect":"java"}`:                 "",
		`{"shared_credentials":true}`:        "",
		`{"full_names":true}`:                "",
		`{"lower_case":true}`:                "",
		`{"dialect":"go"}`:                   "dialect",
		`{"shared_credentials":"yes"}`:       "shared_credentials",
		`{"exceptions_as":{"other":"x"}}`:    "exceptions_as.other",
		`{"exceptions_as":{"applicat":"x"}}`: "applicat",
		`{"dialects":"java"}`:                "dialects",
	} {
		_, err := newCodec([]byte(config))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", config, err)
		}
	}
}

func TestDefinition(t *testing.T) {
	d := Definition()
	var schema map[string]any
	if err := json.Unmarshal([]byte(d.Schema), &schema); err != nil {
		t.Fatal(err)
	}
	c, err := d.New(nil)
	if err != nil || c.Name() != d.Name {
		t.Errorf("%v, %v", c, err)
	}
	for _, optional := range []bool{
		is[sdk.Sniffer](c), is[sdk.StatusTable](c), is[sdk.Viewer](c), is[sdk.RequestBuilder](c), is[sdk.ResponseBuilder](c),
	} {
		if !optional {
			t.Errorf("%T lacks an interface", c)
		}
	}
	if is[sdk.Ordered](c) || is[sdk.Heartbeater](c) || is[sdk.GoAwayer](c) {
		t.Errorf("%T has what the protocol has not", c)
	}
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}
