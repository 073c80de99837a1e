package engine

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// opened is an edge whose connection manager has answered the first bytes, and then
// allows many streams.
func opened(t *testing.T, c *Config, first ...byte) (*Downstream, *manager) {
	t.Helper()
	d, m := NewDownstream(c, Env{}), newManager(t)
	m.take(d.Read(epoch, [][]byte{first}).HTTP)
	if err := m.writer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	d.Write(epoch, [][]byte{m.written()})
	m.take(d.Wake(epoch).HTTP)
	return d, m
}

// TestBodiesWithoutAWindowStopTheReading: a slow server must not fill our memory.
func TestBodiesWithoutAWindowStopTheReading(t *testing.T) {
	d, _ := opened(t, config(t, `{"name":"toy"}`), testcodec.Append(nil, callOf(1, "m"))...)
	msg := callOf(2, "m")
	msg.Payload = strings.Repeat("x", 4<<20)
	for range 8 {
		msg.ID++
		if d.Read(epoch, [][]byte{testcodec.Append(nil, msg)}).Reading == ReadPause {
			return
		}
	}
	_, bytes := d.holding()
	t.Errorf("%d bytes are held, and the client is read on", bytes)
}

// TestHeldRepliesStopTheReading: behind one slow call, others are answered.
func TestHeldRepliesStopTheReading(t *testing.T) {
	d, m := opened(t, config(t, `{"name":"toy","config":{"in_sequence":true}}`), testcodec.Append(nil, callOf(1, "m"))...)
	reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, Payload: strings.Repeat("y", 1<<20)})
	paused := false
	for i := uint32(1); i <= 40 && !paused; i++ {
		o := d.Read(epoch, [][]byte{testcodec.Append(nil, callOf(uint64(i), "m"))})
		paused = o.Reading == ReadPause
		m.take(o.HTTP)
		m.respond(2*i+1, reply, good()...)
		if o := d.Write(epoch, [][]byte{m.written()}); o.Wake {
			paused = paused || d.Wake(epoch).Reading == ReadPause
		}
	}
	if !paused {
		t.Fatalf("%d bytes of replies are held, and the client is read on", d.keptBytes)
	}
	m.respond(1, reply, good()...)
	o := d.Write(epoch, [][]byte{m.written()})
	if len(o.Peer) < 16<<20 || !o.Wake || d.Wake(epoch).Reading != ReadResume {
		t.Errorf("after the first reply: %d bytes, wake %t", len(o.Peer), o.Wake)
	}
}

// TestRefusalsKeepTheOrder: an error for the third request is the third answer, whether
// its length alone was too much or it came whole.
func TestRefusalsKeepTheOrder(t *testing.T) {
	c := config(t, `{"name":"toy","config":{"in_sequence":true},"max_message_bytes":1000}`)
	declared := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindRequest, ID: 3, Service: "s", Method: "m"})
	binary.BigEndian.PutUint32(declared[20:], 2000)
	whole := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindRequest, ID: 3, Service: "s", Method: "m", Payload: strings.Repeat("x", 2000)})
	for name, third := range map[string][]byte{"by its length": declared, "whole": whole} {
		input := testcodec.Append(testcodec.Append(nil, callOf(1, "m")), callOf(2, "m"))
		d, m := opened(t, c, append(input, third...)...)
		for i, s := range m.order {
			m.respond(s, testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: uint64(i + 1)}), good()...)
		}
		replies := d.Write(epoch, [][]byte{m.written()}).Peer
		var ids []uint64
		for reply, rest, ok := testcodec.Parse(replies); ok; reply, rest, ok = testcodec.Parse(rest) {
			ids = append(ids, reply.ID)
		}
		if !slices.Equal(ids, []uint64{1, 2, 3}) {
			t.Errorf("%s: replies to %v", name, ids)
		}
	}
}

// TestTimeInTheQueue counts against the deadline.
func TestTimeInTheQueue(t *testing.T) {
	d, m := NewDownstream(config(t, `{"name":"toy"}`), Env{}), newManager(t)
	waits := callOf(2, "m")
	waits.Timeout = 100 * time.Millisecond
	patient := callOf(3, "m")
	patient.Timeout = time.Second
	input := testcodec.Append(testcodec.Append(testcodec.Append(nil, callOf(1, "m")), waits), patient)
	o := d.Read(epoch, [][]byte{input})
	m.take(o.HTTP)
	if o.WakeIn <= 0 || o.WakeIn > waits.Timeout {
		t.Errorf("woken in %v", o.WakeIn)
	}
	o = d.Wake(epoch.Add(o.WakeIn))
	if reply, _, ok := testcodec.Parse(o.Peer); !ok || reply.ID != 2 || reply.Status != sdk.DeadlineExceeded {
		t.Errorf("%+v", reply)
	}
	if err := m.writer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	late := epoch.Add(600 * time.Millisecond)
	d.Write(late, [][]byte{m.written()})
	m.take(d.Wake(late).HTTP)
	if !slices.Contains(m.requests[3].headers, "grpc-timeout=395m") {
		t.Errorf("a call with 400 ms left: %v", m.requests[3].headers)
	}
}

