package thrift

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestWrittenValues writes values from JSON, with and without a type, and views them
// again.
func TestWrittenValues(t *testing.T) {
	for _, tt := range []struct{ kind, value, wantType, want string }{
		{"", `7`, "i32@1", `7`},
		{"", `-3000000000`, "i64@1", `-3000000000`},
		{"", `1.25`, "double@1", `1.25`},
		{"", `false`, "bool@1", `false`},
		{"", `["a","b"]`, "list<string>@1", `["a","b"]`},
		{"", `{"1":"x","4":[1,2],"2":true}`, "struct@1", `{"1":"x","2":true,"4":[1,2]}`},
		{"i64@9", `7`, "i64@9", `7`},
		{"map<i32,bool>", `{"5":true,"6":false}`, "map<i32,bool>@1", `{"5":true,"6":false}`},
		{"map<bool,byte>", `{"true":1}`, "map<bool,i8>@1", `{"true":1}`},
		{"map<double,uuid>", `{"0.5":"00112233445566778899aabbccddeeff"}`, "map<double,uuid>@1", `{"0.5":"00112233-4455-6677-8899-aabbccddeeff"}`},
		{"struct<i16@3,struct<string>@7>", `{"3":1,"7":{"1":"x"}}`, "struct@1", `{"3":1,"7":{"1":"x"}}`},
		{"struct<i16,string>", `{"2":"x","1":null}`, "struct@1", `{"2":"x"}`},
		{"set<list<string>>", `[["a"],[]]`, "set<list>@1", `[["a"],[]]`},
	} {
		for _, shape := range shapes {
			c := codec(t, configOf(shape))
			b, err := c.BuildRequest(nil, sdk.Request{Method: "m", Arguments: []sdk.Argument{{Type: tt.kind, Value: parsed(t, tt.value)}}})
			if err != nil {
				t.Errorf("%s %s: %v", tt.kind, tt.value, err)
				break
			}
			v, err := c.View(read(t, c, captured{bytes: b}))
			if err != nil || len(v.Arguments) != 1 {
				t.Fatalf("%s %s: %+v, %v", tt.kind, tt.value, v, err)
			}
			got, err := json.Marshal(v.Arguments[0].Value)
			if err != nil || string(got) != tt.want || v.Arguments[0].Type != tt.wantType {
				t.Errorf("%s: %s %s is %s %s, %v", shape, tt.kind, tt.value, v.Arguments[0].Type, got, err)
			}
		}
	}
}

func parsed(tb testing.TB, text string) (v any) {
	tb.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		tb.Fatal(err)
	}
	return v
}

func TestValuesThatDoNotFit(t *testing.T) {
	c := codec(t, "")
	for kind, value := range map[string]string{
		"bool": `1`, "i32": `2147483648`, "i64": `1.5`, "double": `true`, "string": `1`, "binary": `"*"`, "uuid": `"12"`,
		"list<i32>": `{}`, "set<i32>": `["x"]`, "map<string,i32>": `[]`, "map<i32,string>": `{"x":"y"}`, "struct<i32>": `[]`,
		"list<bool>": `[1]`, "map<string,bool>": `{"a":1}`, "list": `[]`, "map<string>": `{}`, "struct<i32@99999>": `{}`, "i33": `1`,
		"list<struct<>>": `[1]`,
	} {
		if b, err := c.BuildRequest(nil, sdk.Request{Method: "m", Arguments: []sdk.Argument{{Type: kind, Value: parsed(t, value)}}}); err == nil {
			t.Errorf("%s %s is written as %x", kind, value, b)
		}
	}
	if _, err := c.BuildRequest(nil, sdk.Request{Method: "m", Arguments: []sdk.Argument{{}}}); err == nil {
		t.Error("null has a type")
	}
}
