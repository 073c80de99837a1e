package dubbo

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// frames are messages of other implementations, from testdata/dubbo.
func frames(tb testing.TB) map[string][]byte {
	tb.Helper()
	text, err := os.ReadFile("../../testdata/dubbo/frames.tsv")
	if err != nil {
		tb.Fatal(err)
	}
	all := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSpace(line), "\t")
		b, err := hex.DecodeString(f[3])
		if err != nil {
			tb.Fatalf("%s: %v", f[0], err)
		}
		all[f[0]] = b
	}
	return all
}

func codec(tb testing.TB) *Codec {
	tb.Helper()
	c, err := newCodec(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return c.(*Codec)
}

// read decodes one whole message.
func read(tb testing.TB, c *Codec, b []byte) *sdk.Message {
	tb.Helper()
	m := &sdk.Message{}
	n, err := c.Decode(sdk.FromClient, b, m)
	if err != nil || n != len(b) {
		tb.Fatalf("Decode: %d of %d, %v", n, len(b), err)
	}
	m.Bytes = b
	if m.Kind == sdk.KindRequest || m.Kind == sdk.KindOneWay || m.Kind == sdk.KindResponse {
		if err := c.Metadata(m); err != nil {
			tb.Fatalf("Metadata: %v", err)
		}
	}
	return m
}

func entries(m *sdk.Message) string {
	var b strings.Builder
	for i, e := range m.Entries() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(e.Key) + "=" + string(e.Value))
	}
	return b.String()
}

func TestRequests(t *testing.T) {
	tests := map[string]struct {
		service, method, entries string
		timeout                  time.Duration
	}{
		"request-say-hello": {
			"org.apache.dubbo.demo.DemoService", "sayHello",
			"version=0.0.0 interface=org.apache.dubbo.demo.DemoService timeout=1000", time.Second,
		},
		"request-say-hello-with-lane": {
			"org.apache.dubbo.demo.DemoService", "sayHello",
			"version=0.0.0 interface=org.apache.dubbo.demo.DemoService timeout=1000 x-lane=blue", time.Second,
		},
		"request-dubbo-go": {
			"com.demo.P", "SayHello", "retries= interface=com.demo.P version= timeout=0", 0,
		},
		"request-fastjson2": {"x.S", "f", "version=0.0.0 group=g1", 0},
		"request-fastjson": {
			"dev.meltemi.peer.Peer", "attachments",
			"version=0.0.0 remote.application=consumer unicode=grüße 😀 interface=dev.meltemi.peer.Peer lane=lane-17 tenant=blue", 0,
		},
		"request-fastjson-generic": {
			"dev.meltemi.peer.Peer", "echo",
			"version=0.0.0 remote.application=consumer interface=dev.meltemi.peer.Peer generic=true", 0,
		},
		"request-references": {"org.apache.dubbo.demo.DemoService", "f", "version=0.0.0 group=g1", 0},
	}
	c := codec(t)
	all := frames(t)
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			m := read(t, c, all[name])
			if string(m.Service) != want.service || string(m.Method) != want.method || m.Timeout != want.timeout {
				t.Errorf("got %s/%s in %v", m.Service, m.Method, m.Timeout)
			}
			if got := entries(m); got != want.entries {
				t.Errorf("entries:\n got %s\nwant %s", got, want.entries)
			}
		})
	}
}

func TestResponses(t *testing.T) {
	tests := map[string]struct {
		code    sdk.Code
		native  int
		message string
		entries string
	}{
		"response-hello-world":     {sdk.OK, 20, "", "dubbo=2.0.2"},
		"response-fastjson":        {sdk.OK, 20, "", "answered-by=call 17 dubbo=2.0.2"},
		"response-fastjson-null":   {sdk.OK, 20, "", "dubbo=2.0.2"},
		"status-no-route":          {sdk.Unimplemented, 60, "no route", ""},
		"status-timeout":           {sdk.DeadlineExceeded, 31, "upstream timeout", ""},
		"status-rate-limited":      {sdk.Unavailable, 100, "rate limited", ""},
		"refusal":                  {sdk.Unknown, 20, "access denied", "dubbo=2.0.2 exception=java.lang.RuntimeException"},
		"refusal-old":              {sdk.Unknown, 20, "access denied", "exception=java.lang.RuntimeException"},
		"status-message-too-large": {sdk.InvalidArgument, 40, "message too large", ""},
	}
	c := codec(t)
	all := frames(t)
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			m := read(t, c, all[name])
			got := m.Status
			if got.Code != want.code || got.Native != want.native || string(got.Message) != want.message {
				t.Errorf("got %v %d %q", got.Code, got.Native, got.Message)
			}
			if e := entries(m); e != want.entries {
				t.Errorf("entries: got %s, want %s", e, want.entries)
			}
		})
	}
}

