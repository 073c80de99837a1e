package main

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/controlplane/library"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
	"github.com/meltemi-mesh/meltemi/sdk/moduleconfig"
)

// TestControllerChecks has what the controller knows of the library, which is no more than
// names and schemas, refuse what the library refuses: it would refuse the listener of all
// services of a port number with it.
func TestControllerChecks(t *testing.T) {
	known, err := library.Parse(library.Builtin)
	if err != nil {
		t.Fatal(err)
	}
	var o translate.Options
	known.Options(&o)
	for config, good := range map[string]bool{
		`{"name":"dubbo"}`: true,
		`{"name":"dubbo","expose":["tenant*","[a-z]?"],"tracing_headers":["X-Trace"],"oneway":["a.B/c/d"],"sniff_timeout":"1ms","hosts":{"a":"b"}}`: true,
		`{"name":"dubbo","expose":["[a"]}`:                     false,
		`{"name":"dubbo","oneway":["ping"]}`:                   false,
		`{"name":"dubbo","oneway":["/ping"]}`:                  false,
		`{"name":"dubbo","sniff_timeout":"0s"}`:                false,
		`{"name":"dubbo","hosts":{"a":""}}`:                    false,
		`{"name":"dubbo","tracing_headers":[""]}`:              false,
		`{"name":"dubbo","tracing_headers":["a b"]}`:           false,
		`{"name":"dubbo","tracing_headers":["é"]}`:             false,
		`{"name":"dubbo","tracing_headers":["Host"]}`:          false,
		`{"name":"dubbo","tracing_headers":["x-envoy-x"]}`:     false,
		`{"name":"dubbo","tracing_headers":["Grpc-Timeout"]}`:  false,
		`{"auto":[{"name":"dubbo"},{"name":"brpc"}]}`:          true,
		`{"auto":[{"name":"dubbo","config":{"x":1}}]}`:         false,
		`{"name":"thrift","config":{"transport":"pigeon"}}`:    false,
		`{"name":"thrift","config":{"transport":"framed"}}`:    true,
		`{"name":"thrift","config":{"unknown_setting":false}}`: false,
	} {
		controller, module := o.CheckCodec([]byte(config)), moduleconfig.Check([]byte(config), builtinCodecs())
		if (controller == nil) != good || (module == nil) != good {
			t.Errorf("%s: the controller says %v, the library %v", config, controller, module)
		}
	}
	for _, c := range []struct {
		name, config string
		good         bool
	}{
		{"stats", "", true},
		{"stats", `{"max_methods":7}`, true},
		{"stats", `{"max_methods":0}`, false},
		{"stats", `{"pigeon":1}`, false},
		{"stats", `[]`, false},
		{"arguments", "", false},
		{"arguments", `{"entries":[{"name":"id","methods":["*"],"path":0}]}`, true},
		{"cache", `{}`, false},
		{"breaker", "", true},
	} {
		config := `{"codec":{"name":"dubbo"}}`
		if c.config != "" {
			config = `{"codec":{"name":"dubbo"},"config":` + c.config + `}`
		}
		controller, module := o.CheckFilter(c.name, []byte(config)), moduleconfig.CheckFilter(c.name, []byte(config), builtinCodecs(), builtinFilters())
		if (controller == nil) != c.good || (module == nil) != c.good {
			t.Errorf("%s %s: the controller says %v, the library %v", c.name, config, controller, module)
		}
	}
}
