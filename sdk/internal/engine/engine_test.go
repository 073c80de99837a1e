package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

var epoch = time.Unix(1_000_000_000, 0)

func config(tb testing.TB, text string) *Config {
	tb.Helper()
	c, err := ParseConfig([]byte(text), []sdk.Definition{testcodec.Definition()})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func callOf(id uint64, method string, entries ...[2]string) testcodec.Message {
	return testcodec.Message{Kind: sdk.KindRequest, ID: id, Service: "com.foo.Bar", Method: method, Entries: entries, Payload: "payload " + method}
}

// wireRequest is a request as golang.org/x/net reads it from our HTTP/2.
type wireRequest struct {
	stream  uint32
	headers []string
	body    []byte
	ended   bool
	reset   bool
}

// manager is an HTTP/2 server made of golang.org/x/net's framer: what it reads is
// what another implementation understands of us.
type manager struct {
	tb       testing.TB
	in       bytes.Buffer
	framer   *http2.Framer
	started  bool
	requests map[uint32]*wireRequest
	order    []uint32
	others   []string

	out     bytes.Buffer
	writer  *http2.Framer
	encoder *hpack.Encoder
	block   bytes.Buffer
}

func newManager(tb testing.TB) *manager {
	tb.Helper()
	m := &manager{tb: tb, requests: map[uint32]*wireRequest{}}
	m.framer = http2.NewFramer(nil, &m.in)
	m.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	m.writer = http2.NewFramer(&m.out, nil)
	m.encoder = hpack.NewEncoder(&m.block)
	return m
}

// take reads what the edge wrote.
func (m *manager) take(b []byte) {
	m.tb.Helper()
	m.in.Write(b)
	if !m.started {
		if m.in.Len() < len(http2.ClientPreface) {
			return
		}
		if got := string(m.in.Next(len(http2.ClientPreface))); got != http2.ClientPreface {
			m.tb.Fatalf("preface is %q", got)
		}
		m.started = true
	}
	for m.in.Len() > 0 {
		f, err := m.framer.ReadFrame()
		if err != nil {
			m.tb.Fatalf("another implementation cannot read our frames: %v", err)
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			r := &wireRequest{stream: f.StreamID, ended: f.StreamEnded()}
			for _, h := range f.Fields {
				r.headers = append(r.headers, h.Name+"="+h.Value)
			}
			m.requests[f.StreamID] = r
			m.order = append(m.order, f.StreamID)
		case *http2.DataFrame:
			r := m.requests[f.StreamID]
			if r == nil || r.ended {
				m.tb.Fatalf("DATA on stream %d, which is not open", f.StreamID)
			}
			r.body = append(r.body, f.Data()...)
			r.ended = f.StreamEnded()
		case *http2.RSTStreamFrame:
			m.others = append(m.others, f.Header().Type.String())
			if r := m.requests[f.StreamID]; r != nil {
				r.reset = true
			}
		default:
			m.others = append(m.others, fmt.Sprintf("%v", f.Header().Type))
		}
	}
}

// respond writes a response.
func (m *manager) respond(stream uint32, body []byte, fields ...string) {
	m.headers(stream, len(body) == 0, fields...)
	if len(body) > 0 {
		for len(body) > 1000 { // in several frames
			_ = m.writer.WriteData(stream, false, body[:1000])
			body = body[1000:]
		}
		_ = m.writer.WriteDataPadded(stream, false, body, []byte{0, 0, 0})
		m.headers(stream, true, "grpc-status", "0")
	}
}

func (m *manager) headers(stream uint32, end bool, fields ...string) {
	m.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = m.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	block := m.block.Bytes()
	half := len(block) / 2
	_ = m.writer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block[:half], EndStream: end})
	_ = m.writer.WriteContinuation(stream, true, block[half:])
}

func (m *manager) written() []byte {
	b := bytes.Clone(m.out.Bytes())
	m.out.Reset()
	return b
}

// good are the headers of a good response to the test protocol.
func good(more ...string) []string {
	return append([]string{":status", "200", "content-type", "application/grpc+toy", "grpc-status", "0"}, more...)
}

// session is bytes of a client with every kind of message in it.
func session() []byte {
	var b []byte
	for _, m := range []testcodec.Message{
		callOf(1, "first", [2]string{"Tenant", "blue"}),
		{Kind: sdk.KindHeartbeat, ID: 2},
		{Kind: sdk.KindOneWay, ID: 3, Service: "s", Method: "oneway", Payload: "x"},
		{Kind: sdk.KindResponse, ID: 4},
		{Kind: sdk.KindRequest, ID: 5, Service: "s", Method: testcodec.UnreadableMethod},
		{Kind: sdk.KindRequest, ID: 6, Service: "s", Method: "late", Timeout: time.Second, Payload: strings.Repeat("long ", 8000)},
		callOf(7, "second", [2]string{"Tenant", "blue"}),
	} {
		b = testcodec.Append(b, m)
	}
	return b
}

