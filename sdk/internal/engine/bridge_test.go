package engine

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// requestHeaders are those of callOf(id, "m").
func requestHeaders(more ...string) []Field {
	list := []string{":method", "POST", ":path", "/com.foo.Bar/m", "content-type", "application/grpc+toy", "te", "trailers"}
	var fields []Field
	for l := append(list, more...); len(l) > 0; l = l[2:] {
		fields = append(fields, Field{[]byte(l[0]), []byte(l[1])})
	}
	return fields
}

// show is a response in words.
func show(r *Response) string {
	if r == nil {
		return "none"
	}
	var parts []string
	for _, f := range r.Fields {
		if string(f.Name) != "content-type" {
			parts = append(parts, string(f.Name)+"="+string(f.Value))
		}
	}
	m, _, ok := testcodec.Parse(r.Body)
	if ok {
		parts = append(parts, fmt.Sprintf("body=%d:%s", m.ID, m.Payload))
	}
	return fmt.Sprint(r.Status, " ", strings.Join(parts, " "), " end=", r.End, " trailers=", len(r.Trailers))
}

// open returns a bridge that has sent its call.
func open(t *testing.T, c *Config) *Bridge {
	t.Helper()
	b := NewBridge(c)
	b.Headers(requestHeaders(), false)
	frame := testcodec.Append(nil, callOf(1, "m"))
	if o := b.Data([][]byte{frame}, true); !bytes.Equal(o.ToServer, frame) || o.Defer || o.Response != nil {
		t.Fatalf("%x, defer %t, %s", o.ToServer, o.Defer, show(o.Response))
	}
	return b
}

func TestBridgeReplies(t *testing.T) {
	message := func(kind sdk.Kind, id uint64, payload string) string {
		return string(testcodec.Append(nil, testcodec.Message{Kind: kind, ID: id, Payload: payload}))
	}
	reply := message(sdk.KindResponse, 1, "fine")
	const fine = "200 grpc-status=0 body=1:fine end=true trailers=1"
	const spoilt = "200 grpc-status=0 x-meltemi-reset=28 body=1:fine end=false trailers=0"
	tests := map[string]struct{ server, want string }{
		"reply":            {reply, fine},
		"heartbeat first":  {message(sdk.KindHeartbeat, 9, "") + reply, fine},
		"heartbeat behind": {reply + message(sdk.KindHeartbeatReply, 9, ""), fine},
		"go-away":          {message(sdk.KindGoAway, 0, "") + reply, spoilt},
		"reply and a half": {reply + reply[:9], spoilt},
		"two replies":      {reply + reply, spoilt},
		"wrong id":         {message(sdk.KindResponse, 2, "x"), "200 grpc-status=13 grpc-message=bad response: the server sent a reply that nobody waits for x-meltemi-cause=- - meltemi_bad_response x-meltemi-reset=0 end=false trailers=0"},
		"garbage":          {"HTTP/1.1", "200 grpc-status=13 grpc-message=bad response: magic: at byte 0: not TY x-meltemi-cause=- - meltemi_bad_response x-meltemi-reset=0 end=false trailers=0"},
		"a call by it":     {message(sdk.KindRequest, 5, "x") + reply, fine},
		"one-way by it":    {message(sdk.KindOneWay, 5, "x") + reply, fine},
		"unreadable": {string(testcodec.Append(nil, testcodec.Message{
			Kind: sdk.KindResponse, ID: 1, Service: "s", Method: testcodec.UnreadableMethod, Payload: "fine", Entries: [][2]string{{"k", "v"}},
		})), fine},
		"longer than allowed": {
			"TY\x03\x00" + strings.Repeat("\x00", 12) + "\x00\x00\x00\x00\xff\xff\xff\xff",
			"200 grpc-status=13 grpc-message=bad response: the server's message is over the limit x-meltemi-cause=- - meltemi_bad_response x-meltemi-reset=0 end=false trailers=0",
		},
	}
	c := config(t, `{"name":"toy"}`)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for cut := range len(tt.server) {
				b := open(t, c)
				got := "none"
				for _, piece := range []string{tt.server[:cut], tt.server[cut:]} {
					if piece == "" {
						continue
					}
					if r := b.FromServer([][]byte{[]byte(piece)}, false).Response; r != nil {
						if got != "none" {
							t.Fatalf("cut at %d: two responses", cut)
						}
						got = show(r)
					}
				}
				b.Release()
				// What follows the reply in a later read is Envoy's to deal with.
				early := cut >= len(reply) && strings.HasPrefix(tt.server, reply) && (got == fine || got == spoilt)
				if got != tt.want && !early {
					t.Fatalf("cut at %d:\n got %s\nwant %s", cut, got, tt.want)
				}
			}
		})
	}
	b := open(t, c)
	if got := show(b.FromServer(nil, true).Response); !strings.Contains(got, "grpc-status=2") || !strings.Contains(got, "connection_lost") {
		t.Errorf("closed early: %s", got)
	}
}

