package explain

import (
	"slices"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/capture"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/toycodec"
	"github.com/meltemi-mesh/meltemi/sdk"
)

func TestStreams(t *testing.T) {
	beat, answer := toy(t, 'h', 1, object{}), toy(t, 'H', 1, object{})
	type step struct {
		from sdk.Side
		data string // a gap if empty
		gap  int
	}
	client, server := sdk.FromClient, sdk.FromServer
	for name, test := range map[string]struct {
		steps []step
		want  []string
	}{
		"both directions": {
			[]step{{client, beat[:3], 0}, {client, beat[3:], 0}, {server, answer, 0}},
			[]string{"client 0+16 heartbeat 1", "server 0+16 heartbeat-reply 1"},
		},
		"another protocol": {
			[]step{{client, "GET / HTTP/1.1\r\n\r\n", 0}, {client, "more", 0}, {server, "HTTP/1.1 200 OK\r\n\r\n", 0}},
			[]string{"ignored 1 (41 bytes): magic: at byte 0: 0x47 instead of 'T'"},
		},
		"one direction of it": {
			[]step{{client, beat, 0}, {server, "banner", 0}, {server, answer, 0}},
			[]string{"client 0+16 heartbeat 1", "server problem at 0: magic: at byte 0: 0x62 instead of 'T'; skipped 22"},
		},
		"a gap between messages": {
			[]step{{client, beat, 0}, {client, "", 7}, {client, beat, 0}},
			[]string{"client 0+16 heartbeat 1", "client problem at 16: 7 bytes are missing in the capture; skipped 0", "client 16+16 heartbeat 1"},
		},
		"a gap in a message": {
			[]step{{client, beat[:10], 0}, {client, "", 3}, {client, beat[13:] + beat, 0}},
			[]string{
				"client problem at 0: 3 bytes are missing in the capture; the 10 bytes before are the beginning of a message; skipped 13",
				"client 13+16 heartbeat 1",
			},
		},
		"no beginning": {
			[]step{{client, "", -1}, {client, "tail" + beat, 0}},
			[]string{"client problem at 0: the capture begins in the middle of the stream; skipped 4", "client 4+16 heartbeat 1"},
		},
		"nothing behind a gap": {
			[]step{{client, beat, 0}, {client, "", 7}},
			[]string{"client 0+16 heartbeat 1", "client problem at 16: 7 bytes are missing in the capture; skipped 0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			s := NewStreams(&toycodec.Codec{}, 0, func(r Record) { got = append(got, short(r)) })
			stream := &capture.Stream{Number: 1, Client: "c", Server: "s"}
			var used [2]bool
			for _, step := range test.steps {
				used[step.from] = true
				if step.data == "" {
					s.Gap(stream, step.from, step.gap)
				} else {
					s.Data(stream, step.from, []byte(step.data), time.Time{})
				}
			}
			for _, from := range []sdk.Side{client, server} {
				if used[from] {
					s.End(stream, from)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}
