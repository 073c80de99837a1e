package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
)

// recordedCalls is what the filter record wrote in an Envoy 1.40.0 that carried calls of
// `meltemi call dubbo` to `meltemi serve dubbo`: three of a method, one of another, a
// one-way call, and one whose token was redacted.
const recordedCalls = "testdata/calls.jsonl"

// readCalls returns the recorded calls as text.
func readCalls(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(recordedCalls)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestInspectRecordedCalls(t *testing.T) {
	golden(t, "inspect_calls", meltemi(t, "", "inspect", recordedCalls))
	golden(t, "inspect_calls_json", meltemi(t, "", "inspect", recordedCalls, "-o", "json"))
	want := meltemi(t, "", "inspect", recordedCalls)
	text := readCalls(t)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]result{
		"auto":   meltemi(t, "", "inspect", "auto", recordedCalls),
		"stdin":  meltemi(t, text, "inspect", "auto"),
		"-":      meltemi(t, text, "inspect", "-"),
		"a name": meltemi(t, text, "inspect", "dubbo"),
		"gzip":   meltemi(t, packed.String(), "inspect", "dubbo", "-"),
	} {
		if got != want {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, got, want)
		}
	}
	if r := meltemi(t, "", "inspect", "dubbo", recordedCalls, "--path", "0"); r.code != cli.Good || strings.Count(r.stdout, "  paths ") < 4 {
		t.Errorf("with a path: %+v", r)
	}
	if r := meltemi(t, "", "inspect", recordedCalls, "--path", "0"); r.code != cli.Usage || !strings.Contains(r.stderr, "--path: paths are the codec's") {
		t.Errorf("a path of no codec: %+v", r)
	}
	if r := meltemi(t, "", "inspect", "toy", recordedCalls); r.code != cli.Failed || !strings.Contains(r.stderr, "no call found") {
		t.Errorf("another codec's: %+v", r)
	}
}

// TestInspectDamagedCalls reads a file whose lines are damaged, and whose last one is cut.
func TestInspectDamagedCalls(t *testing.T) {
	lines := strings.SplitAfter(readCalls(t), "\n")
	damaged := lines[0] + strings.Replace(lines[1], `"codec":"dubbo"`, `"codec":"unknown"`, 1) + "garbage\n" +
		strings.Replace(lines[2], "2rvC", "2rvCAAAA", 1) + // a byte of the frame is repeated
		lines[3][:len(lines[3])/2]
	golden(t, "inspect_calls_damaged", meltemi(t, damaged, "inspect", "-"))
	golden(t, "inspect_calls_none", meltemi(t, lines[0], "inspect", "-"))
	golden(t, "inspect_calls_later", meltemi(t, strings.Replace(lines[0], `"version":1`, `"version":9`, 1), "inspect", "-"))
}

func TestInspectAutoNeedsRecordedCalls(t *testing.T) {
	for _, args := range [][]string{{"auto", dubboCapture}, {dubboCapture}, {"auto", "--hex"}} {
		r := meltemi(t, "00", append([]string{"inspect"}, args...)...)
		if r.code != cli.Usage || !strings.Contains(r.stderr, "the input does not tell its codec") {
			t.Errorf("%q: %+v", args, r)
		}
	}
}
