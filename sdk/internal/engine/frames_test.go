package engine

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestSettingsThatSayNothingNew leave the limit of streams as it is, whatever it is.
func TestSettingsThatSayNothingNew(t *testing.T) {
	d, m := NewDownstream(config(t, `{"name":"toy"}`), Env{}), newManager(t)
	m.take(d.Read(epoch, [][]byte{testcodec.Append(testcodec.Append(nil, callOf(1, "m")), callOf(2, "m"))}).HTTP)
	_ = m.writer.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
	_ = m.writer.WriteSettings()
	d.Write(epoch, [][]byte{m.written()})
	if m.take(d.Wake(epoch).HTTP); len(m.order) != 1 {
		t.Errorf("streams %v are open, and one is allowed", m.order)
	}
}

// TestTheHeaderTableIsResized twice between two requests: both sizes are told, the least
// one at first (RFC 7541, section 4.2), and a foreign decoder goes on reading.
func TestTheHeaderTableIsResized(t *testing.T) {
	d, m := opened(t, config(t, `{"name":"toy"}`), testcodec.Append(nil, callOf(1, "m", [2]string{"tenant", "blue"}))...)
	for id := range uint64(3) {
		m.take(d.Read(epoch, [][]byte{testcodec.Append(nil, callOf(id, "m", [2]string{"tenant", "blue"}))}).HTTP)
	}
	for _, size := range []uint32{100, 0, 3000} {
		_ = m.writer.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: size})
	}
	d.Write(epoch, [][]byte{m.written()})
	m.take(d.Wake(epoch).HTTP)
	b := d.Read(epoch, [][]byte{testcodec.Append(nil, callOf(9, "m", [2]string{"tenant", "blue"}))}).HTTP
	f, _, err := nextFrame(b)
	if want := []byte{0x20, 0x3f, 0x99, 0x17}; err != nil || !bytes.HasPrefix(f.payload, want) {
		t.Errorf("the block begins with %x, want %x", f.payload[:8], want)
	}
	for id := range uint64(3) {
		m.take(d.Read(epoch, [][]byte{testcodec.Append(nil, callOf(id, "m", [2]string{"tenant", "blue"}))}).HTTP)
	}
	last := m.requests[m.order[len(m.order)-1]]
	if got := strings.Join(last.headers, " "); !strings.HasSuffix(got, "x-rpc-tenant=blue") {
		t.Errorf("the last request has %s", got)
	}
}

