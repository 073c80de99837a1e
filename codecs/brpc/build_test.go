package brpc

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// argument reads [TYPE:]JSON as `meltemi call` does.
func argument(t *testing.T, typ, text string) sdk.Argument {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	a := sdk.Argument{Type: typ}
	if err := d.Decode(&a.Value); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestBuiltRequestsAreThoseOfOthers compares what we build with what protoc writes.
func TestBuiltRequestsAreThoseOfOthers(t *testing.T) {
	c := codec(t, "")
	rich := argument(t, "message<string,int64,sint32,repeated<string>,message<string,int64@2>,map<string,int64>,bytes,double,bool,fixed32,fixed64,float@13>",
		`{"13":1.5,"1":"world","2":-5,"3":-3,"4":["a","b"],"5":{"1":"deep","5":{"2":300}},"6":{"bob":42},"7":"AP8=","8":0.5,"9":true,"10":7,"11":9}`)
	for name, r := range map[string]sdk.Request{
		"cpp-built-rich": {Arguments: []sdk.Argument{rich}, Timeout: 1500 * time.Millisecond},
		"cpp-built-json": {Arguments: []sdk.Argument{argument(t, "", `{"message":"hello"}`)}, Metadata: set("log_id", "3")},
		"cpp-built-payload": {
			Payload: []byte("zippedATT"), Metadata: set("attachment_size", "3", "compress_type", "gzip"),
		},
	} {
		r.ID, r.Service, r.Method = 7, "example.EchoService", "Echo"
		got, err := c.BuildRequest([]byte("before"), r)
		if name == "cpp-built-payload" {
			sameMeta(t, got, frame(t, name))
		} else if want := append([]byte("before"), frame(t, name).bytes...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n got %x\nwant %x", name, err, got, want)
		}
	}
}

// sameMeta compares messages whose fields may be in another order.
func sameMeta(t *testing.T, built []byte, want captured) {
	t.Helper()
	c := codec(t, "")
	got := captured{want.name, want.from, bytes.TrimPrefix(built, []byte("before"))}
	a, b := read(t, c, got), read(t, c, want)
	if entries(a) != entries(b) || a.ID != b.ID || len(got.bytes) != len(want.bytes) || !bytes.HasSuffix(got.bytes, []byte("zippedATT")) {
		t.Errorf("%s:\n got %x\nwant %x", want.name, got.bytes, want.bytes)
	}
}

func TestBuiltResponsesAreThoseOfOthers(t *testing.T) {
	c := codec(t, "")
	req := read(t, c, frame(t, "java-request-ext-fields"))
	for name, r := range map[string]sdk.Response{
		"cpp-built-error": {Exception: &sdk.Exception{Type: "EREQUEST", Message: "a text"}},
	} {
		got, err := c.BuildResponse([]byte("before"), req, r)
		if want := append([]byte("before"), frame(t, name).bytes...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n got %x\nwant %x", name, err, got, want)
		}
	}
	// Without a content type it is Protocol Buffers, and an object with names none.
	for _, result := range []any{"hello", sdk.OrderedMap{{Key: "1", Value: "hello"}}, map[string]any{"1": "hello"}} {
		got, err := c.BuildResponse(nil, req, sdk.Response{Result: result})
		if want := frame(t, "cpp-built-response").bytes; err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %v\n got %x\nwant %x", result, err, got, want)
		}
	}
	if got, err := c.BuildResponse(nil, req, sdk.Response{Result: sdk.OrderedMap{{Key: "message", Value: "hello"}}}); err == nil {
		t.Errorf("brpc-java gets JSON: %q", got)
	}
}

// TestExceptions builds exceptions of all kinds of types.
func TestExceptions(t *testing.T) {
	c := codec(t, "")
	req := read(t, c, frame(t, "cpp-request"))
	for typ, want := range map[string]int{
		"ELIMIT": 2004, "4242": 4242, "-3": -3, "": 2001, "java.lang.IllegalStateException": 2001, "OK": 2001, "0": 2001,
	} {
		b, err := c.BuildResponse(nil, req, sdk.Response{Exception: &sdk.Exception{Type: typ}, Metadata: set("x-zone", "z1")})
		if err != nil {
			t.Fatal(err)
		}
		m := read(t, c, captured{from: sdk.FromServer, bytes: b})
		if m.Status.Native != want || string(m.Status.Message) != typ || m.ID != req.ID || entries(m) != "x-zone=z1" {
			t.Errorf("%q: %d %q for %d, %s", typ, m.Status.Native, m.Status.Message, m.ID, entries(m))
		}
	}
}

