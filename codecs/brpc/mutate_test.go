package brpc

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func set(pairs ...string) (list []sdk.Entry) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, sdk.Entry{Key: []byte(pairs[i]), Value: []byte(pairs[i+1])})
	}
	return list
}

func keys(list ...string) (all [][]byte) {
	for _, key := range list {
		all = append(all, []byte(key))
	}
	return all
}

// mutations are what makes the messages of testdata/brpc/changed.tsv.
var mutations = map[string]sdk.Mutation{
	"service":       {Service: []byte("example.other.LongerService")},
	"method":        {Method: []byte("Ping")},
	"log-id":        {Set: set("log_id", "42")},
	"no-log-id":     {Remove: keys("log_id")},
	"trace-id":      {Set: set("trace_id", "-1")},
	"request-id":    {Set: set("request_id", "rid-22")},
	"no-request-id": {Remove: keys("request_id")},
	"timeout":       {Set: set("timeout_ms", "250")},
	"id":            {NewID: true, ID: 300},
	"lane":          {Set: set("x-lane", strings.Repeat("v", 200))},
	"no-lane":       {Remove: keys("x-lane", "not-there")},
	"everything": {
		Service: []byte("a.B"), Method: []byte("c"), NewID: true, ID: 0,
		Set: set("log_id", "0", "timeout_ms", "1"), Optional: set("x-lane", "green"),
	},
	"new-user-field":          {Set: set("x-lane", "blue")},
	"new-timeout":             {Set: set("timeout_ms", "70")},
	"new-id":                  {NewID: true, ID: 9},
	"ext-lane":                {Set: set("x-lane", "a-greener-one")},
	"no-ext-lane":             {Remove: keys("x-lane")},
	"new-ext-field":           {Optional: set("new", "1")},
	"response-user-field":     {Set: set("x-zone", "z2")},
	"response-new-user-field": {Set: set("x-zone", "z1")},
	"refusal-new-user-field":  {Optional: set("x-zone", "z1")},
}

// TestMutationsAreThoseOfOthers compares changed messages with what protoc writes.
func TestMutationsAreThoseOfOthers(t *testing.T) {
	c := codec(t, "")
	seen := 0
	for _, f := range table(t, "changed.tsv") {
		mut, ok := mutations[f[0]]
		if seen++; !ok {
			t.Errorf("%s: no mutation", f[0])
			continue
		}
		m := read(t, c, frame(t, f[1]))
		got, err := c.Encode([]byte("before"), m, &mut)
		if want := append([]byte("before"), unhex(t, f[2])...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n got %x\nwant %x", f[0], err, got, want)
		}
	}
	if seen != len(mutations) {
		t.Errorf("%d of %d mutations are in the file", seen, len(mutations))
	}
}

// changeTo makes a change, and returns the message as it is read afterwards.
func changeTo(t *testing.T, c *Codec, b []byte, mut *sdk.Mutation) (*sdk.Message, []byte) {
	t.Helper()
	m := read(t, c, captured{bytes: b})
	got, err := c.Encode(nil, m, mut)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, c, captured{bytes: got}), got
}

// TestUnknownFieldsStay changes what stands between fields that nobody knows, in the
// meta, in the request and in an entry, and everything once more in a second request.
func TestUnknownFieldsStay(t *testing.T) {
	const (
		unknown  = "\xa2\x06\x03abc" + "\xa8\x06\x07" + "\xad\x06wxyz" + "\xb1\x0612345678" // fields 100 to 102
		odd      = "\x98\x80\x00\x87\x80\x00"                                               // log_id 7 in more bytes than it takes
		userData = "\x4a\x0f" + "\xa2\x06\x03abc" + "\x0a\x01k" + "\x12\x01v" + "\xa8\x06\x07"
	)
	call := service + unknown + method + odd
	others := unknown + userData + "\x0a\x06" + unknown[:6] + "\x2a\x01x" + "\x6a\x00"
	b := request(call, others)
	c := codec(t, "")
	for name, mut := range map[string]*sdk.Mutation{
		"service": {Service: []byte("other.S")}, "method": {Method: []byte("other")}, "id": {NewID: true, ID: 5},
		"an entry": {Set: set("k", "other")}, "a new entry": {Set: set("new", "v")}, "a number": {Set: set("log_id", "8")},
		"a new number": {Set: set("trace_id", "8")}, "no entry": {Remove: keys("k")},
	} {
		m, got := changeTo(t, c, b, mut)
		if n, want := bytes.Count(got, []byte(unknown)), 2; n != want || !bytes.HasSuffix(got, []byte("body")) {
			t.Errorf("%s: %d of %d unknown fields stay: %x", name, n, want, got)
		}
		if n := bytes.Count(got, []byte("\xa2\x06\x03abc")); n != 4 && name != "no entry" || n != 3 && name == "no entry" {
			t.Errorf("%s: %d of the other unknown fields: %x", name, n, got)
		}
		if !mut.Names("log_id") && !bytes.Contains(got, []byte(odd)) {
			t.Errorf("%s: an odd number is written anew: %x", name, got)
		}
		for _, e := range mut.Set {
			if v, _ := m.Get(string(e.Key)); !bytes.Equal(v, e.Value) {
				t.Errorf("%s: %s is %s", name, e.Key, v)
			}
		}
	}
}

