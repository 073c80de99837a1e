package thrift

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestCalls reads the same calls in all transports and protocols.
func TestCalls(t *testing.T) {
	c := codec(t, "")
	for _, shape := range shapes {
		for name, want := range map[string]sdk.Message{
			"call":             {Kind: sdk.KindRequest, ID: 1, Method: []byte("sayHello")},
			"call-rich":        {Kind: sdk.KindRequest, ID: 7, Method: []byte("store")},
			"call-negative-id": {Kind: sdk.KindRequest, ID: 0xffffffff, Method: []byte("ping")},
			"call-multiplexed": {Kind: sdk.KindRequest, ID: 2, Service: []byte("Greeter"), Method: []byte("sayHello")},
			"oneway":           {Kind: sdk.KindOneWay, ID: 3, Method: []byte("notify")},
		} {
			f := frame(t, shape+"-"+name)
			m := read(t, c, f)
			if m.Kind != want.Kind || m.ID != want.ID || !bytes.Equal(m.Service, want.Service) || !bytes.Equal(m.Method, want.Method) {
				t.Errorf("%s: got %v %d %q/%q", f.name, m.Kind, m.ID, m.Service, m.Method)
			}
			if len(m.Entries()) > 0 {
				t.Errorf("%s: entries %s", f.name, entries(m))
			}
		}
	}
}

// TestReplies reads the same outcomes in all transports and protocols.
func TestReplies(t *testing.T) {
	c := codec(t, "")
	for _, shape := range shapes {
		for name, want := range map[string]struct {
			status  sdk.Status
			entries string
		}{
			"reply":                    {sdk.Status{}, ""},
			"reply-void":               {sdk.Status{}, ""},
			"reply-rich":               {sdk.Status{}, ""},
			"reply-declared":           {sdk.Status{Code: sdk.FailedPrecondition}, "thrift-exception=1"},
			"exception-no-route":       {sdk.Status{Code: sdk.Unimplemented, Native: 1, Message: []byte("no route")}, ""},
			"exception-internal":       {sdk.Status{Code: sdk.Unknown, Native: 6, Message: []byte("no healthy upstream")}, ""},
			"exception-protocol":       {sdk.Status{Code: sdk.InvalidArgument, Native: 7, Message: []byte("message too large")}, ""},
			"exception-missing-result": {sdk.Status{Code: sdk.Internal, Native: 5, Message: []byte("the body is not a reply")}, ""},
		} {
			f := frame(t, shape+"-"+name)
			m := read(t, c, f)
			s := m.Status
			if m.Kind != sdk.KindResponse || s.Code != want.status.Code || s.Native != want.status.Native || !bytes.Equal(s.Message, want.status.Message) {
				t.Errorf("%s: got %v %v %d %q", f.name, m.Kind, s.Code, s.Native, s.Message)
			}
			if got := entries(m); got != want.entries {
				t.Errorf("%s: entries %q, want %q", f.name, got, want.entries)
			}
		}
	}
}

// TestHeaders reads the headers of both transports that have them.
func TestHeaders(t *testing.T) {
	c := codec(t, "")
	for name, want := range map[string]struct {
		service, entries string
		timeout          time.Duration
		id               uint64
	}{
		"header-compact-lane":   {"", "x-lane=blue", 0, 1},
		"header-binary-lane":    {"", "x-lane=blue", 0, 1},
		"header-binary-timeout": {"", "client_timeout=1500", 1500 * time.Millisecond, 1},
		"ttheader-call":         {"", "x-lane=blue from_service=client", 0, 1},
		"ttheader-call-framed":  {"Greeter", "rpc_timeout=250", 250 * time.Millisecond, 1},
		"ttheader-call-token":   {"", "RPC_TRANSIT_gdpr-token=secret", 0, 9},
		"ttheader-call-bare":    {"", "", 0, 1},
	} {
		m := read(t, c, frame(t, name))
		if string(m.Service) != want.service || string(m.Method) != "sayHello" || m.Timeout != want.timeout || m.ID != want.id {
			t.Errorf("%s: got %q/%q in %v, id %d", name, m.Service, m.Method, m.Timeout, m.ID)
		}
		if got := entries(m); got != want.entries {
			t.Errorf("%s: entries %q, want %q", name, got, want.entries)
		}
	}
}

