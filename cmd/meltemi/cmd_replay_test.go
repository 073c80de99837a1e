package main

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
)

func TestReplay(t *testing.T) {
	same := serve(t, "dubbo", "--name", "v1").address
	other := serve(t, "dubbo", "--name", "v2").address
	raising := serve(t, "dubbo", "--name", "v1", "--exception").address
	failing := serve(t, "dubbo", "--name", "v1", "--fail", "1").address
	ignore := []string{"--diff", "--ignore", "result.call"}
	for name, args := range map[string][]string{
		"plain":          {same},
		"same":           append([]string{same}, ignore...),
		"different":      append([]string{other}, ignore...),
		"different_json": append([]string{other, "-o", "json"}, ignore...),
		"exceptions":     append([]string{raising}, ignore...),
		"failing":        {failing},
		"failing_json":   {failing, "-o", "json"},
		"ignored":        append([]string{other, "--ignore", "DUBBO", "--ignore", "res*lt.server"}, ignore...),
		"some":           {same, "--methods", "*/put", "--methods", "shop.Orders/no*"},
		"two":            {same, "-n", "2", "--linger", "0s"},
		"none":           {same, "--methods", "other/*"},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, "replay_"+name, meltemi(t, "", append([]string{"replay", recordedCalls, "--to"}, args...)...))
		})
	}
}

// TestReplaySendsWhatWasRecorded looks at what a server sees.
func TestReplaySendsWhatWasRecorded(t *testing.T) {
	s := serve(t, "dubbo", "--verbose")
	if r := meltemi(t, "", "replay", recordedCalls, "--to", s.address, "--set", "TOKEN=again", "-c", "3"); r.code != cli.Good || strings.Contains(r.stdout, "warning") {
		t.Errorf("%+v", r)
	}
	seen := s.stop().stdout
	for what, n := range map[string]int{
		"shop.Orders/get": 3, "shop.Orders/put": 1, "shop.Orders/note": 1, "shop.Orders/secret": 1,
		`"TOKEN":"again"`: 5, `"token":"again"`: 1, // spelled as it was where it was redacted
	} {
		if got := strings.Count(seen, what); got != n {
			t.Errorf("%s is there %d times, want %d:\n%s", what, got, n, seen)
		}
	}
}

func TestReplayDamagedFiles(t *testing.T) {
	address := serve(t, "dubbo").address
	lines := strings.SplitAfter(readCalls(t), "\n")
	damaged := lines[0] + strings.Replace(lines[1], `"codec":"dubbo"`, `"codec":"unknown"`, 1) + "garbage\n" +
		strings.Replace(lines[2], "2rvC", "2rvD", 1) + // its serialization is another
		strings.Replace(lines[3], `"frame":`, `"other":`, 1) + lines[4][:len(lines[4])/2]
	args := []string{"replay", recordedCalls, "-", "--to", address, "--linger", "0s"}
	golden(t, "replay_damaged", meltemi(t, damaged, args...))
	golden(t, "replay_damaged_json", meltemi(t, damaged, append(args, "-o", "json")...))
}

func TestReplayKeepsTime(t *testing.T) {
	address := serve(t, "dubbo").address
	for rate, least := range map[string]time.Duration{
		"10":       500 * time.Millisecond, // five calls after the first
		"original": 270 * time.Millisecond,
	} {
		started := time.Now()
		r := meltemi(t, "", "replay", recordedCalls, "--to", address, "--rate", rate, "--linger", "0s")
		if took := time.Since(started); r.code != cli.Good || took < least {
			t.Errorf("%s: %v, %+v", rate, took, r)
		}
	}
}

func TestReplayWithoutAServer(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := ln.Addr().String() // the kernel takes connections that nobody accepts
	defer ln.Close()
	golden(t, "replay_refused", meltemi(t, "", "replay", recordedCalls, "--to", "127.0.0.1:1", "--diff"))
	golden(t, "replay_timeout", meltemi(t, "", "replay", recordedCalls, "--to", silent, "--timeout", "20ms", "-n", "1"))
}

