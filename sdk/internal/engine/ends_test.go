package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// world is a client, the client's edge and a connection manager, in which anything
// happens in any order. The connection manager holds the edge to its windows and its
// limit of streams; the host holds bytes back while it is asked to.
type world struct {
	t       *testing.T
	ordered bool
	now     time.Time
	d       *Downstream
	m       *manager

	// The client.
	unsent  []byte   // what it has written and the host has not read
	ends    []int    // of the calls in unsent that want an answer, as lengths
	ids     []uint64 // and their ids
	next    uint64
	asked   []uint64 // calls that were read whole
	answers []uint64 // in the order in which they came
	peer    []byte
	paused  bool
	ruined  bool // its framing is lost
	closed  bool

	// The connection manager.
	limit   int
	initial int
	window  int
	windows map[uint32]int
	open    []uint32 // streams that it has not ended
	headed  map[uint32]bool
	away    bool // it takes no new streams
	sizes   map[uint32]int
	known   int // of m.order
}

func newWorld(t *testing.T, ordered bool) *world {
	t.Helper()
	text := `{"name":"toy","max_message_bytes":3000,"max_queued_calls":4,"config":{"in_sequence":` + strconv.FormatBool(ordered) + `}}`
	return &world{
		t: t, ordered: ordered, now: epoch, d: NewDownstream(config(t, text), Env{}), m: newManager(t), next: 1,
		limit: 1, initial: defaultWindow, window: defaultWindow,
		windows: map[uint32]int{}, headed: map[uint32]bool{}, sizes: map[uint32]int{},
	}
}

// write has the client write a message.
func (w *world) write(m testcodec.Message) {
	w.unsent = testcodec.Append(w.unsent, m)
	if m.Kind == sdk.KindRequest {
		w.ends, w.ids = append(w.ends, len(w.unsent)), append(w.ids, m.ID)
	}
}

// read gives up to n of the client's bytes to the edge.
func (w *world) read(n int) {
	if n = min(n, len(w.unsent)); n == 0 || w.paused || w.closed {
		return
	}
	b := w.unsent[:n]
	w.unsent = w.unsent[n:]
	for i := range w.ends {
		w.ends[i] -= n
	}
	for len(w.ends) > 0 && w.ends[0] <= 0 {
		w.asked = append(w.asked, w.ids[0])
		w.ends, w.ids = w.ends[1:], w.ids[1:]
	}
	w.take(w.d.Read(w.now, [][]byte{bytes.Clone(b)}))
}

// flush gives what the connection manager wrote to the edge.
func (w *world) flush() {
	b := w.m.written()
	if len(b) == 0 || w.closed {
		return
	}
	o := w.d.Write(w.now, [][]byte{b})
	wake := o.Wake
	if len(o.HTTP) > 0 || o.Close != CloseNone {
		w.t.Fatal("something is injected or closed from Write")
	}
	w.take(o)
	if wake {
		w.take(w.d.Wake(w.now))
	}
}

func (w *world) take(o *Output) {
	w.peer = append(w.peer, o.Peer...)
	for {
		m, rest, ok := testcodec.Parse(w.peer)
		if !ok {
			break
		}
		if w.peer = rest; m.Kind == sdk.KindResponse {
			w.answers = append(w.answers, m.ID)
		}
	}
	switch o.Reading {
	case ReadPause:
		w.paused = true
	case ReadResume:
		w.paused = false
	case ReadUnchanged:
	}
	w.manage(o.HTTP)
	w.closed = w.closed || o.Close != CloseNone
}

// manage has the connection manager read what the edge wrote.
func (w *world) manage(b []byte) {
	if len(b) > 0 {
		w.m.take(b)
	}
	w.open = slices.DeleteFunc(w.open, func(s uint32) bool { return w.m.requests[s].reset })
	for _, s := range w.m.order[w.known:] {
		if w.away {
			continue // it ignores the stream
		}
		if len(w.open) >= w.limit {
			w.t.Fatalf("stream %d is opened above the limit of %d", s, w.limit)
		}
		w.open = append(w.open, s)
		w.windows[s] = w.initial
	}
	w.known = len(w.m.order)
	for s, r := range w.m.requests {
		n := len(r.body) - w.sizes[s]
		if n == 0 {
			continue
		}
		w.sizes[s] = len(r.body)
		w.window -= n
		w.windows[s] -= n
		if w.window < 0 || w.windows[s] < 0 && slices.Contains(w.open, s) {
			w.t.Fatalf("stream %d exceeds its window, or the connection's", s)
		}
	}
}

func (w *world) end(s uint32) {
	w.open = slices.DeleteFunc(w.open, func(o uint32) bool { return o == s })
	if !w.m.requests[s].ended {
		_ = w.m.writer.WriteRSTStream(s, http2.ErrCodeNo) // as Envoy does
		w.m.requests[s].ended = true
	}
}

