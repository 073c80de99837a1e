package thrift

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// configOf is the configuration that builds messages of a shape.
func configOf(shape string) string {
	transport, protocol, _ := strings.Cut(shape, "-")
	return `{"transport":"` + strings.Replace(transport, "header", "theader", 1) + `","protocol":"` + protocol + `"}`
}

// richArguments are the arguments of the frames call-rich.
func richArguments(tb testing.TB) []sdk.Argument {
	tb.Helper()
	var list []sdk.Argument
	for _, a := range []struct{ kind, value string }{
		{"bool", `true`},
		{"bool", `false`},
		{"i8", `-7`},
		{"i16", `-300`},
		{"i32", `70000`},
		{"i64", `-5000000000`},
		{"double", `1.5`},
		{"binary", `"/wAB"`},
		{"uuid", `"00112233-4455-6677-8899-aabbccddeeff"`},
		{"list<bool>", `[true,false,true]`},
		{"set<i32>", `[0,1000,2000,3000,4000,5000,6000,7000,8000,9000,10000,11000,12000,13000,14000,15000,16000,17000,18000,19000]`},
		{
			"map<string,list<struct<string,string@300>>>@40",
			`{"b":[{"1":"in b","300":"far"},{"1":"in b","300":"far"}],"a":[{"1":"in a","300":"far"},{"1":"in a","300":"far"}]}`,
		},
		{"map<string,i32>", `{}`},
		{"list<i64>", `[]`},
		{"struct<>", `{}`},
		{"string", `"grüße"`},
	} {
		d := json.NewDecoder(strings.NewReader(a.value))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			tb.Fatal(err)
		}
		list = append(list, sdk.Argument{Type: a.kind, Value: v})
	}
	return list
}

// TestBuiltRequestsAreThoseOfOthers builds what Apache Thrift was seen to write.
func TestBuiltRequestsAreThoseOfOthers(t *testing.T) {
	for _, shape := range shapes {
		c := codec(t, configOf(shape))
		hello := []sdk.Argument{{Type: "string", Value: "world"}}
		for name, r := range map[string]sdk.Request{
			"call":             {ID: 1, Method: "sayHello", Arguments: hello},
			"call-multiplexed": {ID: 2, Service: "Greeter", Method: "sayHello", Arguments: []sdk.Argument{{Value: "world"}}},
			"call-rich":        {ID: 7, Method: "store", Arguments: richArguments(t)},
			"call-negative-id": {ID: 0xffffffff, Method: "ping"},
			"oneway":           {ID: 3, Method: "notify", OneWay: true, Arguments: hello},
		} {
			got, err := c.BuildRequest([]byte("before"), r)
			if want := frame(t, shape+"-"+name).bytes; err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
				t.Errorf("%s-%s: %v\n got %x\nwant %x", shape, name, err, got, want)
			}
		}
	}
}

