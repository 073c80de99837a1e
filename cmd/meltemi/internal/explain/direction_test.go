package explain

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/toycodec"
	"github.com/meltemi-mesh/meltemi/sdk"
)

type object = map[string]any

func toy(tb testing.TB, kind byte, id uint64, body any) string {
	tb.Helper()
	b, err := toycodec.Append(nil, kind, id, body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// short is a record in few words.
func short(r Record) string {
	switch r := r.(type) {
	case *Frame:
		var s strings.Builder
		fmt.Fprintf(&s, "%s %d+%d %s %d", r.From, r.Offset, r.Size, r.Kind, r.ID)
		for _, e := range r.Errors {
			fmt.Fprintf(&s, " error at %d: %s", e.Offset, e.Text)
		}
		return s.String()
	case *Problem:
		return fmt.Sprintf("%s problem at %d: %s; skipped %d", r.From, r.Offset, r.Fault.Text, r.Skipped)
	case *Ignored:
		return fmt.Sprintf("ignored %d (%d bytes): %s", r.Stream, r.Bytes, r.Reason)
	}
	return "?"
}

// explained lists what an input holds, fed in pieces of that size.
func explained(input string, size, limit int) (list []string) {
	d := NewDirection(&toycodec.Codec{}, sdk.FromClient, limit, Place{}, func(r Record) { list = append(list, short(r)) })
	for piece := range slices.Chunk([]byte(input), size) {
		d.Feed(piece, time.Time{})
	}
	d.End()
	return list
}

func TestDirection(t *testing.T) {
	beat := toy(t, 'h', 1, object{}) // 16 bytes
	bad := "Tq\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x02xx"
	big := toy(t, 'q', 9, object{"text": strings.Repeat("x", 100)}) // 14 + 111
	for name, test := range map[string]struct {
		input string
		want  []string
	}{
		"nothing":      {"", nil},
		"one":          {beat, []string{"client 0+16 heartbeat 1"}},
		"many":         {beat + beat + beat, []string{"client 0+16 heartbeat 1", "client 16+16 heartbeat 1", "client 32+16 heartbeat 1"}},
		"bad body":     {bad + beat, []string{"client 0+16 request 7 error at 14: malformed: body: at byte 14: invalid character 'x' looking for beginning of value", "client 16+16 heartbeat 1"}},
		"garbage":      {beat + "garbage" + beat, []string{"client 0+16 heartbeat 1", "client problem at 16: magic: at byte 0: 0x67 instead of 'T'; skipped 7", "client 23+16 heartbeat 1"}},
		"only garbage": {"GET / HTTP/1.1\r\n\r\n", []string{"client problem at 0: magic: at byte 0: 0x47 instead of 'T'; skipped 18"}},
		"cut":          {beat + beat[:5], []string{"client 0+16 heartbeat 1", "client problem at 16: ends in the middle of a message: 5 of 14 bytes are there; skipped 5"}},
		"too large": {big + beat, []string{
			"client problem at 0: message of 125 bytes is over the limit of 100 bytes; skipped 125", "client 125+16 heartbeat 1",
		}},
		"too large and cut": {big[:50], []string{
			"client problem at 0: message of 125 bytes is over the limit of 100 bytes; skipped 125",
			"client problem at 50: ends in the middle of a message: 75 bytes of it are missing; skipped 0",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for size := 1; size <= len(test.input)+1; size++ {
				if got := explained(test.input, size, 100); !slices.Equal(got, test.want) {
					t.Fatalf("pieces of %d:\ngot  %q\nwant %q", size, got, test.want)
				}
			}
		})
	}
}

func TestFrameJSON(t *testing.T) {
	input := toy(t, 'q', 3, object{
		"service": "s", "method": "m", "timeout_ms": 1500, "metadata": object{"b": "2", "a": "1"},
		"arguments": []object{{"type": "int", "value": 5}, {"value": "x"}},
	}) + toy(t, 'r', 3, object{"result": nil}) + toy(t, 'r', 4, object{"code": "UNKNOWN", "native": 2, "text": "no", "exception": sdk.Exception{Type: "X", Message: "y"}})
	want := []string{
		`{"type":"frame","number":0,"from":"client","offset":0,"time":"2026-01-02T03:04:05Z","bytes":142,"kind":"request","id":3,"service":"s","method":"m","timeout_ms":1500,"entries":{"a":"1","b":"2"},"fields":{"body":"json"},"arguments":[{"type":"int","value":5},{"value":"x"}]}`,
		`{"type":"frame","number":0,"from":"client","offset":142,"time":"2026-01-02T03:04:05Z","bytes":29,"kind":"response","id":3,"status":{"code":"OK","native":0},"fields":{"body":"json"},"result":null}`,
		`{"type":"frame","number":0,"from":"client","offset":171,"time":"2026-01-02T03:04:05Z","bytes":94,"kind":"response","id":4,"status":{"code":"UNKNOWN","native":2,"message":"no"},"fields":{"body":"json"},"exception":{"type":"X","message":"y"}}`,
	}
	var got []string
	d := NewDirection(&toycodec.Codec{}, sdk.FromClient, 0, Place{}, func(r Record) {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b))
	})
	d.Feed([]byte(input), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	d.End()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestHexContext(t *testing.T) {
	b := []byte("0123456789abcdefghijklmnopqrstuvwxyz")
	for at, want := range map[int]string{
		0:  "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n          ^^\n00000010  67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 74 75 76  ghijklmnopqrstuv",
		34: "00000010  67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 74 75 76  ghijklmnopqrstuv\n00000020  77 78 79 7a                                      wxyz\n                ^^",
		-1: "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n          ^^\n00000010  67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 74 75 76  ghijklmnopqrstuv",
		99: "00000010  67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 74 75 76  ghijklmnopqrstuv\n00000020  77 78 79 7a                                      wxyz\n                      ^^",
	} {
		if got := strings.Join(hexContext(b, 0, at), "\n"); got != want {
			t.Errorf("at %d:\ngot\n%s\nwant\n%s", at, got, want)
		}
	}
	if got := strings.Join(hexContext(b[:16], 0x100, 16), "\n"); got != "00000100  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n00000110\n          ^^" {
		t.Errorf("behind a full line:\n%s", got)
	}
}

func FuzzDirection(f *testing.F) {
	beat := toy(f, 'h', 1, object{})
	f.Add([]byte(beat+"garbage"+beat), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		var next int64
		d := NewDirection(&toycodec.Codec{}, sdk.FromClient, 1<<10, Place{}, func(r Record) {
			switch r := r.(type) { // frames and problems cover the input
			case *Frame:
				if r.Offset != next {
					t.Fatalf("frame at %d, want %d", r.Offset, next)
				}
				next += int64(r.Size)
			case *Problem:
				if r.Offset != min(next, int64(len(b))) {
					t.Fatalf("problem at %d, want %d", r.Offset, next)
				}
				next += r.Skipped
			}
		})
		for piece := range slices.Chunk(b, int(size)+1) {
			d.Feed(piece, time.Time{})
		}
		d.End()
		if next < int64(len(b)) {
			t.Fatalf("only %d of %d bytes explained", next, len(b))
		}
	})
}