func TestRepliesWithHeaders(t *testing.T) {
	c := codec(t, "")
	for name, want := range map[string]struct {
		code    sdk.Code
		native  int
		entries string
	}{
		"header-binary-reply-lane":           {sdk.OK, 0, "x-lane=blue"},
		"ttheader-reply":                     {sdk.OK, 0, "x-zone=z1"},
		"ttheader-reply-business":            {sdk.FailedPrecondition, 10042, "biz-status=10042"},
		"ttheader-reply-declared":            {sdk.FailedPrecondition, 0, "thrift-exception=1"},
		"ttheader-exception-unknown-service": {sdk.Unimplemented, 20, ""},
	} {
		m := read(t, c, frame(t, name))
		if m.Status.Code != want.code || m.Status.Native != want.native || entries(m) != want.entries {
			t.Errorf("%s: got %v %d, entries %q", name, m.Status.Code, m.Status.Native, entries(m))
		}
	}
}

// TestPrefixes feeds every beginning of every frame: it is never a message and never
// an error, and what is asked for is never more than there is to come.
func TestPrefixes(t *testing.T) {
	c := codec(t, "")
	for _, f := range frames(t) {
		for n := 1; n < len(f.bytes); n++ {
			m := &sdk.Message{}
			need, err := c.Decode(f.from, f.bytes[:n:n], m)
			if !errors.Is(err, sdk.ErrNeedMore) || need <= n || need > len(f.bytes) || m.Kind != sdk.KindUnknown && need != len(f.bytes) {
				t.Fatalf("%s: %d of %d bytes: need %d, kind %v, %v", f.name, n, len(f.bytes), need, m.Kind, err)
			}
		}
	}
}

// TestSequences puts each frame in front of another one.
func TestSequences(t *testing.T) {
	c := codec(t, "")
	next := frame(t, "unframed-compact-call").bytes
	for _, f := range frames(t) {
		m := &sdk.Message{}
		n, err := c.Decode(f.from, append(bytes.Clone(f.bytes), next...), m)
		if err != nil || n != len(f.bytes) {
			t.Errorf("%s: %d of %d, %v", f.name, n, len(f.bytes), err)
		}
	}
}

// TestWhatFollowsTheStruct puts a second call behind the first one in the same frame,
// where servers would find it.
func TestWhatFollowsTheStruct(t *testing.T) {
	c := codec(t, "")
	hidden := frame(t, "unframed-binary-call").bytes
	for _, name := range []string{"framed-binary-call", "framed-binary-reply", "header-binary-call", "ttheader-call", "ttheader-reply"} {
		f := frame(t, name)
		b := append(bytes.Clone(f.bytes), hidden...)
		n := len(b) - 4
		b[2], b[3] = byte(n>>8), byte(n)
		m := &sdk.Message{}
		var call *sdk.CallError
		if n, err := c.Decode(f.from, b, m); !errors.As(err, &call) || n != len(b) || call.Offset != len(f.bytes) {
			t.Errorf("%s: %d of %d, %v", name, n, len(b), err)
		}
		if m.Kind != read(t, c, f).Kind || string(m.Method) != string(read(t, c, f).Method) {
			t.Errorf("%s: refused as %v %q", name, m.Kind, m.Method)
		}
	}
}

// TestCutBodies shortens messages inside a sound frame: each is refused or read, and
// no more.
func TestCutBodies(t *testing.T) {
	c := codec(t, "")
	for _, f := range frames(t) {
		if strings.Contains(f.name, "unframed") {
			continue
		}
		for n := 4; n < len(f.bytes); n++ {
			cut := bytes.Clone(f.bytes[:n])
			cut[2], cut[3] = byte((n-4)>>8), byte(n-4)
			m := &sdk.Message{}
			if got, err := c.Decode(f.from, cut, m); err == nil {
				m.Bytes = cut
				if err = c.Metadata(m); err == nil {
					t.Fatalf("%s cut to %d of %d is a message of %d", f.name, n, len(f.bytes), got)
				}
			} else if errors.Is(err, sdk.ErrNeedMore) && n > 4 {
				t.Fatalf("%s cut to %d of %d: %d more needed", f.name, n, len(f.bytes), got)
			}
		}
	}
}

