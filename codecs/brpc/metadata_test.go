package brpc

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func TestRequests(t *testing.T) {
	const all = "log_id=-7 trace_id=1311768467294899695 span_id=3 parent_span_id=4 timeout_ms=1500 request_id=rid-1 " +
		"x-lane=blue traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 attachment_size=3"
	c := codec(t, "")
	for name, want := range map[string]struct {
		id      uint64
		call    string
		timeout time.Duration
		entries string
	}{
		"cpp-request":                   {1<<32 + 1, "example.EchoService/Echo", 500 * time.Millisecond, "timeout_ms=500"},
		"cpp-request-all":               {1<<64 - 2, "example.EchoService/Echo", 1500 * time.Millisecond, all},
		"cpp-request-short-name":        {3, "EchoService/Echo", 0, ""},
		"cpp-request-no-id":             {0, "example.EchoService/Echo", 0, ""},
		"cpp-request-no-payload":        {4, "example.EchoService/Echo", 0, ""},
		"cpp-request-gzip":              {5, "example.EchoService/Echo", 0, "compress_type=gzip"},
		"cpp-request-json":              {6, "example.EchoService/Echo", 0, "content_type=json"},
		"cpp-request-named-like-fields": {7, "example.EchoService/Echo", 0, "log_id=1 _log_id=mine __log_id=mine too _timeout_ms=soon kind=k"},
		"cpp-request-merged":            {2, "example.Admin/Drop", 100 * time.Millisecond, "log_id=1 timeout_ms=100 x-lane=green a=1"},
		"java-request":                  {1, "example.EchoService/Echo", 0, "log_id=0"},
		"java-request-ext-fields":       {5, "example.EchoService/Echo", 0, "log_id=7 x-lane=blue empty="},
		"java-request-attachment":       {5, "example.EchoService/Echo", 0, "log_id=7 trace_id=11 span_id=12 parent_span_id=13 x-lane=blue attachment_size=3"},
		"java-request-merged":           {2, "example.EchoService/Ping", 0, "x-lane=green b=2"},
		"script-req-att-user-fields":    {2, "example.EchoService/Echo", 500 * time.Millisecond, "log_id=7 timeout_ms=500 request_id=rid-1 x-lane=blue attachment_size=3"},
		"script-java-req-mutated":       {999, "example.EchoService/Echo", 0, "x-lane=blue"},
	} {
		m := read(t, c, frame(t, name))
		if call := string(m.Service) + "/" + string(m.Method); m.Kind != sdk.KindRequest || m.ID != want.id || call != want.call || m.Timeout != want.timeout {
			t.Errorf("%s: got %v %d %s in %v", name, m.Kind, m.ID, call, m.Timeout)
		}
		if got := entries(m); got != want.entries {
			t.Errorf("%s: entries %q, want %q", name, got, want.entries)
		}
	}
}

func TestResponses(t *testing.T) {
	c := codec(t, "")
	for name, want := range map[string]struct {
		id      uint64
		code    sdk.Code
		native  int
		text    string
		entries string
	}{
		"cpp-response":             {1<<32 + 1, sdk.OK, 0, "", ""},
		"cpp-response-user-fields": {1<<64 - 2, sdk.OK, 0, "", "x-zone=z1 attachment_size=3"},
		"cpp-response-empty":       {4, sdk.OK, 0, "", ""},
		"cpp-error-no-service":     {1, sdk.Unimplemented, 1001, "Fail to find service=example.Nope", ""},
		"cpp-error-no-method":      {1, sdk.Unimplemented, 1002, "Fail to find method=example.EchoService/Nope", ""},
		"cpp-error-request":        {1, sdk.InvalidArgument, 1003, "Fail to parse request", ""},
		"cpp-error-auth":           {1, sdk.Unauthenticated, 1004, "Fail to authenticate", ""},
		"cpp-error-timeout":        {1, sdk.DeadlineExceeded, 1008, "reached timeout", ""},
		"cpp-error-overcrowded":    {1, sdk.Unavailable, 1011, "overcrowded", ""},
		"cpp-error-reject":         {1, sdk.PermissionDenied, 1018, "", ""},
		"cpp-error-internal":       {1, sdk.Unknown, 2001, "it failed", ""},
		"cpp-error-logoff":         {1, sdk.Unavailable, 2003, "Server is stopping", ""},
		"cpp-error-limit":          {1, sdk.Unavailable, 2004, "Reached server's max_concurrency=1", ""},
		"cpp-error-application":    {1, sdk.FailedPrecondition, 4242, "no such order", ""},
		"cpp-error-negative":       {1, sdk.FailedPrecondition, -3, "odd", ""},
		"java-response":            {5, sdk.OK, 0, "", ""},
		"java-error":               {5, sdk.Unknown, 2001, "java.lang.IllegalStateException", ""},
	} {
		m := read(t, c, frame(t, name))
		s := m.Status
		if m.Kind != sdk.KindResponse || m.ID != want.id || s.Code != want.code || s.Native != want.native || string(s.Message) != want.text {
			t.Errorf("%s: got %v %d, %v %d %q", name, m.Kind, m.ID, s.Code, s.Native, s.Message)
		}
		if got := entries(m); got != want.entries {
			t.Errorf("%s: entries %q, want %q", name, got, want.entries)
		}
	}
}

