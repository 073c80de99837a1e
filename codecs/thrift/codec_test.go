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

// TestFirstWrongByte feeds what is no message and gets its error with the first byte
// that cannot be right, whatever could still come.
func TestFirstWrongByte(t *testing.T) {
	c := codec(t, "")
	for name, b := range map[string]string{
		"not Thrift":                     "\x7f",
		"a length that is too long":      "\x40",
		"another version":                "\x80\x02",
		"another version, framed":        "\x00\x00\x00\x20\x80\x02",
		"another version of compact":     "\x82\x22",
		"no length":                      "\x00\x00\x00\x00",
		"half of THeader's magic":        "\x00\x00\x00\x20\x0f\x00",
		"half of TTHeader's magic":       "\x00\x00\x00\x20\x10\x01",
		"JSON":                           "[",
		"framed JSON":                    "\x00\x00\x00\x20[",
		"an HTTP/2 preface":              "P",
		"a name that is no name":         "\x00\x00\x00\x03a ",
		"a framed name that is none":     "\x00\x00\x00\x20\x00\x00\x00\x03\x01",
		"a name longer than its frame":   "\x00\x00\x00\x20\x80\x01\x00\x01\x00\x00\x00\x30",
		"a name longer than any":         "\x80\x01\x00\x01\x00\x01\x00\x00",
		"a negative length of a name":    "\x80\x01\x00\x01\xff\xff\xff\xff",
		"no type of an unframed message": "\x80\x01\x00\x05\x00\x00\x00\x01a\x00\x00\x00\x01",
		"a lax name beyond its frame":    "\x00\x00\x00\x10\x00\x00\x00\x40",
		"a frame too short for headers":  "\x00\x00\x00\x09\x0f",
		"headers beyond their frame":     "\x00\x00\x00\x0e\x0f\xff\x00\x00\x00\x00\x00\x01\x00\x02",
		"no headers":                     "\x00\x00\x00\x20\x0f\xff\x00\x00\x00\x00\x00\x01\x00\x00",
		"headers of more than 16 bits":   "\x00\x10\x00\x20\x10\x00\x00\x00\x00\x00\x00\x01\x40\x00",
	} {
		var lost *sdk.ConnectionError
		if n, err := c.Decode(sdk.FromClient, []byte(b), &sdk.Message{}); !errors.As(err, &lost) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if len(b) < 2 {
			continue
		}
		if _, err := c.Decode(sdk.FromClient, []byte(b[:len(b)-1]), &sdk.Message{}); !errors.Is(err, sdk.ErrNeedMore) {
			t.Errorf("%s: refused without its last byte: %v", name, err)
		}
	}
}

// TestFixedForms takes frames of one transport and protocol only.
func TestFixedForms(t *testing.T) {
	for _, f := range frames(t) {
		shape, ok := shapeOf(f.name)
		if !ok {
			continue
		}
		for _, other := range shapes {
			transport, protocol, _ := strings.Cut(other, "-")
			transport = strings.Replace(transport, "header", "theader", 1)
			c := codec(t, `{"transport":"`+transport+`","protocol":"`+protocol+`"}`)
			m := &sdk.Message{}
			n, err := c.Decode(f.from, f.bytes, m)
			m.Bytes = f.bytes
			if err == nil {
				err = c.Metadata(m)
			}
			if taken := err == nil && n == len(f.bytes); taken != (shape == other) {
				t.Errorf("%s in %s: %d, %v", f.name, other, n, err)
			}
		}
	}
}

func shapeOf(name string) (string, bool) {
	for _, s := range shapes {
		if strings.HasPrefix(name, s+"-") && !strings.HasSuffix(name, "-zlib") {
			return s, true
		}
	}
	return "", false
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