func TestReplayUsage(t *testing.T) {
	to := []string{recordedCalls, "--to", "127.0.0.1:1"}
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "requires at least 1 arg(s)"},
		{[]string{recordedCalls}, "--to: missing"},
		{[]string{recordedCalls, "--to", "x"}, `address "x" is not HOST:PORT`},
		{[]string{"/nonexistent", "--to", "127.0.0.1:1"}, "open /nonexistent: no such file"},
		{[]string{dubboCapture, "--to", "127.0.0.1:1"}, "testdata/dubbo.pcap: no recorded calls"},
		{append(to, "--rate", "fast"), `--rate: "fast" is neither original nor a number`},
		{append(to, "--rate", "NaN"), `--rate: "NaN" is neither`},
		{append(to, "--rate", "0"), `--rate: "0" is neither`},
		{append(to, "-c", "0"), "--concurrency: 0 is not from 1 to 1024"},
		{append(to, "-n", "-1"), "--count: -1 is not a number of calls"},
		{append(to, "--timeout", "0s"), "--timeout: 0s is not a time to wait"},
		{append(to, "--linger", "-1s"), "--linger: -1s is negative"},
		{append(to, "--max-message", "0"), "--max-message: 0 is not a size"},
		{append(to, "--methods", "get"), `--methods[0]: "get" is not SERVICE/METHOD`},
		{append(to, "--set", "x"), `--set: "x" is not KEY=VALUE`},
		{append(to, "--ignore", "x"), "--ignore is of no use without --diff"},
		{append(to, "-o", "xml"), `--output: no format "xml"`},
	} {
		r := meltemi(t, "", append([]string{"replay"}, test.args...)...)
		if r.code != cli.Usage || !strings.Contains(r.stderr, test.want) || r.stdout != "" {
			t.Errorf("%q: %+v, want %q", test.args, r, test.want)
		}
	}
}

// TestReplayComparesWhatIsKnown has recorded calls of which no answer is recorded, or not
// all of it.
func TestReplayComparesWhatIsKnown(t *testing.T) {
	server := serve(t, "dubbo", "--name", "v1").address
	lines := strings.SplitAfter(readCalls(t), "\n")
	const status = `"status":{"code":"OK","native":20}`
	response := lines[1][strings.Index(lines[1], `,"response":{`):strings.LastIndex(lines[1], "}")]
	for name, test := range map[string]struct {
		from, to string
		want     string
	}{
		"only the status":        {response, "", "SAME"},
		"another status":         {status + "|" + response, `"status":{"code":"NOT_FOUND","native":60}`, `- status.native: 60`},
		"a status of the proxy":  {status + "|" + response, `"status":{"code":"OK","native":0,"cause":"aborted"}`, "SAME"},
		"an error of the proxy":  {status + "|" + response, `"status":{"code":"UNAVAILABLE","native":0,"cause":"no_upstream"}`, `- status.code: "UNAVAILABLE"`},
		"no answer":              {status + "," + `"response_metadata"`, `"response_metadata"`, "0     0          1           0"},
		"an unreadable answer":   {`"response":{"bytes":154,"frame":"2rs`, `"response":{"bytes":154,"frame":"ABs`, "the recorded answer cannot be read: "},
		"a redacted entry of it": {`"response":{"bytes":154,"frame":"` + frameOf(t, lines[1]), `"redacted":["DUBBO"],"response":{"bytes":154,"frame":"` + withoutMetadata(t, frameOf(t, lines[1])), "SAME"},
	} {
		line := lines[1]
		for i, from := range strings.Split(test.from, "|") {
			to := ""
			if i == 0 {
				to = test.to
			}
			if !strings.Contains(line, from) {
				t.Fatalf("%s: the line has no %q", name, from)
			}
			line = strings.Replace(line, from, to, 1)
		}
		r := meltemi(t, lines[0]+line, "replay", "-", "--to", server, "--diff", "--ignore", "result.call")
		if !strings.Contains(r.stdout, test.want) || (r.code == cli.Failed) != strings.Contains(r.stdout, "line 2") {
			t.Errorf("%s: %+v, want %q", name, r, test.want)
		}
	}
}

// frameOf is the frame of the answer in a line.
func frameOf(t *testing.T, line string) string {
	t.Helper()
	var c format.Call
	if err := json.Unmarshal([]byte(line), &c); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(c.Response.Frame)
}

// withoutMetadata takes the entry "dubbo" out of an answer.
func withoutMetadata(t *testing.T, frame string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(frame)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := makeCodec(testCodecs(), "dubbo", "")
	if err != nil {
		t.Fatal(err)
	}
	m, ok := read(codec, sdk.FromServer, b)
	if !ok {
		t.Fatal("the answer cannot be read")
	}
	b, err = codec.Encode(nil, m, &sdk.Mutation{Remove: [][]byte{[]byte("dubbo")}})
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}