// runClient feeds a client's bytes in pieces and returns what came out.
func runClient(t *testing.T, pieces ...[]byte) (m *manager, peer []byte) {
	t.Helper()
	m = newManager(t)
	d := NewDownstream(config(t, `{"name":"toy"}`), Env{})
	_ = m.writer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
	_ = m.writer.WriteWindowUpdate(0, 1<<20)
	settings := m.written()
	take := func(o *Output) {
		m.take(o.HTTP)
		peer = append(peer, o.Peer...)
		if o.Wake {
			o := d.Wake(epoch)
			m.take(o.HTTP)
			peer = append(peer, o.Peer...)
		}
	}
	take(d.Write(epoch, [][]byte{settings}))
	for _, p := range pieces {
		take(d.Read(epoch, [][]byte{p}))
	}
	return m, peer
}

// TestEverySplitOfTheClientsBytes cuts a session in two at every place, and into
// single bytes: what another implementation reads is always the same.
func TestEverySplitOfTheClientsBytes(t *testing.T) {
	whole := session()
	show := func(m *manager, peer []byte) string {
		var b strings.Builder
		for _, s := range m.order {
			r := m.requests[s]
			fmt.Fprintf(&b, "%d %v %x %t\n", r.stream, r.headers, r.body, r.ended)
		}
		fmt.Fprintf(&b, "%x", peer)
		return b.String()
	}
	m, peer := runClient(t, whole)
	want := show(m, peer)
	if len(m.order) != 4 {
		t.Fatalf("%d requests, want 4:\n%s", len(m.order), want)
	}
	for i := 1; i < len(whole); i++ {
		if i > 2000 && i < len(whole)-300 && i%97 != 0 {
			continue // the middle of a long payload
		}
		m, peer := runClient(t, whole[:i], whole[i:])
		if got := show(m, peer); got != want {
			t.Fatalf("cut at %d:\n%s\nwant\n%s", i, got, want)
		}
	}
	var single [][]byte
	for i := range whole {
		single = append(single, whole[i:i+1])
	}
	m, peer = runClient(t, single...)
	if got := show(m, peer); got != want {
		t.Fatalf("byte by byte:\n%s\nwant\n%s", got, want)
	}
}

// TestEverySplitOfTheManagersBytes cuts the responses at every place.
func TestEverySplitOfTheManagersBytes(t *testing.T) {
	m := newManager(t)
	_ = m.writer.WriteSettings()
	reply := func(id uint64, payload string) []byte {
		return testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: id, Payload: payload, Entries: [][2]string{{"Key", "v"}}})
	}
	m.respond(3, reply(2, strings.Repeat("long ", 600)), good("x-rpc-key", "v")...)
	_ = m.writer.WritePing(false, [8]byte{1})
	m.respond(1, reply(1, "one"), good("x-rpc-key", "changed", "x-rpc-more", "1")...)
	m.respond(5, nil, ":status", "200", "grpc-status", "14", "grpc-message", "no%20healthy", "x-meltemi-cause", "503 UH no_healthy_upstream")
	_ = m.writer.WriteRSTStream(7, http2.ErrCodeInternal)
	whole := m.written()
	run := func(pieces ...[]byte) (peer []byte) {
		d := NewDownstream(config(t, `{"name":"toy"}`), Env{})
		var b []byte
		for i := range 4 {
			b = testcodec.Append(b, callOf(uint64(i+1), "m"))
		}
		take := func(o *Output) {
			peer = append(peer, o.Peer...)
			if o.Wake {
				o := d.Wake(epoch)
				peer = append(peer, o.Peer...)
			}
		}
		take(d.Write(epoch, [][]byte{whole[:9]})) // settings
		take(d.Read(epoch, [][]byte{b}))
		for _, p := range pieces {
			take(d.Write(epoch, [][]byte{p}))
		}
		return peer
	}
	responses := whole[9:]
	want := run(responses)
	var got []string
	for rest := want; len(rest) > 0; {
		message, more, ok := testcodec.Parse(rest)
		if !ok {
			t.Fatalf("the client cannot read %x", rest)
		}
		got = append(got, fmt.Sprintf("%d %v %d %v", message.ID, message.Status, len(message.Payload), message.Entries))
		rest = more
	}
	expected := []string{"2 OK 3000 [[Key v]]", "1 OK 3 [[Key changed] [more 1]]", "3 UNAVAILABLE 10 [[cause no_upstream]]", "4 UNKNOWN 18 [[cause connection_lost]]"}
	if fmt.Sprint(got) != fmt.Sprint(expected) {
		t.Fatalf("the client got\n%v\nwant\n%v", got, expected)
	}
	for i := 1; i < len(responses); i++ {
		if peer := run(responses[:i], responses[i:]); !bytes.Equal(peer, want) {
			t.Fatalf("cut at %d: the client got %x, want %x", i, peer, want)
		}
	}
	var single [][]byte
	for i := range responses {
		single = append(single, responses[i:i+1])
	}
	if peer := run(single...); !bytes.Equal(peer, want) {
		t.Fatal("byte by byte: another result")
	}
}