// answer ends a stream in one of the ways in which a connection manager does.
func (w *world) answer(s uint32, how byte) {
	request, _, ok := testcodec.Parse(w.m.requests[s].body)
	reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: request.ID, Payload: strings.Repeat("r", int(how))})
	headers := func(end bool, fields ...string) {
		if !w.headed[s] {
			w.m.headers(s, end, fields...)
		} else if end {
			_ = w.m.writer.WriteData(s, true, nil)
		}
	}
	switch how %= 9; {
	case how == 0:
		_ = w.m.writer.WriteRSTStream(s, http2.ErrCodeInternal)
		w.m.requests[s].ended = true
	case how == 1 || !ok:
		headers(true, ":status", "200", "grpc-status", "14", "x-meltemi-cause", "503 UF connection_failure")
	case how == 2: // what a bridge leaves open
		headers(false, good(headerReset, strconv.Itoa(len(reply)))...)
		_ = w.m.writer.WriteData(s, w.headed[s], reply)
		if !w.headed[s] {
			_ = w.m.writer.WriteData(s, false, []byte("late"))
			w.flush()
			return // the edge resets the stream
		}
	case how == 3:
		headers(false, good()...)
		_ = w.m.writer.WriteData(s, true, []byte("no reply"))
	case how == 4:
		headers(false, good()...)
		_ = w.m.writer.WriteData(s, true, make([]byte, 4000))
	case how == 5:
		headers(false, good()...)
		_ = w.m.writer.WriteData(s, false, reply[:len(reply)/2])
		_ = w.m.writer.WriteData(s, true, reply[len(reply)/2:])
	case how == 6:
		headers(false, append([]string{":status", "503", "content-type", "text/plain"}, "x-meltemi-cause", "503 UO overflow")...)
		_ = w.m.writer.WriteData(s, true, []byte("overflow"))
	default:
		headers(false, good("x-rpc-more", "1")...)
		_ = w.m.writer.WriteData(s, true, reply)
	}
	w.end(s)
	w.flush()
}

func (w *world) settings(limit, initial int) {
	for s := range w.windows {
		w.windows[s] += initial - w.initial
	}
	w.limit, w.initial = limit, initial
	_ = w.m.writer.WriteSettings(
		http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: uint32(limit)},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(initial)})
	w.flush()
}

func (w *world) grant(s uint32, n int) {
	if s == 0 {
		w.window += n
	} else {
		w.windows[s] += n
	}
	_ = w.m.writer.WriteWindowUpdate(s, uint32(n))
	w.flush()
}

func (w *world) goAway(last uint32) {
	_ = w.m.writer.WriteGoAway(last, http2.ErrCodeNo, nil)
	if last < maxStreamID {
		w.away = true
		w.open = slices.DeleteFunc(w.open, func(s uint32) bool { return s > last })
	}
	w.flush()
}

// step is one event.
func (w *world) step(what, how byte) {
	id := w.next
	call := testcodec.Message{Kind: sdk.KindRequest, ID: id, Service: "s", Method: "m", Payload: strings.Repeat("p", 10*int(how))}
	switch what % 20 {
	case 0, 1, 2:
		w.write(call)
	case 3:
		call.Kind = sdk.KindOneWay
		w.write(call)
	case 4:
		call.Timeout = time.Duration(how) * time.Millisecond
		w.write(call)
	case 5:
		call.Method = []string{testcodec.PanicMethod, testcodec.UnreadableMethod, ""}[how%3]
		w.write(call)
	case 6:
		call.Payload = strings.Repeat("long", 800+int(how)) // over the limit
		w.write(call)
	case 7:
		w.write(testcodec.Message{Kind: sdk.KindHeartbeat, ID: id})
	case 8:
		w.write(testcodec.Message{Kind: []sdk.Kind{sdk.KindResponse, sdk.KindGoAway, sdk.KindHeartbeatReply}[how%3], ID: id})
	case 9, 10:
		w.read(int(how) * 8)
	case 11, 12:
		if len(w.open) > 0 {
			w.answer(w.open[int(how)%len(w.open)], how)
		}
	case 13:
		if len(w.open) > 0 && !w.headed[w.open[0]] {
			w.headed[w.open[0]] = true
			w.m.headers(w.open[0], false, good()...)
			w.flush()
		}
	case 14:
		w.settings(int(how%5), 100*int(how/5))
	case 15:
		if w.window < 1<<20 {
			w.grant(0, 1+10*int(how))
		}
	case 16:
		if len(w.open) > 0 {
			w.grant(w.open[int(how)%len(w.open)], 1+10*int(how))
		}
	case 17:
		w.now = w.now.Add(time.Duration(how) * time.Millisecond)
		if !w.closed {
			w.take(w.d.Wake(w.now))
		}
	case 18:
		_ = w.m.writer.WritePing(false, [8]byte{how})
		w.flush()
	case 19:
		switch {
		case how < 100 && len(w.m.order) > 0 && !w.away:
			w.goAway(w.m.order[int(how)%len(w.m.order)])
		case how < 200 && !w.away:
			w.goAway(maxStreamID)
		case how > 240 && how <= 250 && w.m.started:
			_ = w.m.writer.WriteRawFrame(http2.FrameSettings, 0, 0, []byte{1})
			w.flush()
		case how > 250 && !w.ruined:
			w.ruined = true
			w.unsent = append(w.unsent, "garbage"...)
		}
	}
	w.next++
}