func TestNotBuilt(t *testing.T) {
	c := codec(t, "")
	text := argument(t, "", `"x"`)
	for name, r := range map[string]sdk.Request{
		"a one-way call":       {OneWay: true},
		"two arguments":        {Arguments: []sdk.Argument{text, text}},
		"a payload and more":   {Payload: []byte{}, Arguments: []sdk.Argument{text}},
		"no method":            {Method: "-"},
		"a method with a dot":  {Method: "a.b"},
		"no such type":         {Arguments: []sdk.Argument{argument(t, "int", `1`)}},
		"half a type":          {Arguments: []sdk.Argument{argument(t, "message<string", `{}`)}},
		"a list in a list":     {Arguments: []sdk.Argument{argument(t, "", `[[1]]`)}},
		"a list of lists":      {Arguments: []sdk.Argument{argument(t, "repeated<repeated<string>>", `[]`)}},
		"an empty list":        {Arguments: []sdk.Argument{argument(t, "", `[]`)}},
		"a text for a number":  {Arguments: []sdk.Argument{argument(t, "int32", `"x"`)}},
		"a number too large":   {Arguments: []sdk.Argument{argument(t, "int32", `2147483648`)}},
		"a negative unsigned":  {Arguments: []sdk.Argument{argument(t, "uint64", `-1`)}},
		"a number for a text":  {Arguments: []sdk.Argument{argument(t, "string", `1`)}},
		"no base 64":           {Arguments: []sdk.Argument{argument(t, "bytes", `"?"`)}},
		"a name for a number":  {Arguments: []sdk.Argument{argument(t, "message<string>", `{"name":"x"}`)}},
		"field 0":              {Arguments: []sdk.Argument{argument(t, "", `{"0":"x"}`)}},
		"an id for Java":       {Metadata: set("request_id", "x")},
		"no number":            {Metadata: set("log_id", "x")},
		"no compression":       {Metadata: set("compress_type", "rar")},
		"a short attachment":   {Payload: []byte("ab"), Metadata: set("attachment_size", "3")},
		"a negative attached":  {Payload: []byte("ab"), Metadata: set("attachment_size", "-1")},
		"an odd number's type": {Arguments: []sdk.Argument{argument(t, "string@x", `"x"`)}},
	} {
		if r.Service = "a.S"; r.Method == "" {
			r.Method = "m"
		} else if r.Method == "-" {
			r.Method = ""
		}
		if got, err := c.BuildRequest([]byte("before"), r); err == nil {
			t.Errorf("%s is built: %q", name, got)
		}
	}
}

// TestViews shows payloads.
func TestViews(t *testing.T) {
	c := codec(t, "")
	for name, want := range map[string]string{
		"cpp-request":            `{"1":"hello"}`,
		"cpp-request-json":       `{"message":"hello"}`,
		"cpp-request-no-payload": `{}`,
		"cpp-request-all":        `{"1":"hello"}`,
		"cpp-built-payload":      `"emlwcGVk"`,
		"cpp-request-rich": `{"1":"world","2":-5,"3":5,"4":["a","b"],"5":{"1":"deep","5":{"2":300}},"6":{"1":"bob","2":42},"7":"AP8=",` +
			`"8":4602678819172646912,"9":1,"10":7,"11":9,"12":"AQI=","13":1069547520}`,
	} {
		v, err := c.View(read(t, c, frame(t, name)))
		if err != nil || len(v.Arguments) != 1 {
			t.Errorf("%s: %v, %v", name, v.Arguments, err)
			continue
		}
		if got, err := json.Marshal(v.Arguments[0].Value); err != nil || string(got) != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	v, err := c.View(read(t, c, frame(t, "cpp-error-limit")))
	if err != nil || v.Exception == nil || v.Exception.Type != "ELIMIT" {
		t.Errorf("%+v, %v", v, err)
	}
	v, err = c.View(read(t, c, frame(t, "cpp-response-user-fields")))
	if got, _ := json.Marshal(v.Result); err != nil || string(got) != `{"1":"hello"}` || string(v.Fields[3].Value) != "3 bytes" {
		t.Errorf("%s, %s, %v", got, v.Fields[3].Value, err)
	}
}

// TestDeepMessages shows what nests deeper than anyone writes it.
func TestDeepMessages(t *testing.T) {
	payload := []byte("x")
	for range 2000 {
		payload = appendBytes([]byte{0x0a}, payload)
	}
	c := codec(t, "")
	b, err := c.BuildRequest(nil, sdk.Request{Service: "a.S", Method: "m", Payload: payload})
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.View(read(t, c, captured{bytes: b}))
	if err != nil {
		t.Fatal(err)
	}
	depth := 0
	for at := v.Arguments[0].Value; ; depth++ {
		m, ok := at.(sdk.OrderedMap)
		if !ok {
			break
		}
		at = m[0].Value
	}
	if depth < sdk.MaxDepth || depth > sdk.MaxDepth+2 {
		t.Errorf("shown %d deep", depth)
	}
}