// TestRepeatedFields changes what stands there more than once: the last one counts.
func TestRepeatedFields(t *testing.T) {
	c := codec(t, "")
	f := frame(t, "cpp-request-merged")
	for name, want := range map[string]struct {
		mut     sdk.Mutation
		entries string
	}{
		"set":              {sdk.Mutation{Set: set("x-lane", "red", "log_id", "2")}, "log_id=2 timeout_ms=100 x-lane=red a=1"},
		"remove":           {sdk.Mutation{Remove: keys("x-lane", "log_id")}, "timeout_ms=100 a=1"},
		"names":            {sdk.Mutation{Service: []byte("x.Y"), Method: []byte("z")}, "log_id=1 timeout_ms=100 x-lane=green a=1"},
		"add to the first": {sdk.Mutation{Set: set("span_id", "9")}, "log_id=1 span_id=9 timeout_ms=100 x-lane=green a=1"},
	} {
		m, _ := changeTo(t, c, f.bytes, &want.mut)
		if got := entries(m); got != want.entries {
			t.Errorf("%s: %q, want %q", name, got, want.entries)
		}
		if want.mut.Service != nil && (string(m.Service) != "x.Y" || string(m.Method) != "z") {
			t.Errorf("%s: %s/%s", name, m.Service, m.Method)
		}
	}
}

// TestNamedLikeFields changes metadata that is named like a field of the meta.
func TestNamedLikeFields(t *testing.T) {
	c := codec(t, "")
	m, got := changeTo(t, c, frame(t, "cpp-request-named-like-fields").bytes,
		&sdk.Mutation{Set: set("_log_id", "theirs", "__log_id", "x", "_span_id", "new"), Remove: keys("_timeout_ms")})
	if got := entries(m); got != "log_id=1 _log_id=theirs __log_id=x kind=k _span_id=new" {
		t.Errorf("entries %q", got)
	}
	if !bytes.Contains(got, []byte("\x0a\x06log_id\x12\x06theirs")) || !bytes.Contains(got, []byte("\x0a\x07span_id\x12\x03new")) {
		t.Errorf("%q", got)
	}
}

