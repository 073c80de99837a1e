package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// spelled are the request headers of a path.
func spelled(path string, more ...string) []Field {
	fields := requestHeaders(more...)
	fields[1].Value = []byte(path)
	return fields
}

// TestOneSpelling: a policy knows one spelling of a thing, so no other reaches the server.
func TestOneSpelling(t *testing.T) {
	alice := [2]string{"user", "alice"}
	for name, tt := range map[string]struct {
		headers []Field
		entries [][2]string
	}{
		"method escaped without need":    {spelled("/com.foo.Bar/~6D"), nil},
		"another method so":              {spelled("/com.foo.Bar/~61dmin"), nil},
		"service escaped without need":   {spelled("/com.foo.~42ar/m"), nil},
		"lower-case hex":                 {spelled("/com.foo.Bar/a~2fb"), nil},
		"not escaped":                    {spelled("/com.foo.Bar/a:b"), nil},
		"dots":                           {spelled("/com.foo.Bar/.."), nil},
		"name escaped without need":      {spelled("/com.foo.Bar/m", "x-rpc-user", "alice", "x-rpc-~75ser", "bob"), [][2]string{alice}},
		"name with upper-case hex":       {spelled("/com.foo.Bar/m", "x-rpc-a~3Ab", "1"), nil},
		"plain and marked":               {spelled("/com.foo.Bar/m", "x-rpc-user", "alice", "x-rpc-user~", "~0Abob"), [][2]string{alice}},
		"marked and plain":               {spelled("/com.foo.Bar/m", "x-rpc-user~", "~0Abob", "x-rpc-user", "alice"), [][2]string{alice}},
		"marked without need":            {spelled("/com.foo.Bar/m", "x-rpc-user~", "bob"), [][2]string{alice}},
		"marked, escaped without need":   {spelled("/com.foo.Bar/m", "x-rpc-user~", "~0A~62ob"), [][2]string{alice}},
		"marked twice":                   {spelled("/com.foo.Bar/m", "x-rpc-user~", "~0Aa", "x-rpc-user~", "~0Ab"), [][2]string{alice}},
		"a reserved name, escaped":       {spelled("/com.foo.Bar/m", "x-rpc-k~69nd", "oneway"), nil},
		"another reserved name, escaped": {spelled("/com.foo.Bar/m", "x-rpc-loc~61l-tier", "gold"), nil},
	} {
		b := NewBridge(config(t, `{"name":"toy"}`))
		b.Headers(tt.headers, false)
		o := b.Data([][]byte{testcodec.Append(nil, callOf(1, "m", tt.entries...))}, true)
		if len(o.ToServer) > 0 || !o.Defer {
			t.Errorf("%s: the server gets %q", name, o.ToServer)
			continue
		}
		if got := show(b.Deferred().Response); !strings.Contains(got, "meltemi_malformed") {
			t.Errorf("%s: %s", name, got)
		}
	}
	b := NewBridge(config(t, `{"name":"toy"}`))
	b.Headers(spelled("/com.foo.Bar/a~2Fb", "x-rpc-user~", "bob~0A", "x-rpc-a~3ab", "1"), false)
	o := b.Data([][]byte{testcodec.Append(nil, callOf(1, "m", alice))}, true)
	if m, _, _ := testcodec.Parse(o.ToServer); m.Method != "a/b" || m.Entry("user") != "bob\n" || m.Entry("a:b") != "1" {
		t.Errorf("what is spelled as it should be: %+v", m)
	}
}

// TestNamesThatAreNotExposed: what no policy could see does not change.
func TestNamesThatAreNotExposed(t *testing.T) {
	for _, name := range []string{"x-rpc-userid", "x-rpc-secret"} {
		b := NewBridge(config(t, `{"name":"toy","expose":["Tenant*"]}`))
		b.Headers(spelled("/com.foo.Bar/m", name, "bob"), false)
		o := b.Data([][]byte{testcodec.Append(nil, callOf(1, "m", [2]string{"userId", "alice"}))}, true)
		if len(o.ToServer) > 0 || !strings.Contains(show(b.Deferred().Response), "not exposed") {
			t.Errorf("%s: the server gets %q", name, o.ToServer)
		}
	}
	b := NewBridge(config(t, `{"name":"toy","expose":["Tenant*"]}`))
	b.Headers(spelled("/com.foo.Bar/m", "x-rpc-tenantid", "7"), false)
	o := b.Data([][]byte{testcodec.Append(nil, callOf(1, "m"))}, true)
	if m, _, _ := testcodec.Parse(o.ToServer); m.Entry("tenantid") != "7" {
		t.Errorf("a new entry that is exposed: %+v", m)
	}
}

// TestTracingNeverRefuses: of two keys that look the same, tracing sets neither.
func TestTracingNeverRefuses(t *testing.T) {
	b := NewBridge(config(t, `{"name":"toy","on_fold":"hide"}`))
	b.Headers(requestHeaders("traceparent", "00-x"), false)
	frame := testcodec.Append(nil, callOf(1, "m", [2]string{"traceparent", "a"}, [2]string{"Traceparent", "b"}))
	if o := b.Data([][]byte{frame}, true); string(o.ToServer) != string(frame) {
		t.Errorf("the server gets %q", o.ToServer)
	}
}

// TestRepeatedHeaders are one value to Envoy's matchers, joined with commas, an empty one
// among them: the server gets what a policy saw.
func TestRepeatedHeaders(t *testing.T) {
	for name, tt := range map[string]struct {
		headers []Field
		entries [][2]string
		want    string
	}{
		"new":             {requestHeaders("x-rpc-user", "a", "x-rpc-user", "b"), nil, "[[user a,b]]"},
		"in the message":  {requestHeaders("x-rpc-user", "a", "x-rpc-user", "b"), [][2]string{{"User", "a"}}, "[[User a,b]]"},
		"the first empty": {requestHeaders("x-rpc-user", "", "x-rpc-user", "root"), [][2]string{{"user", "a"}}, "[[user ,root]]"},
		"new and empty":   {requestHeaders("x-rpc-user", "", "x-rpc-user", "root"), nil, "[[user ,root]]"},
		"both empty":      {requestHeaders("x-rpc-user", "", "x-rpc-user", ""), nil, "[[user ,]]"},
		"tracing":         {requestHeaders("tracestate", "a", "b3", "x", "tracestate", "b"), nil, "[[tracestate a,b] [b3 x]]"},
	} {
		b := NewBridge(config(t, `{"name":"toy"}`))
		b.Headers(tt.headers, false)
		o := b.Data([][]byte{testcodec.Append(nil, callOf(1, "m", tt.entries...))}, true)
		if m, _, _ := testcodec.Parse(o.ToServer); fmt.Sprint(m.Entries) != tt.want {
			t.Errorf("%s: the server gets %q, want %s", name, m.Entries, tt.want)
		}
	}
}

// TestNamesAreHTTP2s: a foreign implementation of HTTP/2 takes the names of all bytes. It
// refuses upper-case letters.
func TestNamesAreHTTP2s(t *testing.T) {
	c := config(t, `{"name":"toy"}`)
	for b := range 256 {
		d, m := NewDownstream(c, Env{}), newManager(t)
		o := d.Read(epoch, [][]byte{testcodec.Append(nil, callOf(1, "m", [2]string{"a" + string([]byte{byte(b)}) + "b", "x"}))})
		m.take(o.HTTP) // fails the test where the names are not allowed
		if len(m.requests) != 1 {
			t.Fatalf("byte %#x: %d requests", b, len(m.requests))
		}
	}
}