// TestCallsByTheServer are refused with an error, heartbeats are answered.
func TestCallsByTheServer(t *testing.T) {
	for kind, want := range map[sdk.Kind]testcodec.Message{
		sdk.KindRequest:   {Kind: sdk.KindResponse, Status: sdk.Unimplemented},
		sdk.KindHeartbeat: {Kind: sdk.KindHeartbeatReply},
		sdk.KindOneWay:    {},
	} {
		b := open(t, config(t, `{"name":"toy"}`))
		o := b.FromServer([][]byte{testcodec.Append(nil, testcodec.Message{Kind: kind, ID: 5, Service: "s", Method: "m"})}, false)
		got, _, ok := testcodec.Parse(o.ToServer)
		if ok && got.ID != 5 || got.Kind != want.Kind || got.Status != want.Status || o.Response != nil {
			t.Errorf("%v: the server gets %+v", kind, got)
		}
		if refused := b.counts.deltas[MetricRefused(sdk.CauseUnsupported)]; (refused == 1) != (kind != sdk.KindHeartbeat) {
			t.Errorf("%v: %d are counted as refused", kind, refused)
		}
	}
}

// TestHalfAMessageBeforeTheAnswer: what the server says before a call is answered from the
// scheduler belongs to nobody, and its rest would come to the next call.
func TestHalfAMessageBeforeTheAnswer(t *testing.T) {
	half := [][]byte{testcodec.Append(nil, testcodec.Message{Kind: sdk.KindHeartbeat})[:9]}
	c := config(t, `{"name":"toy"}`)
	oneway := callOf(1, "m")
	oneway.Kind = sdk.KindOneWay
	for name, ask := range map[string]func(b *Bridge){
		"one-way": func(b *Bridge) {
			b.Headers(requestHeaders("x-rpc-kind", "oneway"), false)
			b.Data([][]byte{testcodec.Append(nil, oneway)}, true)
		},
		"refused": func(b *Bridge) { b.Headers(requestHeaders(), true) },
	} {
		b := NewBridge(c)
		ask(b)
		b.FromServer(half, false)
		if got := show(b.Deferred().Response); !strings.Contains(got, "x-meltemi-reset") || !strings.Contains(got, "end=false") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestOneWayCallsThatMayBeAnswered: no other call may get that answer.
func TestOneWayCallsThatMayBeAnswered(t *testing.T) {
	oneway := callOf(1, "m")
	oneway.Kind = sdk.KindOneWay
	for text, want := range map[string]string{
		`{"name":"toy","config":{"doubtful":true}}`:  "end=false",
		`{"name":"toy","config":{"doubtful":false}}`: "end=true",
	} {
		b := NewBridge(config(t, text))
		b.Headers(requestHeaders("x-rpc-kind", "oneway"), false)
		b.Data([][]byte{testcodec.Append(nil, oneway)}, true)
		if got := show(b.Deferred().Response); !strings.Contains(got, want) || strings.Contains(got, "x-meltemi-reset") != (want == "end=false") {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// TestServersMessagesOverTheLimit end the connection, in one piece or in many.
func TestServersMessagesOverTheLimit(t *testing.T) {
	reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1, Payload: strings.Repeat("x", 2000)})
	for _, cut := range []int{0, 10, 30, 1500} {
		b := open(t, config(t, `{"name":"toy","max_message_bytes":1000}`))
		o := b.FromServer([][]byte{reply[:cut], reply[cut:]}, false)
		if got := show(o.Response); !strings.Contains(got, "over the limit") || !strings.Contains(got, "end=false") {
			t.Errorf("cut at %d: %s", cut, got)
		}
	}
}

// TestLongReplies: beyond what Envoy holds for a slow client, the server's connection is
// not used again.
func TestLongReplies(t *testing.T) {
	for size, end := range map[int]bool{streamBuffer - 24: true, streamBuffer - 23: false} {
		b := open(t, config(t, `{"name":"toy","max_message_bytes":100000000}`))
		reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1, Payload: strings.Repeat("x", size)})
		if r := b.FromServer([][]byte{reply}, false).Response; r.End != end || len(r.Body) != len(reply) {
			t.Errorf("a reply of %d bytes: end %t, %d bytes", len(reply), r.End, len(r.Body))
		}
	}
}

// TestEverySplitOfABody cuts a request at every place, into parts and into the chunks of
// one part, with its end apart or with its last byte. The server always gets it whole.
func TestEverySplitOfABody(t *testing.T) {
	c := config(t, `{"name":"toy"}`)
	frame := testcodec.Append(nil, callOf(1, "m"))
	for cut := range len(frame) + 1 {
		for name, send := range map[string]func(b *Bridge) *BridgeOutput{
			"parts": func(b *Bridge) *BridgeOutput {
				b.Data([][]byte{frame[:cut]}, false)
				return b.Data([][]byte{frame[cut:]}, true)
			},
			"chunks": func(b *Bridge) *BridgeOutput { return b.Data([][]byte{frame[:cut], frame[cut:]}, true) },
			"end apart": func(b *Bridge) *BridgeOutput {
				b.Data([][]byte{frame[:cut], frame[cut:]}, false)
				return b.Data(nil, true)
			},
			"three ways": func(b *Bridge) *BridgeOutput {
				b.Data([][]byte{frame[:cut]}, false)
				b.Data([][]byte{frame[cut:]}, false)
				return b.Data([][]byte{nil}, true)
			},
		} {
			b := NewBridge(c)
			b.Headers(requestHeaders(), false)
			if o := send(b); !bytes.Equal(o.ToServer, frame) || o.Defer {
				t.Fatalf("%s, cut at %d: the server gets %q", name, cut, o.ToServer)
			}
			b.Release()
		}
	}
}

func TestBridgeOneWayIsAnsweredLater(t *testing.T) {
	b := NewBridge(config(t, `{"name":"toy"}`))
	defer b.Release()
	b.Headers(requestHeaders("x-rpc-kind", "oneway"), false)
	msg := callOf(1, "m")
	msg.Kind = sdk.KindOneWay
	o := b.Data([][]byte{testcodec.Append(nil, msg)}, true)
	if !o.Defer || o.Response != nil || len(o.ToServer) == 0 {
		t.Fatalf("defer %t, %s", o.Defer, show(o.Response))
	}
	if got, want := show(b.Deferred().Response), "200 grpc-status=0 end=true trailers=0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := show(b.Deferred().Response); got != "none" {
		t.Errorf("a second answer: %s", got)
	}
}