func TestKinds(t *testing.T) {
	c := codec(t)
	for name, want := range map[string]sdk.Kind{
		"heartbeat-request": sdk.KindHeartbeat, "heartbeat-request-fastjson2": sdk.KindHeartbeat,
		"heartbeat-reply": sdk.KindHeartbeatReply, "read-only": sdk.KindGoAway,
		"request-dubbo-go": sdk.KindRequest, "response-dubbo-go": sdk.KindResponse,
		"request-fastjson": sdk.KindRequest, "oneway-fastjson": sdk.KindOneWay,
	} {
		if m := read(t, c, frames(t)[name]); m.Kind != want {
			t.Errorf("%s: kind is %v, want %v", name, m.Kind, want)
		}
	}
}

func TestHeartbeatReplyIsTheOneOfTheSpec(t *testing.T) {
	c := codec(t)
	all := frames(t)
	m := read(t, c, all["heartbeat-request"])
	if got := c.HeartbeatReply(nil, m); !bytes.Equal(got, all["heartbeat-reply"]) {
		t.Errorf("got %x, want %x", got, all["heartbeat-reply"])
	}
	if got := c.Heartbeat(nil, 1); !bytes.Equal(got, all["heartbeat-request"]) {
		t.Errorf("got %x, want %x", got, all["heartbeat-request"])
	}
}

// TestReplies compares what we say with what hessian-lite was seen to understand.
func TestReplies(t *testing.T) {
	c := codec(t)
	all := frames(t)
	for name, tt := range map[string]struct {
		failure sdk.Failure
		token   uint64
	}{
		"status-no-route":            {sdk.Failure{Cause: sdk.CauseNoRoute, Message: "no route"}, serialHessian2},
		"status-no-healthy-upstream": {sdk.Failure{Cause: sdk.CauseNoUpstream, Message: "no healthy upstream"}, serialHessian2},
		"status-timeout":             {sdk.Failure{Cause: sdk.CauseTimeout, Message: "upstream timeout"}, serialHessian2},
		"status-message-too-large":   {sdk.Failure{Cause: sdk.CauseTooLarge, Message: "message too large"}, serialHessian2},
		"refusal-old":                {sdk.Failure{Cause: sdk.CauseDenied, Message: "access denied"}, serialHessian2},
		"refusal":                    {sdk.Failure{Cause: sdk.CauseDenied, Message: "access denied"}, serialHessian2 | tokenAttachments},
	} {
		got, err := c.Reply(nil, sdk.Call{ID: 1, Token: tt.token}, tt.failure)
		if err != nil || !bytes.Equal(got, all[name]) {
			t.Errorf("%s: %v\n got %x\nwant %x", name, err, got, all[name])
		}
	}
}

func TestInsertingAnAttachmentGivesTheBytesOfTheSpec(t *testing.T) {
	c := codec(t)
	all := frames(t)
	m := read(t, c, all["request-say-hello"])
	got, err := c.Encode(nil, m, &sdk.Mutation{Set: []sdk.Entry{{Key: []byte("x-lane"), Value: []byte("blue")}}})
	if err != nil || !bytes.Equal(got, all["request-say-hello-with-lane"]) {
		t.Errorf("%v\n got %x\nwant %x", err, got, all["request-say-hello-with-lane"])
	}
}