// TestSteadyCallsAllocateNothing runs a call through the client's edge.
func TestSteadyCallsAllocateNothing(t *testing.T) {
	d, step := steady(t)
	for range 200 {
		step()
	}
	if n := testing.AllocsPerRun(200, step); n > 0 && !raceEnabled {
		t.Errorf("%v allocations a call", n)
	}
	if len(d.open) != 0 {
		t.Errorf("%d calls are open", len(d.open))
	}
}

// steady returns an edge and a function that makes a call through it.
func steady(tb testing.TB) (*Downstream, func()) {
	tb.Helper()
	d := NewDownstream(config(tb, `{"name":"toy"}`), Env{})
	request := testcodec.Append(nil, callOf(1, "m", usual...))
	reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1, Payload: "fine"})
	m := newManager(tb)
	_ = m.writer.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 100})
	settings := m.written()
	// The first response fills the header table, the second is how all others look.
	response := func() []byte {
		m.headers(1, false, good("date", "today")...)
		_ = m.writer.WriteData(1, false, reply)
		m.headers(1, true, "grpc-status", "0")
		_ = m.writer.WriteWindowUpdate(0, uint32(len(request)))
		return m.written()
	}
	first, other := response(), response()
	stream := uint32(1)
	read, write := [][]byte{request}, [][]byte{first}
	counts := &Counts{}
	return d, func() {
		o := d.Read(epoch, read)
		o.Counts.MoveTo(counts)
		if settings != nil {
			d.Write(epoch, [][]byte{settings})
			d.Wake(epoch)
			settings = nil
		}
		setStream(write[0], stream)
		o = d.Write(epoch, write)
		if !bytes.Equal(o.Peer, reply) {
			tb.Fatalf("the client got %x, want %x", o.Peer, reply)
		}
		o.Counts.MoveTo(counts)
		stream += 2
		write[0] = other
	}
}

// setStream gives all frames but those of the connection another stream.
func setStream(b []byte, stream uint32) {
	for len(b) > 0 {
		f, rest, err := nextFrame(b)
		if err != nil {
			panic(err)
		}
		if f.stream != 0 {
			binary.BigEndian.PutUint32(b[5:], stream)
		}
		b = rest
	}
}

// FuzzDownstream feeds hostile bytes from both sides, whole and split: no panic, the
// same result, no more memory than a message and a frame, and no call that is left open.
func FuzzDownstream(f *testing.F) {
	m := newManager(f)
	m.respond(1, testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1}), good()...)
	f.Add(session(), m.written(), 7)
	f.Add([]byte("TY\x01"), []byte{0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 1)
	c := config(f, `{"name":"toy","max_message_bytes":100000}`)
	f.Fuzz(func(t *testing.T, client, server []byte, cut int) {
		run := func(split int) (peer []byte) {
			d := NewDownstream(c, Env{})
			var counts Counts
			take := func(o *Output) bool {
				peer = append(peer, o.Peer...)
				o.Counts.MoveTo(&counts)
				if held := d.in.len() + d.frames.len(); held > c.maxMessage+defaultFrameSize+frameHeaderSize {
					t.Fatalf("%d bytes are held", held)
				}
				return o.PassThrough || o.Close != CloseNone
			}
			cutAt := func(b []byte) [][]byte {
				if split <= 0 || split >= len(b) {
					return [][]byte{b}
				}
				return [][]byte{b[:split], b[split:]}
			}
			for _, p := range cutAt(client) {
				if len(p) > 0 && take(d.Read(epoch, [][]byte{p})) {
					return peer
				}
			}
			for _, p := range cutAt(server) {
				take(d.Write(epoch, [][]byte{p}))
			}
			take(d.Wake(epoch.Add(time.Minute)))
			take(d.Closed())
			if n := counts.deltas[MetricOpenCalls]; n != 0 {
				t.Fatalf("the gauge of open calls is left at %d", n)
			}
			return peer
		}
		if whole, split := run(0), run(cut); !bytes.Equal(whole, split) {
			t.Fatalf("cut at %d: %x, whole %x", cut, split, whole)
		}
	})
}