// TestDialects reads field 7 and user_fields as the configuration says.
func TestDialects(t *testing.T) {
	for _, want := range []struct{ dialect, name, entries string }{
		{"cpp", "java-request-ext-fields", "log_id=7 request_id=\n\x05empty\x12\x00"},
		{"cpp", "cpp-request-merged", "log_id=1 timeout_ms=100 x-lane=green a=1"},
		{"java", "cpp-request-merged", "log_id=1 timeout_ms=100"},
		{"java", "java-request-ext-fields", "log_id=7 x-lane=blue empty="},
	} {
		c := codec(t, `{"dialect":"`+want.dialect+`"}`)
		if got := entries(read(t, c, frame(t, want.name))); got != want.entries {
			t.Errorf("%s in %s: %q, want %q", want.name, want.dialect, got, want.entries)
		}
	}
	// A server in Java fails to parse it.
	refusedFor(t, codec(t, `{"dialect":"java"}`), frame(t, "cpp-request-all").bytes, sdk.CauseMalformed, "ext_fields")
	if got := entries(read(t, codec(t, `{"dialect":"java"}`), frame(t, "cpp-response-user-fields"))); got != "attachment_size=3" {
		t.Errorf("a response of Java has entries %q", got)
	}
}

// refusedFor checks that Metadata refuses a request, and why.
func refusedFor(t *testing.T, c *Codec, b []byte, cause sdk.Cause, element string) {
	t.Helper()
	m := &sdk.Message{}
	if n, err := c.Decode(sdk.FromClient, b, m); err != nil || n != len(b) {
		t.Errorf("%x: Decode: %d of %d, %v", b, n, len(b), err)
		return
	}
	m.Bytes = b
	var call *sdk.CallError
	if err := c.Metadata(m); !errors.As(err, &call) || call.Cause != cause || call.Element != element {
		t.Errorf("%x: %v, want %v of %s", b, err, cause, element)
	}
}

// request is a frame with that meta, of fields 1 and others, and a payload of 4 bytes.
func request(call, others string) []byte {
	b := appendBytes(append(appendHeader(nil), tagRequest), call)
	b = append(b, others...)
	b, err := finish(append(b, "body"...), 0, len(b))
	if err != nil {
		panic(err)
	}
	return b
}

const (
	service = "\x0a\x03a.S"
	method  = "\x12\x01m"
)

