package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/capture"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// events writes down what a sink is told.
type events struct{ list []string }

func (e *events) add(s *capture.Stream, from sdk.Side, format string, args ...any) {
	e.list = append(e.list, fmt.Sprintf("%d %v "+format, append([]any{s.Number, from}, args...)...))
}

func (e *events) Data(s *capture.Stream, from sdk.Side, b []byte, at time.Time) {
	e.add(s, from, "%s@%d", b, at.Sub(began).Milliseconds())
}
func (e *events) Gap(s *capture.Stream, from sdk.Side, n int) { e.add(s, from, "gap %d", n) }
func (e *events) End(s *capture.Stream, from sdk.Side)        { e.add(s, from, "end") }

// read returns the events of a file, however it is split.
func read(t *testing.T, file []byte, port uint16) []string {
	t.Helper()
	r, format, err := capture.Open(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var e events
	if _, err := capture.ReadStreams(r, format, port, &e); err != nil {
		t.Fatal(err)
	}
	return e.list
}

func TestReadStreams(t *testing.T) {
	syn := segment{seq: 99, syn: true}
	synAck := segment{fromServer: true, seq: 199, syn: true}
	for name, test := range map[string]struct {
		segments []segment
		port     uint16
		want     []string
	}{
		"a connection": {
			segments: []segment{
				syn, synAck,
				{seq: 100},
				{seq: 100, data: "ask"},
				{fromServer: true, seq: 200, data: "ans"},
				{fromServer: true, seq: 203, data: "wer"},
				{seq: 103, fin: true},
				{fromServer: true, seq: 206, fin: true},
				{seq: 104},
			},
			want: []string{"1 client ask@3", "1 server ans@4", "1 server wer@5", "1 client end", "1 server end"},
		},
		"out of order, and repeated": {
			segments: []segment{syn, {seq: 103, data: "def"}, {seq: 100, data: "abc"}, {seq: 100, data: "abc"}, {seq: 105, data: "fgh"}},
			want:     []string{"1 client abcdef@2", "1 client gh@4", "1 client end"},
		},
		"numbers that wrap": {
			segments: []segment{{seq: 0xfffffffd, syn: true}, {seq: 0xfffffffe, data: "abcd"}, {seq: 2, data: "ef"}},
			want:     []string{"1 client abcd@1", "1 client ef@2", "1 client end"},
		},
		"missing bytes": {
			segments: []segment{syn, {seq: 100, data: "abc"}, {seq: 110, data: "xyz"}},
			want:     []string{"1 client abc@1", "1 client gap 7", "1 client xyz@2", "1 client end"},
		},
		"without a beginning": {
			segments: []segment{{fromServer: true, seq: 200, data: "ans"}, {seq: 100, data: "ask"}},
			want:     []string{"1 server gap -1", "1 server ans@0", "1 client gap -1", "1 client ask@1", "1 client end", "1 server end"},
		},
		"two at once": {
			segments: []segment{syn, {client: 40001, seq: 9, syn: true}, {client: 40001, seq: 10, data: "b"}, {seq: 100, data: "a"}},
			want:     []string{"1 client b@2", "2 client a@3", "1 client end", "2 client end"},
		},
		"the same port again": {
			segments: []segment{
				syn, synAck,
				{seq: 100, data: "a"},
				{seq: 101, fin: true},
				{fromServer: true, seq: 200, fin: true},
				{seq: 102},
				{seq: 5000, syn: true},
				{seq: 5001, data: "b"},
			},
			want: []string{"1 client a@2", "1 client end", "2 client b@7", "2 client end"},
		},
		"reset": {
			segments: []segment{syn, {seq: 100, data: "a"}, {seq: 101, rst: true}},
			want:     []string{"1 client a@1", "1 client end"},
		},
		"another port": {segments: []segment{syn, {seq: 100, data: "a"}}, port: 80},
		"this port is the client's": {
			segments: []segment{{seq: 100, data: "a"}}, port: 40000,
			want: []string{"1 server gap -1", "1 server a@0", "1 server end"},
		},
		"nothing": {},
	} {
		for format, kind := range map[string]capture.Format{"pcap": capture.Pcap, "pcapng": capture.Pcapng} {
			t.Run(name+"/"+format, func(t *testing.T) {
				file := pcap(t, kind, test.segments...)
				if got := read(t, file, test.port); !slices.Equal(got, test.want) {
					t.Errorf("got  %q\nwant %q", got, test.want)
				}
				if got := read(t, compressed(t, file), test.port); !slices.Equal(got, test.want) {
					t.Errorf("compressed: got %q\nwant %q", got, test.want)
				}
			})
		}
	}
}

func TestStreamsHaveAddresses(t *testing.T) {
	for want, frame := range map[string][]byte{
		"10.0.0.1:40000 > 10.0.0.2:20880":   segment{seq: 1, data: "a"}.frame(t, false),
		"[fd00::1]:40000 > [fd00::2]:20880": segment{seq: 1, data: "a"}.frame(t, true),
	} {
		sink := &addresses{}
		if _, err := capture.ReadStreams(bytes.NewReader(file(t, capture.Pcap, [][]byte{frame})), capture.Pcap, 0, sink); err != nil {
			t.Fatal(err)
		}
		if sink.got != want {
			t.Errorf("got %s, want %s", sink.got, want)
		}
	}
}

type addresses struct{ got string }

func (a *addresses) Data(s *capture.Stream, _ sdk.Side, _ []byte, _ time.Time) {
	a.got = s.Client + " > " + s.Server
}
func (*addresses) Gap(*capture.Stream, sdk.Side, int) {}
func (*addresses) End(*capture.Stream, sdk.Side)      {}

func TestOtherPacketsAreCounted(t *testing.T) {
	tcp := segment{seq: 1, data: "a"}.frame(t, false)
	arp := append(slices.Clone(tcp[:12]), 0x08, 0x06, 1, 2, 3)
	stats, err := capture.ReadStreams(bytes.NewReader(file(t, capture.Pcap, [][]byte{arp, tcp, {1}})), capture.Pcap, 0, &events{})
	if want := (capture.Stats{Packets: 3, TCP: 1, Other: 2}); err != nil || stats != want {
		t.Errorf("got %+v, %v; want %+v", stats, err, want)
	}
}

// TestCutFiles checks that every beginning of a file gives a beginning of its events,
// and an error that names the packet, unless the cut is between two.
func TestCutFiles(t *testing.T) {
	for _, format := range []capture.Format{capture.Pcap, capture.Pcapng} {
		whole := pcap(t, format, segment{seq: 99, syn: true}, segment{seq: 100, data: "abc"}, segment{seq: 103, data: "def"})
		sound := 0
		for n := range len(whole) {
			var e events
			_, err := capture.ReadStreams(bytes.NewReader(whole[:n]), format, 0, &e)
			if err == nil {
				sound++
				continue
			}
			if _, ok := errors.AsType[*capture.PacketError](err); !ok {
				t.Fatalf("format %v, %d of %d bytes: %v", format, n, len(whole), err)
			}
		}
		if sound > 4 {
			t.Errorf("format %v: %d cuts without an error", format, sound)
		}
	}
}

func TestManyPacketsAfterAMissingOne(t *testing.T) {
	segments := make([]segment, 0, 20001)
	segments = append(segments, segment{seq: 99, syn: true})
	for i := range uint32(20000) {
		segments = append(segments, segment{seq: 200 + 2*i, data: "xx"})
	}
	got := read(t, pcap(t, capture.Pcap, segments...), 0)
	gaps, bytes := 0, 0
	for _, e := range got {
		if strings.Contains(e, "gap") {
			gaps++
		}
		bytes += strings.Count(e, "x")
	}
	if gaps != 1 || bytes != 40000 {
		t.Errorf("%d gaps and %d bytes, want 1 and 40000", gaps, bytes)
	}
}

func FuzzReadStreams(f *testing.F) {
	segments := []segment{{seq: 99, syn: true}, {seq: 103, data: "def"}, {seq: 100, data: "abc"}, {fromServer: true, seq: 7, data: "z"}, {seq: 106, fin: true}}
	for _, format := range []capture.Format{capture.Pcap, capture.Pcapng} {
		b := pcap(f, format, segments...)
		f.Add(b)
		f.Add(compressed(f, b))
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		r, format, err := capture.Open(bytes.NewReader(b))
		if err != nil || format == capture.Raw {
			return
		}
		_, _ = capture.ReadStreams(r, format, 0, &events{}) // must return
	})
}

// FuzzSegments feeds packets of any order and overlap.
func FuzzSegments(f *testing.F) {
	f.Add([]byte{0, 0, 3, 1, 6, 3, 2, 3, 3, 8, 200, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		var frames [][]byte
		for s := range slices.Chunk(script[:len(script)/3*3], 3) {
			frames = append(frames, segment{
				fromServer: s[0]&1 != 0, syn: s[0]&2 != 0, fin: s[0]&4 != 0, rst: s[0]&8 != 0,
				seq: uint32(s[1]) - 20, data: strings.Repeat("x", int(s[2]%16)),
			}.frame(t, false))
		}
		if _, err := capture.ReadStreams(bytes.NewReader(file(t, capture.Pcap, frames)), capture.Pcap, 0, &events{}); err != nil {
			t.Fatal(err) // a panic in the reassembly comes as an error
		}
	})
}