func TestBridgeRefusesWithoutAByteToTheServer(t *testing.T) {
	c := config(t, `{"name":"toy","max_message_bytes":1000}`)
	frame := testcodec.Append(nil, callOf(1, "m"))
	for name, tt := range map[string]struct {
		run   func(b *Bridge) *BridgeOutput
		cause string
	}{
		"no body": {func(b *Bridge) *BridgeOutput { return b.Headers(requestHeaders(), true) }, "malformed"},
		"trailers": {func(b *Bridge) *BridgeOutput {
			b.Headers(requestHeaders(), false)
			b.Data([][]byte{frame}, false)
			return b.Trailers()
		}, "malformed"},
		"too long": {func(b *Bridge) *BridgeOutput {
			b.Headers(requestHeaders(), false)
			b.Data([][]byte{make([]byte, 2000)}, false)
			b.Data([][]byte{frame}, false)
			b.Trailers()
			return b.Data(nil, true)
		}, "too_large"},
		"panic": {func(b *Bridge) *BridgeOutput {
			b.Headers(requestHeaders(), false)
			return b.Data([][]byte{testcodec.Append(nil, callOf(1, testcodec.PanicMethod))}, true)
		}, "internal"},
	} {
		b := NewBridge(c)
		if o := tt.run(b); len(o.ToServer) > 0 || o.Response != nil || !o.Defer {
			t.Errorf("%s: %x, %s", name, o.ToServer, show(o.Response))
		}
		if got := show(b.Deferred().Response); !strings.Contains(got, "meltemi_"+tt.cause) || !strings.Contains(got, "end=true") {
			t.Errorf("%s: %s", name, got)
		}
		b.Release()
	}
}