func TestBuiltHeaders(t *testing.T) {
	hello := []sdk.Argument{{Value: "world"}}
	for name, tt := range map[string]struct {
		config string
		r      sdk.Request
	}{
		"header-binary-lane":    {`{"transport":"theader"}`, sdk.Request{Metadata: []sdk.Entry{entry("x-lane", "blue")}}},
		"header-binary-timeout": {`{"transport":"theader"}`, sdk.Request{Timeout: 1500 * time.Millisecond}},
		"ttheader-call":         {`{"transport":"ttheader"}`, sdk.Request{Metadata: []sdk.Entry{entry("from_service", "client"), entry("x-lane", "blue")}}},
		"ttheader-call-bare":    {`{"transport":"ttheader"}`, sdk.Request{}},
	} {
		tt.r.ID, tt.r.Method, tt.r.Arguments = 1, "sayHello", hello
		got, err := codec(t, tt.config).BuildRequest(nil, tt.r)
		if want := frame(t, name).bytes; err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n got %x\nwant %x", name, err, got, want)
		}
	}
	c := codec(t, `{"transport":"ttheader"}`)
	b, err := c.BuildRequest(nil, sdk.Request{ID: 1, Service: "Greeter", Method: "m", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if m := read(t, c, captured{bytes: b}); string(m.Service) != "Greeter" || m.Timeout != time.Second {
		t.Errorf("read as %s in %v", m.Service, m.Timeout)
	}
}

func TestRequestsThatCannotBeBuilt(t *testing.T) {
	c := codec(t, "")
	for want, r := range map[string]sdk.Request{
		"headers":        {Method: "m", Metadata: []sdk.Entry{entry("a", "b")}},
		"name":           {},
		"exclude":        {Method: "m", Payload: []byte{0}, Arguments: []sdk.Argument{{Value: "x"}}},
		"argument 1":     {Method: "m", Arguments: []sdk.Argument{{Type: "i32", Value: "x"}}},
		"not a i8":       {Method: "m", Arguments: []sdk.Argument{{Type: "i8", Value: json.Number("128")}}},
		"empty list":     {Method: "m", Arguments: []sdk.Argument{{Value: []any{}}}},
		"not a type":     {Method: "m", Arguments: []sdk.Argument{{Type: "list<i32", Value: []any{}}}},
		"field 2 is not": {Method: "m", Arguments: []sdk.Argument{{Type: "struct<i32>", Value: map[string]any{"2": "x"}}}},
		"id of a field":  {Method: "m", Arguments: []sdk.Argument{{Value: map[string]any{"a": "x"}}}},
	} {
		if got, err := c.BuildRequest([]byte("before"), r); err == nil || !strings.Contains(err.Error(), want) || string(got) != "before" {
			t.Errorf("%s: %q, %v", want, got, err)
		}
	}
}

// TestBuiltResponses answers calls with what Apache Thrift was seen to answer.
func TestBuiltResponses(t *testing.T) {
	c := codec(t, "")
	for _, shape := range shapes {
		m := read(t, c, frame(t, shape+"-call"))
		for name, r := range map[string]sdk.Response{
			"reply":              {Result: "Hello world"},
			"exception-no-route": {Exception: &sdk.Exception{Type: "UNKNOWN_METHOD", Message: "no route"}},
		} {
			got, err := c.BuildResponse(nil, m, r)
			if want := frame(t, shape+"-"+name).bytes; err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s-%s: %v\n got %x\nwant %x", shape, name, err, got, want)
			}
		}
		b, err := c.BuildResponse(nil, m, sdk.Response{Exception: &sdk.Exception{Type: "3", Message: "no"}})
		if err != nil {
			t.Fatal(err)
		}
		reply := read(t, c, captured{from: sdk.FromServer, bytes: b})
		v, err := c.View(reply)
		if err != nil || entries(reply) != "thrift-exception=3" || *v.Exception != (sdk.Exception{Type: "3", Message: "no"}) {
			t.Errorf("%s: %s, %+v, %v", shape, entries(reply), v.Exception, err)
		}
	}
	m := read(t, c, frame(t, "ttheader-call-framed"))
	b, err := c.BuildResponse(nil, m, sdk.Response{Result: "x", Metadata: []sdk.Entry{entry("x-zone", "z1")}})
	if err != nil {
		t.Fatal(err)
	}
	if reply := read(t, c, captured{from: sdk.FromServer, bytes: b}); entries(reply) != "x-zone=z1" {
		t.Errorf("entries %q", entries(reply))
	}
	if _, err := c.BuildResponse(nil, m, sdk.Response{Exception: &sdk.Exception{Type: "com.foo.E"}}); err == nil {
		t.Error("a class name is the type of an exception")
	}
}

// TestViews shows the same content in all transports and protocols.
func TestViews(t *testing.T) {
	c := codec(t, "")
	for _, shape := range shapes {
		m := read(t, c, frame(t, shape+"-call-rich"))
		v, err := c.View(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(v.Arguments)
		if err != nil {
			t.Fatal(err)
		}
		if want := richView; string(got) != want {
			t.Errorf("%s:\n got %s\nwant %s", shape, got, want)
		}
		v, err = c.View(read(t, c, frame(t, shape+"-reply")))
		if err != nil || v.Result != "Hello world" || v.Exception != nil {
			t.Errorf("%s: %+v, %v", shape, v, err)
		}
		v, err = c.View(read(t, c, frame(t, shape+"-reply-declared")))
		if err != nil || v.Exception == nil || *v.Exception != (sdk.Exception{Type: "1", Message: "no such name"}) {
			t.Errorf("%s: %+v, %v", shape, v, err)
		}
		v, err = c.View(read(t, c, frame(t, shape+"-exception-internal")))
		if err != nil || v.Exception == nil || *v.Exception != (sdk.Exception{Type: "INTERNAL_ERROR", Message: "no healthy upstream"}) {
			t.Errorf("%s: %+v, %v", shape, v, err)
		}
	}
}

const richView = `[{"Type":"bool@1","Value":true},{"Type":"bool@2","Value":false},{"Type":"i8@3","Value":-7},` +
	`{"Type":"i16@4","Value":-300},{"Type":"i32@5","Value":70000},{"Type":"i64@6","Value":-5000000000},` +
	`{"Type":"double@7","Value":1.5},{"Type":"string@8","Value":"/wAB"},` +
	`{"Type":"uuid@9","Value":"00112233-4455-6677-8899-aabbccddeeff"},{"Type":"list\u003cbool\u003e@10","Value":[true,false,true]},` +
	`{"Type":"set\u003ci32\u003e@11","Value":[0,1000,2000,3000,4000,5000,6000,7000,8000,9000,10000,11000,12000,13000,14000,15000,16000,17000,18000,19000]},` +
	`{"Type":"map\u003cstring,list\u003e@40","Value":{"a":[{"1":"in a","300":"far"},{"1":"in a","300":"far"}],"b":[{"1":"in b","300":"far"},{"1":"in b","300":"far"}]}},` +
	`{"Type":"map@41","Value":{}},{"Type":"list@42","Value":[]},{"Type":"struct@43","Value":{}},{"Type":"string@44","Value":"grüße"}]`
