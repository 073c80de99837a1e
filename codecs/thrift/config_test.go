package thrift

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func TestConfig(t *testing.T) {
	for config, want := range map[string]string{
		``:                                              "",
		`{"transport":"auto"}`:                          "",
		`{"transport":"ttheader"}`:                      "",
		`{"protocol":"lax"}`:                            "",
		`{"replies":"by_id"}`:                           "",
		`{"transport":"http"}`:                          "transport",
		`{"protocol":"json"}`:                           "protocol",
		`{"replies":"some"}`:                            "replies",
		`{"oneway":[""]}`:                               "oneway[0]",
		`{"exceptions_as":{"other":"x"}}`:               "exceptions_as.other",
		`{"exceptions_as":{"applicat":"x"}}`:            "applicat",
		`{"transports":"framed"}`:                       "transports",
		`{"transport":"ttheader","protocol":"compact"}`: "ttheader",
	} {
		_, err := newCodec([]byte(config))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", config, err)
		}
	}
}

func TestExceptionsAs(t *testing.T) {
	c := codec(t, `{"exceptions_as":{"application":"ABORTED","other":"INTERNAL"}}`)
	for name, want := range map[string]sdk.Code{
		"framed-binary-reply-declared": sdk.Aborted, "ttheader-reply-business": sdk.Aborted,
		"framed-compact-exception-internal": sdk.Internal, "framed-binary-reply": sdk.OK,
	} {
		if m := read(t, c, frame(t, name)); m.Status.Code != want {
			t.Errorf("%s counts as %v, want %v", name, m.Status.Code, want)
		}
	}
}

func TestOrder(t *testing.T) {
	if !codec(t, "").InOrder() || codec(t, `{"replies":"by_id"}`).InOrder() {
		t.Error("replies are in order unless the configuration says by_id")
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
		is[sdk.Ordered](c), is[sdk.PerConnection](c), is[sdk.ReplyNamer](c), is[sdk.Sniffer](c), is[sdk.StatusTable](c),
		is[sdk.Viewer](c), is[sdk.RequestBuilder](c), is[sdk.ResponseBuilder](c),
	} {
		if !optional {
			t.Errorf("%T lacks an interface", c)
		}
	}
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

// TestNewConnection makes something for a connection only where there is something to
// remember.
func TestNewConnection(t *testing.T) {
	for config, want := range map[string]bool{
		"": true, `{"transport":"unframed"}`: true, `{"transport":"framed"}`: false, `{"transport":"ttheader"}`: false,
	} {
		if _, got := codec(t, config).NewConnection().(*connection); got != want {
			t.Errorf("%s: %v", config, got)
		}
	}
}

func TestSniff(t *testing.T) {
	c := codec(t, "")
	for _, f := range frames(t) {
		decided := false
		for n := 1; n <= len(f.bytes) && !decided; n++ {
			switch c.Sniff(f.bytes[:n]) {
			case sdk.MatchNo:
				t.Fatalf("%s: not recognised by %d bytes", f.name, n)
			case sdk.MatchMaybe:
				if n >= maxSniff {
					t.Fatalf("%s: undecided after %d bytes", f.name, n)
				}
			case sdk.MatchYes:
				decided = true
			}
		}
		if !decided {
			t.Errorf("%s: not recognised", f.name)
		}
	}
	long := append([]byte{0, 0, 0, 200}, strings.Repeat("n", 60)...)
	if c.Sniff(long) != sdk.MatchYes || c.Sniff(long[:63]) != sdk.MatchMaybe {
		t.Error("a long name is not decided by the 64th byte")
	}
	for name, b := range map[string]string{
		"Dubbo": "\xda\xbb\xc2\x00", "HTTP": "GET / HTTP/1.1\r\n", "TLS": "\x16\x03\x01\x02\x00\x01", "bRPC": "PRPC\x00\x00\x00\x10",
		"Kafka": "\x00\x00\x00\x2f\x00\x12\x00\x03\x00\x00\x00\x01", "Kafka, Produce": "\x00\x00\x00\x2f\x00\x00\x00\x09\x00\x00\x00\x01",
		"Tars": "\x00\x00\x00\x46\x10\x01\x2c\x3c", "MySQL": "\x4a\x00\x00\x00\x0a", "tRPC": "\x09\x30\x00\x00\x00\x00\x00\x50\x00\x0a", "Redis": "*1\r\n$4\r\n",
		"Kitex Protobuf": "\x00\x00\x00\x46\x90\x01\x00\x01",
	} {
		if got := c.Sniff([]byte(b)); got != sdk.MatchNo {
			t.Errorf("%s is %v", name, got)
		}
	}
}