// TestHostileConnectionManager: what is no HTTP/2 ends the connection at once, and its
// call with an error. None of it is gathered.
func TestHostileConnectionManager(t *testing.T) {
	// A field of 4 KiB that goes into the table, and then stands there for a byte each.
	bomb := append([]byte{0x40, 1, 'a', 0x7f, 0x81, 0x1e}, make([]byte, 4000)...)
	bomb = append(bomb, bytes.Repeat([]byte{0xbe}, 16000-len(bomb))...)
	raw := func(kind, flags byte, stream uint32, payload []byte) []byte {
		return append(appendFrameHeader(nil, len(payload), kind, flags, stream), payload...)
	}
	var fragments []byte
	for i := range 80 {
		kind := byte(frameContinuation)
		if i == 0 {
			kind = frameHeaders
		}
		fragments = append(fragments, raw(kind, 0, 1, make([]byte, defaultFrameSize))...)
	}
	for name, b := range map[string][]byte{
		"a frame over the limit":    appendFrameHeader(nil, defaultFrameSize+1, frameData, 0, 1),
		"a header bomb":             raw(frameHeaders, flagEndHeaders, 1, bomb),
		"headers without end":       fragments,
		"headers within headers":    append(raw(frameHeaders, 0, 1, nil), raw(frameData, 0, 1, nil)...),
		"a continuation of nothing": raw(frameContinuation, flagEndHeaders, 1, nil),
		"a continuation of another": append(raw(frameHeaders, 0, 1, nil), raw(frameContinuation, flagEndHeaders, 3, nil)...),
		"no header block":           raw(frameHeaders, flagEndHeaders, 1, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
		"padding over the frame":    raw(frameData, flagPadded, 1, []byte{9, 0}),
		"no room for a priority":    raw(frameHeaders, flagEndHeaders|flagPriority, 1, []byte{0}),
		"a short reset":             raw(frameRSTStream, 0, 1, []byte{0}),
		"a short ping":              raw(framePing, 0, 0, []byte{0}),
		"a short go-away":           raw(frameGoAway, 0, 0, []byte{0}),
		"settings of odd length":    raw(frameSettings, 0, 0, []byte{0}),
		"a window over the limit":   raw(frameSettings, 0, 0, []byte{0, 4, 0x80, 0, 0, 0}),
		"frames too small":          raw(frameSettings, 0, 0, []byte{0, 5, 0, 0, 0, 1}),
		"a short window update":     raw(frameWindowUpdate, 0, 0, []byte{0}),
		"a push":                    raw(framePushPromise, 0, 1, nil),
		"the window overflows":      append(raw(frameWindowUpdate, 0, 0, []byte{0x7f, 255, 255, 255}), raw(frameWindowUpdate, 0, 0, []byte{0x7f, 255, 255, 255})...),
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := opened(t, config(t, `{"name":"toy"}`), testcodec.Append(nil, callOf(7, "m"))...)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			o := d.Write(epoch, [][]byte{b})
			reply, _, ok := testcodec.Parse(o.Peer)
			if !ok || reply.ID != 7 || reply.Status != sdk.Internal || !o.Wake {
				t.Fatalf("the call's answer is %+v, wake %t", reply, o.Wake)
			}
			if d.Wake(epoch).Close == CloseNone {
				t.Error("the connection stays open")
			}
			if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 10<<20 {
				t.Errorf("it took %d bytes", after.TotalAlloc-before.TotalAlloc)
			}
		})
	}
}

// TestInformationalResponses come before the response and are none.
func TestInformationalResponses(t *testing.T) {
	d, m := opened(t, config(t, `{"name":"toy"}`), testcodec.Append(nil, callOf(1, "m"))...)
	reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1, Payload: "fine"})
	m.headers(1, false, ":status", "103", "link", "x")
	m.respond(1, reply, good()...)
	if o := d.Write(epoch, [][]byte{m.written()}); !bytes.Equal(o.Peer, reply) {
		t.Errorf("the client got %q", o.Peer)
	}
}

// TestRepliesThatCannotBeRead go on as they are. Headers that would change them make the
// call an error: nothing that a policy said is left out in silence.
func TestRepliesThatCannotBeRead(t *testing.T) {
	reply := testcodec.Append(nil, testcodec.Message{
		Kind: sdk.KindResponse, ID: 1, Service: "s", Method: testcodec.UnreadableMethod, Payload: "fine", Entries: [][2]string{{"k", "v"}},
	})
	d, m := opened(t, config(t, `{"name":"toy"}`), testcodec.Append(testcodec.Append(nil, callOf(1, "m")), callOf(1, "m"))...)
	m.respond(1, reply, good("x-rpc-status", "7", "x-rpc-local-a", "1", "traceparent", "t")...)
	if o := d.Write(epoch, [][]byte{m.written()}); !bytes.Equal(o.Peer, reply) {
		t.Errorf("the client got %q", o.Peer)
	}
	m.respond(3, reply, good("x-rpc-k", "changed")...)
	o := d.Write(epoch, [][]byte{m.written()})
	if got, _, ok := testcodec.Parse(o.Peer); !ok || got.Entry("cause") != "bad_response" {
		t.Errorf("the client got %q", o.Peer)
	}
}