// settle has the connection manager do its part: it takes streams and bytes again, and
// answers every one. The host does its own.
func (w *world) settle() {
	for range 10_000 {
		if w.closed {
			return
		}
		before := fmt.Sprint(len(w.unsent), w.open, w.window, len(w.answers), w.d.waiting.len(), w.paused)
		w.read(len(w.unsent))
		if w.limit < 3 {
			w.settings(3, 4000)
		}
		if w.window < 1<<16 {
			w.grant(0, 1<<16)
		}
		for _, s := range slices.Clone(w.open) {
			if n := 4000 - w.windows[s]; n > 0 {
				w.grant(s, n)
			}
		}
		if len(w.open) > 0 {
			w.answer(w.open[0], 8)
		}
		if before == fmt.Sprint(len(w.unsent), w.open, w.window, len(w.answers), w.d.waiting.len(), w.paused) {
			return
		}
	}
	w.t.Fatal("it goes on for ever")
}

// check looks whether every call has had its end.
func (w *world) check() {
	w.t.Helper()
	d := w.d
	if !w.closed && !w.ruined {
		if len(w.unsent) > 0 || w.paused {
			w.t.Fatalf("%d bytes are unread, paused %t: nobody reads on", len(w.unsent), w.paused)
		}
		calls, held := d.holding()
		if len(d.open)+len(d.blocked)+len(d.order)+calls+held+len(d.held) > 0 {
			w.t.Fatalf("%d calls are open, %d blocked, %d in order, %d held with %d bytes", len(d.open), len(d.blocked), len(d.order), calls, held)
		}
	}
	if len(w.peer) > 0 {
		w.t.Fatalf("the client cannot read %x", w.peer)
	}
	if w.ruined {
		return // calls behind the garbage were never read
	}
	asked, answers := slices.Clone(w.asked), slices.Clone(w.answers)
	if w.closed { // what is too long was refused before it was read whole
		answers = slices.DeleteFunc(answers, func(id uint64) bool { return slices.Contains(w.ids, id) })
	}
	if !w.ordered {
		slices.Sort(answers)
	}
	if !slices.Equal(asked, answers) {
		w.t.Fatalf("calls %v, answers to %v", asked, answers)
	}
	if n := sum(d); n != 0 {
		w.t.Fatalf("the gauge of open calls is left at %d", n)
	}
}

func sum(d *Downstream) int {
	d.Closed()
	return d.counts.deltas[MetricOpenCalls]
}

// FuzzEveryCallEnds has anything happen in any order, and then the connection manager
// and the host do their part: each call has had exactly one answer, in its turn where
// order counts, and nothing is held back any more.
func FuzzEveryCallEnds(f *testing.F) {
	f.Add(false, []byte{0, 10, 0, 20, 9, 255, 14, 30, 11, 3, 9, 255, 17, 10})
	f.Add(true, []byte{0, 10, 3, 20, 0, 30, 9, 255, 9, 255, 14, 9, 11, 1, 12, 4, 19, 150, 0, 1, 9, 200})
	f.Add(false, []byte{0, 255, 0, 255, 0, 255, 9, 255, 14, 8, 9, 255, 15, 3, 16, 9, 13, 0, 11, 5, 19, 1, 6, 1, 9, 255})
	f.Add(true, []byte{4, 50, 4, 20, 6, 1, 5, 1, 9, 255, 9, 255, 17, 30, 14, 2, 11, 2, 19, 251, 9, 255})
	f.Fuzz(play)
}

func play(t *testing.T, ordered bool, script []byte) {
	t.Helper()
	w := newWorld(t, ordered)
	for pair := range slices.Chunk(script[:min(len(script), 400)], 2) {
		w.step(pair[0], pair[len(pair)-1])
	}
	w.settle()
	w.check()
}

// TestEveryCallEnds is FuzzEveryCallEnds with scripts of chance.
func TestEveryCallEnds(t *testing.T) {
	for seed := range uint64(1000) {
		random := rand.New(rand.NewPCG(seed, 1))
		script := make([]byte, 2+random.IntN(200))
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { play(t, seed%2 == 1, script) })
	}
}