// TestMutations applies each change to each request and reads it back: it is there,
// nothing else changed, and the arguments' bytes are the same.
func TestMutations(t *testing.T) {
	c := codec(t)
	for name, b := range frames(t) {
		if !strings.HasPrefix(name, "request-") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			m := read(t, c, b)
			before := arguments(t, b)
			mut := &sdk.Mutation{
				NewID: true, ID: 0x0102030405060708,
				Service: []byte("other.Service"), Method: []byte("other"),
				Set: []sdk.Entry{
					{Key: []byte("group"), Value: []byte("grüße 😀")},
					{Key: []byte("fresh"), Value: []byte("1")},
					{Key: []byte("version"), Value: []byte("9.9.9")},
				},
				Remove:   [][]byte{[]byte("timeout")},
				Optional: []sdk.Entry{{Key: []byte("traceparent"), Value: []byte("00-1-2-01")}},
			}
			changed, err := c.Encode([]byte("before"), m, mut)
			if err != nil {
				t.Fatal(err)
			}
			changed, ok := bytes.CutPrefix(changed, []byte("before"))
			if !ok {
				t.Fatal("what stood before was changed")
			}
			got := read(t, c, changed)
			if got.ID != mut.ID || string(got.Service) != "other.Service" || string(got.Method) != "other" {
				t.Errorf("got %x %s/%s", got.ID, got.Service, got.Method)
			}
			want := map[string]string{"group": "grüße 😀", "fresh": "1", "version": "9.9.9", "traceparent": "00-1-2-01"}
			for _, e := range m.Entries() {
				key := string(e.Key)
				if _, changed := want[key]; !changed && key != "timeout" {
					want[key] = string(e.Value)
					if key == "interface" {
						want[key] = "other.Service"
					}
				}
			}
			for _, e := range got.Entries() {
				if want[string(e.Key)] != string(e.Value) {
					t.Errorf("%s is %q, want %q", e.Key, e.Value, want[string(e.Key)])
				}
				delete(want, string(e.Key))
			}
			for k := range want {
				t.Errorf("%s is gone", k)
			}
			if after := arguments(t, changed); !bytes.Equal(before, after) {
				t.Errorf("the arguments changed:\n%x\n%x", before, after)
			}
		})
	}
}

// arguments returns the bytes from the arguments, but for a method's name, to the
// attachments.
func arguments(t *testing.T, b []byte) []byte {
	t.Helper()
	p := newParser(&sdk.Message{Bytes: b})
	defer p.release()
	if err := p.parseRequest(); err != nil {
		t.Fatal(err)
	}
	from, to := p.arguments()
	return bytes.Clone(b[from:to])
}

// TestAttachmentsBehindALineWithoutEnd adds the first attachment of a body in fastjson
// whose last argument ends with the message.
func TestAttachmentsBehindALineWithoutEnd(t *testing.T) {
	c := codec(t)
	b, err := finish(append(appendHeader(nil, flagRequest|flagTwoWay|serialFastjson, 0, 1),
		"\"2.0.2\"\n\"a.B\"\n\"1\"\n\"m\"\n\"Ljava/lang/String;\"\n\"world\""...), 0)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := c.Encode(nil, read(t, c, b), &sdk.Mutation{Set: []sdk.Entry{{Key: []byte("lane"), Value: []byte("blue")}}})
	if want := "\n\"world\"\n{\"lane\":\"blue\"}\n"; err != nil || !bytes.HasSuffix(changed, []byte(want)) {
		t.Errorf("%q, %v; want %q at the end", changed, err, want)
	}
}