// TestTooLongAResponse costs its own call only.
func TestTooLongAResponse(t *testing.T) {
	d, m := opened(t, config(t, `{"name":"toy","max_message_bytes":1000}`), testcodec.Append(nil, callOf(1, "m"))...)
	m.respond(1, make([]byte, 2000), good()...)
	o := d.Write(epoch, [][]byte{m.written()})
	if reply, _, ok := testcodec.Parse(o.Peer); !ok || reply.ID != 1 {
		t.Errorf("%+v", reply)
	}
	for f, rest, err := nextFrame(d.Wake(epoch).HTTP); err == nil; f, rest, err = nextFrame(rest) {
		if f.kind == frameRSTStream && f.stream != 1 {
			t.Errorf("stream %d is reset", f.stream)
		}
	}
}

// TestGraceAfterGarbage: a connection that failed ends in time, heartbeats or not.
func TestGraceAfterGarbage(t *testing.T) {
	d := NewDownstream(config(t, `{"name":"toy","heartbeat_interval":"300ms"}`), Env{})
	next := d.Read(epoch, [][]byte{testcodec.Append(nil, callOf(1, "m"))}).WakeIn
	failed := 100 * time.Millisecond
	if o := d.Read(epoch.Add(failed), [][]byte{[]byte("garbage")}); o.WakeIn > 0 {
		next = failed + o.WakeIn
	}
	for range 20 {
		o := d.Wake(epoch.Add(next))
		if o.Close != CloseNone {
			if next != failed+failGrace {
				t.Errorf("closed after %v", next)
			}
			return
		}
		if o.WakeIn == 0 {
			t.Fatalf("nothing is due after %v", next)
		}
		next += o.WakeIn
	}
	t.Error("never closed")
}

// endless is a codec that never knows how long a message is.
type endless struct{ testcodec.Codec }

func (*endless) Decode(sdk.Side, []byte, *sdk.Message) (int, error) { return 0, sdk.ErrNeedMore }

func TestServersMessagesOfUnknownLength(t *testing.T) {
	b := open(t, config(t, `{"name":"toy","max_message_bytes":1000}`))
	b.upstream.codec = &endless{}
	for range 3 {
		if b.FromServer([][]byte{make([]byte, 500)}, false).Response != nil {
			return
		}
	}
	t.Errorf("%d bytes are kept", b.upstream.in.len())
}

// TestBodiesOverTheBridgesLimit are answered, in however many parts they come.
func TestBodiesOverTheBridgesLimit(t *testing.T) {
	part := make([]byte, 800)
	for name, send := range map[string]func(b *Bridge) *BridgeOutput{
		"at once": func(b *Bridge) *BridgeOutput { return b.Data([][]byte{part, part}, true) },
		"ended by the next": func(b *Bridge) *BridgeOutput {
			b.Data([][]byte{part, part}, false)
			return b.Data([][]byte{part}, true)
		},
		"ended by nothing":    func(b *Bridge) *BridgeOutput { b.Data([][]byte{part, part}, false); return b.Data(nil, true) },
		"ended by trailers":   func(b *Bridge) *BridgeOutput { b.Data([][]byte{part, part}, false); return b.Trailers() },
		"the last part is it": func(b *Bridge) *BridgeOutput { b.Data([][]byte{part}, false); return b.Data([][]byte{part}, true) },
	} {
		b := NewBridge(config(t, `{"name":"toy","max_message_bytes":1000}`))
		b.Headers(requestHeaders(), false)
		if o := send(b); !o.Defer {
			t.Errorf("%s: never answered", name)
		}
		if got := show(b.Deferred().Response); !strings.Contains(got, "too_large") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestABrokenConnectionBeforeTheCall: nothing was sent, so it may be tried again.
func TestABrokenConnectionBeforeTheCall(t *testing.T) {
	b := NewBridge(config(t, `{"name":"toy"}`))
	b.Headers(requestHeaders(), false)
	b.FromServer([][]byte{[]byte("garbage")}, false)
	b.Data([][]byte{testcodec.Append(nil, callOf(1, "m"))}, true)
	if got := show(b.Deferred().Response); !strings.Contains(got, "grpc-status=14 ") {
		t.Errorf("%s", got)
	}
}

// wordless is a codec whose errors are empty.
type wordless struct{ testcodec.Codec }

func (*wordless) Reply(dst []byte, _ sdk.Call, _ sdk.Failure) ([]byte, error) { return dst, nil }

// TestClientsThatCannotBeToldAnError are let go, and soon, so that they do not wait in vain.
func TestClientsThatCannotBeToldAnError(t *testing.T) {
	for name, codec := range map[string]sdk.Codec{"an error": &testcodec.Codec{Mute: true}, "nothing": &wordless{}} {
		c := config(t, `{"name":"toy"}`)
		c.codecs[0] = codec
		d, m := opened(t, c, testcodec.Append(nil, callOf(1, "m"))...)
		m.respond(1, nil, ":status", "200", "grpc-status", "14", headerCause, "503 UF connection_failure")
		o := d.Write(epoch, [][]byte{m.written()})
		if len(o.Peer) > 0 || !o.Wake || d.Wake(epoch).Close != CloseAfterFlush {
			t.Errorf("%s: the client got %q, wake %t", name, o.Peer, o.Wake)
		}
	}
}

// TestLengthsBeyondReason are not waited for: what follows is as little to be trusted.
func TestLengthsBeyondReason(t *testing.T) {
	c := config(t, `{"name":"toy","max_message_bytes":1000}`)
	for length, closed := range map[uint32]bool{1000: false, 3900: false, 4100: true, 1 << 31: true} {
		declared := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindRequest, ID: 3, Service: "s", Method: "m"})
		binary.BigEndian.PutUint32(declared[20:], length)
		d := NewDownstream(c, Env{})
		o := d.Read(epoch, [][]byte{declared})
		if reply, _, ok := testcodec.Parse(o.Peer); !ok || reply.Entry("cause") != "too_large" || (o.Close != CloseNone) != closed {
			t.Errorf("%d bytes: %+v, close %v", length, reply, o.Close)
		}
	}
}