// TestResponsesThatDoNotEnd are complete when as much is here as they announce: the call
// has its answer, and the stream is reset. One that announces too little or nothing at all
// ends too.
func TestResponsesThatDoNotEnd(t *testing.T) {
	reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1, Payload: "fine"})
	for length, fine := range map[string]bool{"28": true, "27": true, "10": false, "0": false, "-1": false, "x": false, "99999999999999999999": false} {
		d, m := opened(t, config(t, `{"name":"toy"}`), testcodec.Append(nil, callOf(1, "m"))...)
		m.headers(1, false, good(headerReset, length)...)
		_ = m.writer.WriteData(1, false, reply[:20])
		_ = m.writer.WriteData(1, false, reply[20:])
		o := d.Write(epoch, [][]byte{m.written()})
		got, rest, ok := testcodec.Parse(o.Peer)
		if !ok || got.ID != 1 || (got.Payload == "fine") != fine || len(rest) > 0 {
			t.Errorf("%s: the client got %q", length, o.Peer)
		}
		if m.take(d.Wake(epoch).HTTP); !m.requests[1].reset {
			t.Errorf("%s: the stream is not reset", length)
		}
	}
}

// TestIdsOfClients are the clients' own: two calls that are open at once may have the same,
// and each has its answer. An answer that comes when its call has ended is counted.
func TestIdsOfClients(t *testing.T) {
	twice := testcodec.Append(testcodec.Append(nil, callOf(5, "first")), callOf(5, "second"))
	d, m := opened(t, config(t, `{"name":"toy"}`), twice...)
	for _, stream := range []uint32{3, 1} {
		reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 5, Payload: string(rune('a' + stream))})
		m.respond(stream, reply, good()...)
		if o := d.Write(epoch, [][]byte{m.written()}); !bytes.Equal(o.Peer, reply) {
			t.Errorf("stream %d: the client got %q", stream, o.Peer)
		}
	}
	m.respond(1, testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 5}), good()...)
	if o := d.Write(epoch, [][]byte{m.written()}); len(o.Peer) > 0 || d.counts.deltas[MetricLateAnswers] == 0 {
		t.Errorf("a late answer: the client got %q, %d are counted", o.Peer, d.counts.deltas[MetricLateAnswers])
	}
	m.respond(99, testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 5}), good()...)
	if o := d.Write(epoch, [][]byte{m.written()}); len(o.Peer) > 0 || d.counts.deltas[MetricUnmatchedAnswers] == 0 {
		t.Errorf("an answer to nobody: the client got %q, %d are counted", o.Peer, d.counts.deltas[MetricUnmatchedAnswers])
	}
}

// TestTheWindowForResponses is filled up before it is used up.
func TestTheWindowForResponses(t *testing.T) {
	d, m := opened(t, config(t, `{"name":"toy","max_message_bytes":1073741824}`), testcodec.Append(nil, callOf(1, "m"))...)
	d.received = refillAt - 1
	m.headers(1, false, good()...)
	_ = m.writer.WriteData(1, false, []byte("xy"))
	d.Write(epoch, [][]byte{m.written()})
	f, _, err := nextFrame(d.Wake(epoch).HTTP)
	if err != nil || f.kind != frameWindowUpdate || f.stream != 0 || binary.BigEndian.Uint32(f.payload) != refillAt+1 {
		t.Errorf("%v: %+v", err, f)
	}
}

// TestTheConnectionManagerIsAnswered: its settings and pings have their acknowledgement,
// not from Write but from the wake that it asks for.
func TestTheConnectionManagerIsAnswered(t *testing.T) {
	d, m := opened(t, config(t, `{"name":"toy"}`), testcodec.Append(nil, callOf(1, "m"))...)
	_ = m.writer.WriteSettings()
	_ = m.writer.WritePing(false, [8]byte{1, 2, 3})
	_ = m.writer.WritePing(true, [8]byte{9}) // an answer, which has none
	if o := d.Write(epoch, [][]byte{m.written()}); len(o.HTTP) > 0 || !o.Wake {
		t.Errorf("from Write: %x, wake %t", o.HTTP, o.Wake)
	}
	answers := d.Wake(epoch).HTTP
	settings, rest, err := nextFrame(answers)
	if err != nil || settings.kind != frameSettings || settings.flags != flagAck {
		t.Errorf("%v, the first answer is %+v", err, settings)
	}
	ping, rest, err := nextFrame(rest)
	if err != nil || ping.kind != framePing || ping.flags != flagAck || !bytes.Equal(ping.payload, []byte{1, 2, 3, 0, 0, 0, 0, 0}) || len(rest) > 0 {
		t.Errorf("%v, the second answer is %+v, and then comes %x", err, ping, rest)
	}
}