// TestUpstreamWithManyCalls runs several calls on one connection, as a carrier does
// that rewrites ids: the same ids of different callers, answered in another order.
func TestUpstreamWithManyCalls(t *testing.T) {
	var u Upstream
	u.reset(config(t, `{"name":"toy"}`), &Counts{}, true)
	wires := map[uint64]string{}
	for round := range 3 {
		var server []byte
		for i := range 50 {
			wire := u.open(7) // all callers chose the same id
			if _, taken := wires[wire]; taken {
				t.Fatalf("id %d is used twice", wire)
			}
			wires[wire] = fmt.Sprint(round, "/", i)
			server = append(testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: wire, Payload: wires[wire]}), server...)
		}
		got := collector{}
		if err := u.feed([][]byte{server[:100], server[100:]}, &got); err != nil {
			t.Fatal(err)
		}
		if len(got) != 50 {
			t.Fatalf("%d replies, want 50", len(got))
		}
	}
	stale := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1 << 20})
	if err := u.feed([][]byte{stale}, &collector{}); err == nil {
		t.Error("the reply to an ended call was taken")
	}
}

type collector []string

func (c *collector) reply(_ uint32, id uint64, m *sdk.Message, _ bool) {
	if id != 7 {
		panic("the caller's id is lost")
	}
	*c = append(*c, string(m.Bytes))
}
func (c *collector) send([]byte) {}

func TestBridgeAllocatesNothing(t *testing.T) {
	c := config(t, `{"name":"toy"}`)
	headers := requestHeaders("x-rpc-tenant", "blue")
	frame := [][]byte{testcodec.Append(nil, callOf(1, "m", [2]string{"Tenant", "blue"}))}
	reply := [][]byte{testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1, Payload: "fine"})}
	run := func() {
		b := NewBridge(c)
		b.Headers(headers, false)
		b.Data(frame, true)
		if o := b.FromServer(reply, false); o.Response == nil || !o.Response.End {
			t.Fatal(show(o.Response))
		}
		b.Release()
	}
	run()
	if n := testing.AllocsPerRun(200, run); n > 0 && !raceEnabled {
		t.Errorf("%v allocations a call", n)
	}
}

// FuzzBridge has hostile bytes come from both sides in any order, in pieces of any size:
// no panic, one answer and not before its time, nothing to the server but one whole call,
// and no connection that is used again between two messages.
func FuzzBridge(f *testing.F) {
	call := testcodec.Append(nil, callOf(1, "m"))
	reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1})
	oneway := callOf(1, "m")
	oneway.Kind = sdk.KindOneWay
	f.Add("/com.foo.Bar/m", "", "1", call, reply, []byte{10, 60, 133, 200})
	f.Add("/com.foo.Bar/m", "x-rpc-kind", "oneway", testcodec.Append(nil, oneway), reply[:5], []byte{255, 133, 192})
	f.Add("/com.foo.Bar/other", "x-rpc-a", "~41", call, append(bytes.Clone(reply), reply[:9]...), []byte{70, 255, 64})
	f.Add("/com.foo.Bar/m", "te", "trailers", append(bytes.Clone(call), call...), []byte("garbage"), []byte{255, 255, 128, 128})
	c := config(f, `{"name":"toy","max_message_bytes":10000}`)
	f.Fuzz(func(t *testing.T, path, name, value string, body, server, script []byte) {
		b := NewBridge(c)
		defer b.Release()
		var toServer []byte
		var answer *Response
		deferred := false
		encode := func(o *BridgeOutput) {
			toServer = append(toServer, o.ToServer...)
			if deferred = deferred || o.Defer; o.Response != nil {
				t.Fatal("answered while the request was being encoded")
			}
			b.Carried()
		}
		later := func(o *BridgeOutput) {
			if answer != nil && o.Response != nil {
				t.Fatal("a second answer")
			}
			if o.Response != nil {
				answer = o.Response
			}
		}
		complete := false
		data := func(n int, end bool) {
			n = min(n, len(body))
			encode(b.Data([][]byte{body[:n/2], body[n/2 : n]}, end))
			body, complete = body[n:], end
		}
		fromServer := func(n int, end bool) {
			n = min(n, len(server))
			later(b.FromServer([][]byte{server[:n]}, end))
			server = server[n:]
		}
		encode(b.Headers([]Field{
			{[]byte(":method"), []byte("POST")},
			{[]byte(":path"), []byte(path)},
			{[]byte("content-type"), []byte("application/grpc+toy")},
			{[]byte(name), []byte(value)},
		}, false))
		for _, s := range append(script[:min(len(script), 100):min(len(script), 100)], 0, 0) {
			if answer != nil {
				break // the host destroys the bridge
			}
			switch n := int(s&63) * 3; {
			case s < 128 && !complete:
				data(n, s&64 != 0)
			case s < 192:
				fromServer(n, false)
			case deferred:
				deferred = false
				later(b.Deferred())
			case s == 255 && !complete:
				encode(b.Trailers())
				complete = true
			}
			if held := b.body.len() + b.upstream.in.len(); held > 2*c.maxMessage {
				t.Fatalf("%d bytes are held", held)
			}
		}
		if !complete && answer == nil {
			data(len(body), true)
		}
		if deferred && answer == nil {
			later(b.Deferred())
		}
		if answer == nil {
			fromServer(len(server), true)
		}
		if answer == nil {
			t.Fatal("no answer")
		}
		if _, rest, ok := testcodec.Parse(toServer); b.sent != (len(toServer) > 0) || b.sent && (!ok || len(rest) > 0) {
			t.Fatalf("sent %t, and the server has %q", b.sent, toServer)
		}
		if answer.End && (!b.upstream.clean() || b.upstream.goAway) {
			t.Fatalf("a spoilt connection would be used again: %s", show(answer))
		}
	})
}