// TestHeartbeatsToSilentClients come when configured, and not to those who speak.
func TestHeartbeatsToSilentClients(t *testing.T) {
	d := NewDownstream(config(t, `{"name":"toy","heartbeat_interval":"1s"}`), Env{})
	o := d.Read(epoch, [][]byte{testcodec.Append(nil, callOf(1, "m"))})
	if o.WakeIn != time.Second {
		t.Fatalf("woken in %v", o.WakeIn)
	}
	spoke := epoch.Add(600 * time.Millisecond)
	d.Read(spoke, [][]byte{testcodec.Append(nil, testcodec.Message{Kind: sdk.KindHeartbeatReply})})
	if o = d.Wake(epoch.Add(time.Second)); len(o.Peer) > 0 || o.WakeIn != 600*time.Millisecond {
		t.Errorf("to a client that spoke: %q, again in %v", o.Peer, o.WakeIn)
	}
	o = d.Wake(spoke.Add(time.Second))
	if m, _, ok := testcodec.Parse(o.Peer); !ok || m.Kind != sdk.KindHeartbeat || o.WakeIn != time.Second {
		t.Errorf("to a silent client: %+v, again in %v", m, o.WakeIn)
	}
}

// liar is a codec that claims to have read more, or less, than there is.
type liar struct {
	testcodec.Codec
	length int
	kind   sdk.Kind
}

func (l *liar) Decode(_ sdk.Side, _ []byte, m *sdk.Message) (int, error) {
	m.Kind = l.kind
	return l.length, nil
}

// TestCodecsThatLie cost their connection and nothing else: no panic, no endless loop.
func TestCodecsThatLie(t *testing.T) {
	for name, codec := range map[string]*liar{
		"nothing read":   {length: 0, kind: sdk.KindRequest},
		"less than that": {length: -5, kind: sdk.KindRequest},
		"more than is":   {length: 1 << 40, kind: sdk.KindRequest},
		"no kind":        {length: 2},
		"an odd kind":    {length: 2, kind: 99},
	} {
		d := NewDownstream(config(t, `{"name":"toy"}`), Env{})
		d.cfg.codecs[0] = codec
		o := d.Read(epoch, [][]byte{[]byte("hello")})
		if o.Close == CloseNone || len(o.HTTP) > 0 && !bytes.HasSuffix(o.HTTP, appendOpening(nil)) {
			t.Errorf("%s: close %v, and the connection manager gets %q", name, o.Close, o.HTTP)
		}
		b := NewBridge(d.cfg)
		b.Headers(requestHeaders(), false)
		if o := b.Data([][]byte{[]byte("hello")}, true); len(o.ToServer) > 0 || !o.Defer {
			t.Errorf("%s: the server gets %q", name, o.ToServer)
		}
	}
}

// TestMemoryOfGreatMessages is not kept for ever.
func TestMemoryOfGreatMessages(t *testing.T) {
	d, m := opened(t, config(t, `{"name":"toy"}`), testcodec.Append(nil, callOf(1, "m"))...)
	great := callOf(2, "m")
	great.Payload = strings.Repeat("x", 4<<20)
	b := testcodec.Append(nil, great)
	m.take(d.Read(epoch, [][]byte{b[:1<<20]}).HTTP)
	m.take(d.Read(epoch, [][]byte{b[1<<20:]}).HTTP)
	for _, stream := range []uint32{1, 3} {
		m.respond(stream, testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: uint64(stream+1) / 2, Payload: great.Payload}), good()...)
		d.Write(epoch, [][]byte{m.written()})
	}
	d.Wake(epoch)
	d.Read(epoch, [][]byte{testcodec.Append(nil, callOf(3, "m"))})
	s := d.scratch
	kept := cap(s.http) + cap(s.peer) + cap(s.fromClient) + cap(s.fromManager) + cap(d.in.buf) + cap(d.frames.buf)
	for _, c := range d.spare {
		kept += cap(c.body) + cap(c.reply)
	}
	if kept > 4*maxScratch {
		t.Errorf("%d bytes are kept", kept)
	}
}