// TestALargerWindowInSettings lets a body go on that had no window.
func TestALargerWindowInSettings(t *testing.T) {
	d, m := opened(t, config(t, `{"name":"toy"}`), testcodec.Append(nil, callOf(1, "m"))...)
	for _, window := range []uint32{10, 100_000} {
		_ = m.writer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
		d.Write(epoch, [][]byte{m.written()})
		m.take(d.Wake(epoch).HTTP)
		if window == 10 {
			m.take(d.Read(epoch, [][]byte{testcodec.Append(nil, callOf(2, "m"))}).HTTP)
		}
	}
	if r := m.requests[3]; !r.ended {
		t.Errorf("%d bytes of the body have come", len(r.body))
	}
}

// TestRepliesThatAreNone make their call an error: another call's, another kind's, two, or
// of another protocol.
func TestRepliesThatAreNone(t *testing.T) {
	message := func(kind sdk.Kind, id uint64) []byte {
		return testcodec.Append(nil, testcodec.Message{Kind: kind, ID: id, Payload: "not for you"})
	}
	fine := good()
	for name, tt := range map[string]struct {
		body   []byte
		fields []string
	}{
		"another call's":      {message(sdk.KindResponse, 8), fine},
		"a request":           {message(sdk.KindRequest, 7), fine},
		"two":                 {append(message(sdk.KindResponse, 7), message(sdk.KindResponse, 7)...), fine},
		"half":                {message(sdk.KindResponse, 7)[:20], fine},
		"of another protocol": {message(sdk.KindResponse, 7), []string{":status", "200", "content-type", "application/grpc+dubbo", "grpc-status", "0"}},
		"of no protocol":      {message(sdk.KindResponse, 7), []string{":status", "200", "content-type", "application/grpc", "grpc-status", "0"}},
	} {
		d, m := opened(t, config(t, `{"name":"toy"}`), testcodec.Append(nil, callOf(7, "m"))...)
		m.respond(1, tt.body, tt.fields...)
		o := d.Write(epoch, [][]byte{m.written()})
		if got, rest, ok := testcodec.Parse(o.Peer); !ok || got.ID != 7 || got.Entry("cause") != "bad_response" || len(rest) > 0 {
			t.Errorf("%s: the client got %q", name, o.Peer)
		}
	}
}

// TestStreamsRunOut after a thousand million calls: the client is asked to go, and no call
// is lost.
func TestStreamsRunOut(t *testing.T) {
	d, m := opened(t, config(t, `{"name":"toy"}`), testcodec.Append(nil, callOf(1, "m"))...)
	m.respond(1, testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1}), good()...)
	d.Write(epoch, [][]byte{m.written()})
	d.nextStream = maxStreamID - 4
	var peer []byte
	for id := range uint64(4) {
		o := d.Read(epoch, [][]byte{testcodec.Append(nil, callOf(id, "m"))})
		m.take(o.HTTP)
		peer = append(peer, o.Peer...)
	}
	if got := m.order[1:]; len(got) != 2 || got[0] != maxStreamID-4 || got[1] != maxStreamID-2 {
		t.Fatalf("streams %v", got)
	}
	var kinds []string
	for reply, rest, ok := testcodec.Parse(peer); ok; reply, rest, ok = testcodec.Parse(rest) {
		kinds = append(kinds, reply.Kind.String()+" "+reply.Entry("cause"))
	}
	if got := strings.Join(kinds, ", "); got != "go-away , response draining, response draining" {
		t.Errorf("the client got %s", got)
	}
}