// TestBridgeRefusesWhatNoMutationCanMend: without a byte to the server.
func TestBridgeRefusesWhatNoMutationCanMend(t *testing.T) {
	c := config(t, `{"name":"toy","oneway":["com.foo.Bar/fire"]}`)
	frame := func(kind sdk.Kind, method string) []byte {
		m := callOf(1, method)
		m.Kind = kind
		return testcodec.Append(nil, m)
	}
	call := frame(sdk.KindRequest, "m")
	with := func(name, value string) []Field {
		list := requestHeaders()
		for i := range list {
			if string(list[i].Name) == name {
				list[i].Value = []byte(value)
				return list
			}
		}
		return append(list, Field{[]byte(name), []byte(value)})
	}
	for name, tt := range map[string]struct {
		headers []Field
		body    []byte
	}{
		"two frames":                  {requestHeaders(), append(bytes.Clone(call), call...)},
		"a byte behind":               {requestHeaders(), append(bytes.Clone(call), 0)},
		"another method of HTTP":      {with(":method", "PUT"), call},
		"another content-type":        {with("content-type", "application/grpc+dubbo"), call},
		"content-type twice":          {requestHeaders("content-type", "application/grpc+toy"), call},
		"one-way, not told":           {requestHeaders(), frame(sdk.KindOneWay, "m")},
		"told one-way":                {with(headerKind, "oneway"), call},
		"told one-way twice":          {requestHeaders(headerKind, "oneway", headerKind, "oneway"), frame(sdk.KindOneWay, "m")},
		"an unknown kind":             {with(headerKind, "stream"), call},
		"a reply":                     {requestHeaders(), frame(sdk.KindResponse, "m")},
		"a heartbeat":                 {requestHeaders(), frame(sdk.KindHeartbeat, "m")},
		"a call made one-way":         {with(":path", "/com.foo.Bar/fire"), call},
		"a one-way call made another": {spelled("/com.foo.Bar/m", headerKind, "oneway"), frame(sdk.KindRequest, "fire")},
	} {
		b := NewBridge(c)
		b.Headers(tt.headers, false)
		o := b.Data([][]byte{tt.body}, true)
		if len(o.ToServer) > 0 || !o.Defer {
			t.Errorf("%s: the server gets %q", name, o.ToServer)
			continue
		}
		if got := show(b.Deferred().Response); !strings.Contains(got, "meltemi_") || !strings.Contains(got, "end=true") {
			t.Errorf("%s: %s", name, got)
		}
	}
	// x-rpc-local-* is this proxy's own: it changes nothing.
	b := NewBridge(c)
	b.Headers(requestHeaders("x-rpc-local-tier", "gold", "x-rpc-status", "5"), false)
	if o := b.Data([][]byte{call}, true); !bytes.Equal(o.ToServer, call) {
		t.Errorf("local headers: the server gets %q", o.ToServer)
	}
	// An entry of tracing that no header names stays; any other goes.
	b = NewBridge(c)
	b.Headers(requestHeaders(), false)
	o := b.Data([][]byte{testcodec.Append(nil, callOf(1, "m", [2]string{"traceparent", "t"}, [2]string{"tenant", "x"}))}, true)
	if m, _, _ := testcodec.Parse(o.ToServer); fmt.Sprint(m.Entries) != "[[traceparent t]]" {
		t.Errorf("the server gets %v", m.Entries)
	}
}