func TestRequestIDs(t *testing.T) {
	for name, want := range map[string]struct{ dialect, frame, id, entries string }{
		"change":                     {"auto", "cpp-request-all", "other", "other"},
		"add":                        {"cpp", "cpp-request", "new", "new"},
		"add where it may be Java":   {"auto", "cpp-request", "new", ""},
		"add to Java":                {"auto", "java-request-ext-fields", "new", ""},
		"like metadata":              {"auto", "cpp-request-all", "\x0a\x01k\x12\x01v", ""},
		"like metadata, but in C++":  {"cpp", "cpp-request-all", "\x0a\x01k\x12\x01v", "\x0a\x01k\x12\x01v"},
		"something that is no text":  {"cpp", "cpp-request-all", "\xff", ""},
		"add to Java, by configured": {"java", "java-request", "new", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := codec(t, `{"dialect":"`+want.dialect+`"}`)
			m := read(t, c, frame(t, want.frame))
			got, err := c.Encode(nil, m, &sdk.Mutation{Set: set("request_id", want.id)})
			if want.entries == "" {
				unsupported(t, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if id, _ := read(t, c, captured{bytes: got}).Get("request_id"); string(id) != want.entries {
				t.Errorf("id %q", id)
			}
		})
	}
}

func unsupported(t *testing.T, err error) {
	t.Helper()
	var call *sdk.CallError
	if !errors.As(err, &call) || call.Cause != sdk.CauseUnsupported {
		t.Errorf("got %v, want what is unsupported", err)
	}
}

// TestDialectOfWhatIsAdded adds metadata where the configuration says that it belongs.
func TestDialectOfWhatIsAdded(t *testing.T) {
	for dialect, want := range map[string]string{"cpp": "\x4a\x06\x0a\x01k\x12\x01v", "auto": "\x4a\x06\x0a\x01k\x12\x01v", "java": "\x3a\x06\x0a\x01k\x12\x01v"} {
		c := codec(t, `{"dialect":"`+dialect+`"}`)
		m, got := changeTo(t, c, frame(t, "java-request").bytes, &sdk.Mutation{Set: set("k", "v")})
		if v, _ := m.Get("k"); string(v) != "v" || !bytes.Contains(got, []byte(want)) {
			t.Errorf("%s: %q: %x", dialect, entries(m), got)
		}
	}
}

// TestRefusedMutations refuses what has no place, naming it, and leaves what is optional
// out.
func TestRefusedMutations(t *testing.T) {
	for name, want := range map[string]struct {
		config, frame string
		mut           sdk.Mutation
	}{
		"a service in a response":     {"", "cpp-response", sdk.Mutation{Service: []byte("s")}},
		"a method in a response":      {"", "cpp-response", sdk.Mutation{Method: []byte("m")}},
		"a log id in a response":      {"", "cpp-response", sdk.Mutation{Set: set("log_id", "1")}},
		"a request id in a response":  {"", "cpp-response", sdk.Mutation{Set: set("request_id", "1")}},
		"metadata in Java's response": {`{"dialect":"java"}`, "java-response", sdk.Mutation{Set: set("k", "v")}},
		"no service":                  {"", "cpp-request", sdk.Mutation{Service: []byte{}}},
		"no method":                   {"", "cpp-request", sdk.Mutation{Method: []byte{}}},
		"a method with a dot":         {"", "cpp-request", sdk.Mutation{Method: []byte("Other.m")}},
		"a short name":                {`{"full_names":true}`, "cpp-request", sdk.Mutation{Service: []byte("S")}},
		"a name that is no text":      {"", "cpp-request", sdk.Mutation{Service: []byte("\xff")}},
		"a key that is no text":       {"", "cpp-request", sdk.Mutation{Set: set("\xff", "v")}},
		"a value that is no text":     {"", "cpp-request", sdk.Mutation{Set: set("k", "\xff")}},
		"a number that is none":       {"", "cpp-request", sdk.Mutation{Set: set("log_id", "1a")}},
		"a number with a sign":        {"", "cpp-request", sdk.Mutation{Set: set("log_id", "+1")}},
		"a number with zeros":         {"", "cpp-request", sdk.Mutation{Set: set("log_id", "01")}},
		"a number of 65 bits":         {"", "cpp-request", sdk.Mutation{Set: set("log_id", "9223372036854775808")}},
		"a timeout of 32 bits":        {"", "cpp-request", sdk.Mutation{Set: set("timeout_ms", "2147483648")}},
		"another compression":         {"", "cpp-request-gzip", sdk.Mutation{Set: set("compress_type", "none")}},
		"no compression":              {"", "cpp-request-gzip", sdk.Mutation{Remove: keys("compress_type")}},
		"another content type":        {"", "cpp-request", sdk.Mutation{Set: set("content_type", "json")}},
		"another attachment":          {"", "cpp-request-all", sdk.Mutation{Set: set("attachment_size", "1")}},
	} {
		t.Run(name, func(t *testing.T) {
			c := codec(t, want.config)
			f := frame(t, want.frame)
			m := read(t, c, f)
			got, err := c.Encode([]byte("before"), m, &want.mut)
			unsupported(t, err)
			if string(got) != "before" {
				t.Errorf("wrote %q", got)
			}
			if want.mut.Set == nil {
				return
			}
			if got, err := c.Encode(nil, m, &sdk.Mutation{Optional: want.mut.Set}); err != nil || !bytes.Equal(got, f.bytes) {
				t.Errorf("as an optional entry: %v, %x", err, got)
			}
		})
	}
}