func TestRefusedRequests(t *testing.T) {
	for name, want := range map[string]struct {
		config, call, others string
		cause                sdk.Cause
		element              string
	}{
		"no service":              {"", method, "", sdk.CauseMalformed, "service_name"},
		"an empty service":        {"", "\x0a\x00" + method, "", sdk.CauseMalformed, "service_name"},
		"no method":               {"", service, "", sdk.CauseMalformed, "method_name"},
		"nothing":                 {"", "", "", sdk.CauseMalformed, "service_name"},
		"a service as a number":   {"", "\x08\x03" + method, "", sdk.CauseMalformed, "service_name"},
		"a method of another one": {"", "\x0a\x01a" + "\x12\x03S.m", "", sdk.CauseMalformed, "method_name"},
		"a short name":            {`{"full_names":true}`, "\x0a\x01S" + method, "", sdk.CauseMalformed, "service_name"},
		"a Kelvin sign":           {`{"lower_case":true}`, "\x0a\x03\xe2\x84\xaa" + method, "", sdk.CauseMalformed, "service_name"},
		"a request that ends":     {"", service + "\x12\x05m", "", sdk.CauseMalformed, "request"},
		"a group":                 {"", service + method + "\x1b\x1c", "", sdk.CauseMalformed, "request"},
		"an odd user field":       {"", service + method, "\x4a\x02\x0a\x05", sdk.CauseMalformed, "user_fields"},
		"both forms":              {"", service + method + "\x3a\x06\x0a\x01k\x12\x01v", "\x4a\x06\x0a\x01k\x12\x01w", sdk.CauseMalformed, "user_fields"},
		"an ext field half":       {`{"dialect":"java"}`, service + method + "\x3a\x03\x0a\x01k", "", sdk.CauseMalformed, "ext_fields"},
		"an attachment too long":  {"", service + method, "\x28\x05", sdk.CauseMalformed, "attachment_size"},
		"a negative attachment":   {"", service + method, "\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", sdk.CauseMalformed, "attachment_size"},
		"credentials":             {"", service + method, "\x3a\x01x", sdk.CauseDenied, "authentication_data"},
		"no credentials":          {"", service + method, "\x3a\x00", sdk.CauseDenied, "authentication_data"},
		"a stream":                {"", service + method, "\x42\x02\x08\x07", sdk.CauseUnsupported, "stream_settings"},
	} {
		t.Run(name, func(t *testing.T) {
			refusedFor(t, codec(t, want.config), request(want.call, want.others), want.cause, want.element)
		})
	}
}

// TestOddRequests reads what is odd, and what Protocol Buffers say that it is.
func TestOddRequests(t *testing.T) {
	for name, want := range map[string]struct{ config, call, others, entries string }{
		"a timeout of more than 32 bits":  {"", service + method + "\x40\x85\x80\x80\x80\x10", "", "timeout_ms=5"},
		"a negative timeout":              {"", service + method + "\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "", "timeout_ms=-1"},
		"an entry without its parts":      {"", service + method, "\x4a\x00", "="},
		"an entry the other way round":    {"", service + method, "\x4a\x06\x12\x01v\x0a\x01k", "k=v"},
		"an entry with its parts twice":   {"", service + method, "\x4a\x0c\x0a\x01a\x12\x01b\x0a\x01k\x12\x01v", "k=v"},
		"ext fields and a request id":     {"", service + method + "\x3a\x06\x0a\x01k\x12\x01v\x3a\x02id", "", "request_id=id"},
		"an ext field the other way":      {"", service + method + "\x3a\x06\x12\x01v\x0a\x01k", "", "request_id=\x12\x01v\n\x01k"},
		"an ext field that has something": {"", service + method + "\x3a\x08\x0a\x01k\x12\x01v\x18\x01", "", "request_id=\n\x01k\x12\x01v\x18\x01"},
		"such a one in Java":              {`{"dialect":"java"}`, service + method + "\x3a\x08\x0a\x01k\x12\x01v\x18\x01", "", "k=v"},
		"no service's package":            {"", "\x0a\x01S" + method, "", ""},
		"credentials that are shared":     {`{"shared_credentials":true}`, service + method, "\x3a\x01x", ""},
		"a compression of its own":        {"", service + method, "\x18\x09", "compress_type=9"},
		"a tag in more bytes":             {"", "\x8a\x80\x80\x80\x00\x03a.S" + method, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := read(t, codec(t, want.config), captured{name: name, bytes: request(want.call, want.others)})
			if got := entries(m); got != want.entries {
				t.Errorf("entries %q, want %q", got, want.entries)
			}
			if s := string(m.Service); s != "a.S" && s != "S" || string(m.Method) != "m" {
				t.Errorf("%q/%q", m.Service, m.Method)
			}
		})
	}
}

func TestLowerCase(t *testing.T) {
	c := codec(t, `{"lower_case":true}`)
	f := frame(t, "java-request")
	m := read(t, c, f)
	if string(m.Service) != "example.echoservice" || string(m.Method) != "echo" {
		t.Errorf("%s/%s", m.Service, m.Method)
	}
	if !bytes.Contains(f.bytes, []byte("example.EchoService")) {
		t.Error("the message was changed")
	}
	got, err := c.Encode(nil, m, &sdk.Mutation{Service: []byte("com.foo.Bar")})
	if err != nil || !bytes.Contains(got, []byte("com.foo.Bar")) || !bytes.Contains(got, []byte("Echo")) {
		t.Errorf("%q, %v", got, err)
	}
	if m := read(t, c, captured{bytes: got}); string(m.Service) != strings.ToLower("com.foo.Bar") {
		t.Errorf("read as %s", m.Service)
	}
}