func TestOnewayByConfiguration(t *testing.T) {
	c := codec(t, `{"oneway":["sayHello","Greeter:other"]}`)
	for name, want := range map[string]sdk.Kind{
		"framed-binary-call": sdk.KindOneWay, "unframed-compact-call": sdk.KindOneWay, "ttheader-call": sdk.KindOneWay,
		"framed-binary-call-multiplexed": sdk.KindRequest, "framed-binary-oneway": sdk.KindOneWay,
		"framed-binary-reply": sdk.KindResponse, "framed-binary-call-rich": sdk.KindRequest,
	} {
		if m := read(t, c, frame(t, name)); m.Kind != want {
			t.Errorf("%s: kind is %v, want %v", name, m.Kind, want)
		}
	}
}

// TestNamesWithoutAPart refuses calls that a server would look for elsewhere.
func TestNamesWithoutAPart(t *testing.T) {
	c := codec(t, "")
	for _, name := range []string{"", ":m", "S:", ":"} {
		b := appendEnvelope(nil, strict, typeCall, name, 1)
		b = append(b, 0)
		m := &sdk.Message{}
		if _, err := c.Decode(sdk.FromClient, b, m); err != nil {
			t.Fatal(err)
		}
		m.Bytes = b
		if err := c.Metadata(m); err == nil {
			t.Errorf("%q is read as %q/%q", name, m.Service, m.Method)
		}
	}
	m := read(t, c, captured{bytes: append(appendEnvelope(nil, strict, typeCall, "A:B:m", 1), 0)})
	if string(m.Service) != "A" || string(m.Method) != "B:m" {
		t.Errorf("A:B:m is read as %q/%q", m.Service, m.Method)
	}
}

func TestUnreadablePayload(t *testing.T) {
	c := codec(t, "")
	f := frame(t, "header-compact-zlib")
	m := &sdk.Message{}
	if n, err := c.Decode(f.from, f.bytes, m); err != nil || n != len(f.bytes) || m.Kind != sdk.KindRequest || m.ID != 1 {
		t.Fatalf("%d of %d, %v %d, %v", n, len(f.bytes), m.Kind, m.ID, err)
	}
	m.Bytes = f.bytes
	var call *sdk.CallError
	if err := c.Metadata(m); !errors.As(err, &call) || call.Cause != sdk.CauseUnreadable {
		t.Errorf("Metadata: %v", err)
	}
	if got, err := c.Encode(nil, m, &sdk.Mutation{}); err != nil || !bytes.Equal(got, f.bytes) {
		t.Errorf("changed without a change: %v", err)
	}
}

// TestBadType refuses a message of no known type in a frame with the type of exception
// that is for it.
func TestBadType(t *testing.T) {
	c := codec(t, "")
	b := bytes.Clone(frame(t, "framed-binary-call").bytes)
	b[7] = 9
	m := &sdk.Message{}
	var call *sdk.CallError
	if n, err := c.Decode(sdk.FromClient, b, m); !errors.As(err, &call) || n != len(b) || m.Kind != sdk.KindRequest {
		t.Fatalf("%d of %d, %v, %v", n, len(b), m.Kind, err)
	}
	got, err := c.Reply(nil, sdk.Call{ID: m.ID, Token: m.Token, Method: m.Method}, sdk.Failure{Cause: call.Cause, Code: sdk.InvalidArgument})
	if err != nil {
		t.Fatal(err)
	}
	reply := read(t, c, captured{from: sdk.FromServer, bytes: got})
	if reply.Status.Native != exInvalidMessageType || reply.ID != 1 {
		t.Errorf("got %d for id %d", reply.Status.Native, reply.ID)
	}
}

// TestTTHeaderStreamsAreRefused sets the flag of a stream.
func TestTTHeaderStreamsAreRefused(t *testing.T) {
	c := codec(t, "")
	b := bytes.Clone(frame(t, "ttheader-call").bytes)
	b[flagsAt+1] |= flagStreaming
	var call *sdk.CallError
	if n, err := c.Decode(sdk.FromClient, b, &sdk.Message{}); !errors.As(err, &call) || call.Cause != sdk.CauseUnsupported || n != len(b) {
		t.Errorf("%d, %v", n, err)
	}
}