func TestEmptyMutationKeepsEveryByte(t *testing.T) {
	c := codec(t)
	for name, b := range frames(t) {
		m := read(t, c, b)
		if got, err := c.Encode(nil, m, &sdk.Mutation{}); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPrefixes feeds every beginning of every frame: it is never a message, and
// never an error.
func TestPrefixes(t *testing.T) {
	c := codec(t)
	for name, b := range frames(t) {
		for n := 1; n < len(b); n++ {
			m := &sdk.Message{}
			need, err := c.Decode(sdk.FromClient, b[:n], m)
			if !errors.Is(err, sdk.ErrNeedMore) || need <= n || m.Kind != sdk.KindUnknown && need != len(b) {
				t.Fatalf("%s: %d of %d bytes: need %d, %v", name, n, len(b), need, err)
			}
		}
	}
}

// TestCutBodies shortens bodies inside a sound frame: each is refused or read, never
// more.
func TestCutBodies(t *testing.T) {
	c := codec(t)
	for name, b := range frames(t) {
		for n := headerSize; n < len(b); n++ {
			cut, err := finish(bytes.Clone(b[:n]), 0)
			if err != nil {
				t.Fatal(err)
			}
			m := &sdk.Message{}
			if _, err := c.Decode(sdk.FromClient, cut, m); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			m.Bytes = cut
			var call *sdk.CallError
			if err := c.Metadata(m); err != nil && !errors.As(err, &call) {
				t.Fatalf("%s cut to %d: %v is not a CallError", name, n, err)
			}
		}
	}
}

func TestWrongMagicIsSeenAtOnce(t *testing.T) {
	c := codec(t)
	for _, b := range []string{"x", "\xdax", "PRI * HTTP/2.0"} {
		var lost *sdk.ConnectionError
		if _, err := c.Decode(sdk.FromClient, []byte(b), &sdk.Message{}); !errors.As(err, &lost) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

func TestGenericCallShowsItsRealMethod(t *testing.T) {
	c := codec(t)
	b, err := c.BuildRequest(nil, sdk.Request{
		ID: 7, Service: "com.foo.Bar", Method: "$invoke",
		Arguments: []sdk.Argument{
			{Type: "String", Value: " hello "},
			{Type: "String[]", Value: []any{"java.lang.String"}},
			{Type: "Object[]", Value: []any{"world"}},
		},
		Metadata: []sdk.Entry{{Key: []byte("generic"), Value: []byte("true")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := read(t, c, b)
	if string(m.Method) != "hello" {
		t.Fatalf("method is %q", m.Method)
	}
	changed, err := c.Encode(nil, m, &sdk.Mutation{Method: []byte("bye")})
	if err != nil {
		t.Fatal(err)
	}
	p := newParser(&sdk.Message{Bytes: changed})
	defer p.release()
	if err := p.parseRequest(); err != nil || string(p.method.text) != "$invoke" || string(p.target.text) != "bye" {
		t.Errorf("%v: %s(%s, ...)", err, p.method.text, p.target.text)
	}
}

// TestGenericCallOfOldConsumers has other parameter types, which old providers do not
// mind.
func TestGenericCallOfOldConsumers(t *testing.T) {
	c := codec(t)
	b, err := c.BuildRequest(nil, sdk.Request{
		Service: "com.foo.Bar", Method: "$invoke",
		Arguments: []sdk.Argument{
			{Type: "Object", Value: "hidden"}, {Type: "List", Value: []any{}}, {Type: "Object", Value: "x"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if m := read(t, c, b); string(m.Method) != "hidden" {
		t.Errorf("method is %s, the provider would run hidden", m.Method)
	}
}

func TestServiceIsWhatTheProviderDispatchesOn(t *testing.T) {
	c := codec(t)
	b, err := c.BuildRequest(nil, sdk.Request{
		Service: "shown.Service", Method: "m",
		Metadata: []sdk.Entry{{Key: []byte("path"), Value: []byte("real.Service")}, {Key: []byte("version"), Value: []byte("2")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := read(t, c, b)
	if v, _ := m.Get("version"); string(m.Service) != "real.Service" || string(v) != "2" {
		t.Errorf("service %q, version %q", m.Service, v)
	}
}

// TestDisguisedKeysAreRefused spells the key of the service in bytes that only Java
// reads as such: the policy would see one service and the provider another.
func TestDisguisedKeysAreRefused(t *testing.T) {
	c := codec(t)
	for name, disguise := range map[string]string{
		"two bytes for one":          "\xc1\xb0ath",
		"a tail that is no tail":     "\xc1\x70ath",
		"three bytes for one":        "\xe0\x81\xb0ath",
		"a tail that is no tail (3)": "\xe0\xa0path",
	} {
		b, err := c.BuildRequest(nil, sdk.Request{
			Service: "shown.Service", Method: "m",
			Metadata: []sdk.Entry{{Key: []byte("PATH"), Value: []byte("real.Service")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		b = bytes.Replace(b, []byte("\x04PATH"), []byte("\x04"+disguise), 1)
		if b, err = finish(b, 0); err != nil {
			t.Fatal(err)
		}
		m := &sdk.Message{}
		if _, err := c.Decode(sdk.FromClient, b, m); err != nil {
			t.Fatal(err)
		}
		m.Bytes = b
		if err := c.Metadata(m); err == nil {
			t.Errorf("%s: read as service %s, entries %s", name, m.Service, entries(m))
		}
	}
}

func TestViews(t *testing.T) {
	c := codec(t)
	m := read(t, c, frames(t)["request-say-hello"])
	v, err := c.View(m)
	if err != nil || len(v.Arguments) != 1 || v.Arguments[0].Value != "world" || v.Arguments[0].Type != "Ljava/lang/String;" {
		t.Errorf("%v %+v", err, v)
	}
	m = read(t, c, frames(t)["response-hello-world"])
	if v, err := c.View(m); err != nil || v.Result != "Hello world" {
		t.Errorf("%v %+v", err, v)
	}
	m = read(t, c, frames(t)["refusal"])
	if v, err := c.View(m); err != nil || v.Exception == nil || v.Exception.Message != "access denied" {
		t.Errorf("%v %+v", err, v)
	}
}

func TestMetadataAllocatesNothing(t *testing.T) {
	c := codec(t)
	for _, name := range []string{
		"request-say-hello", "request-dubbo-go", "request-fastjson2", "request-fastjson", "request-benchmarkdata", "response-fastjson", "response-hello-world", "response-dubbo-go",
	} {
		b := frames(t)[name]
		m := &sdk.Message{}
		allocs := testing.AllocsPerRun(100, func() {
			m.Reset()
			if _, err := c.Decode(sdk.FromClient, b, m); err != nil {
				t.Fatal(err)
			}
			m.Bytes = b
			if err := c.Metadata(m); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 0 && !raceEnabled {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, b := range frames(f) {
		f.Add(b)
	}
	c := codec(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		m := &sdk.Message{}
		n, err := c.Decode(sdk.FromClient, b, m)
		if err != nil {
			return
		}
		m.Bytes = b[:n]
		if m.Kind != sdk.KindRequest && m.Kind != sdk.KindOneWay && m.Kind != sdk.KindResponse {
			return
		}
		_, _ = c.View(m)
		if err := c.Metadata(m); err != nil {
			return
		}
		mut := &sdk.Mutation{Optional: []sdk.Entry{{Key: []byte("traceparent"), Value: []byte("00-é")}}}
		changed, err := c.Encode(nil, m, mut)
		if err != nil {
			t.Fatalf("an optional entry is an error: %v", err)
		}
		again := &sdk.Message{}
		if n, err := c.Decode(sdk.FromClient, changed, again); err != nil || n != len(changed) {
			t.Fatalf("the changed message does not decode: %d of %d, %v", n, len(changed), err)
		}
		again.Bytes = changed
		if err := c.Metadata(again); err != nil {
			t.Fatalf("the changed message cannot be read: %v", err)
		}
		if !bytes.Equal(m.Service, again.Service) || !bytes.Equal(m.Method, again.Method) {
			t.Fatalf("another call: %q/%q became %q/%q", m.Service, m.Method, again.Service, again.Method)
		}
		if m.Kind == sdk.KindResponse {
			return
		}
		before, err := c.AppendKey(nil, m)
		after, err2 := c.AppendKey(nil, again)
		if !bytes.Equal(before, after) || (err == nil) != (err2 == nil) {
			t.Fatalf("the key %q, %v became %q, %v", before, err, after, err2)
		}
	})
}

func BenchmarkMetadata(b *testing.B) {
	c := codec(b)
	for _, name := range []string{"request-benchmarkdata", "request-say-hello", "request-fastjson2", "response-hello-world"} {
		frame := frames(b)[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(frame)))
			m := &sdk.Message{}
			for b.Loop() {
				m.Reset()
				if _, err := c.Decode(sdk.FromClient, frame, m); err != nil {
					b.Fatal(err)
				}
				m.Bytes = frame
				if err := c.Metadata(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
