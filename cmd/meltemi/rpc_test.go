package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/toycodec"
	"github.com/meltemi-mesh/meltemi/sdk"
)

var updateRPC = flag.Bool("update-rpc", false, "rewrite the golden files of call, serve, inspect and replay")

// testCodecs are the codecs of the binary and the toy.
func testCodecs() []sdk.Definition { return append(builtinCodecs(), toycodec.Definition()) }

// result is what a command did.
type result struct {
	stdout, stderr string
	code           cli.Code
}

// meltemi runs a command of this test's codecs as main does.
func meltemi(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return execute(t, func(root *cobra.Command) error {
		root.SetIn(strings.NewReader(stdin))
		return root.ExecuteContext(t.Context())
	}, args...)
}

// execute lets run execute a command of this test's codecs.
func execute(t *testing.T, run func(root *cobra.Command) error, args ...string) result {
	t.Helper()
	root := newRootCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "call", "serve", "inspect", "replay":
			root.RemoveCommand(cmd)
		}
	}
	root.AddCommand(newCallCmd(testCodecs()), newServeCmd(testCodecs()), newInspectCmd(testCodecs()), newReplayCmd(testCodecs()))
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(args)
	err := run(root)
	if err != nil {
		errs.WriteString("meltemi: " + err.Error() + "\n")
	}
	return result{out.String(), errs.String(), cli.CodeOf(err)}
}

// serving is a `meltemi serve` in a test.
type serving struct {
	address string
	stop    func() result // ends it and returns what it did; stdout is what it printed after ready
}

// serve runs `meltemi serve CODEC 127.0.0.1:0 args...` until the test ends.
func serve(t *testing.T, codec string, args ...string) *serving {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan result, 1)
	go func() {
		//nolint:contextcheck // commands get theirs from cobra
		res := execute(t, func(root *cobra.Command) error {
			root.SetOut(w)
			return root.ExecuteContext(ctx)
		}, append([]string{"serve", codec, "127.0.0.1:0"}, args...)...)
		_ = w.Close()
		done <- res
	}()
	lines := bufio.NewScanner(r)
	if !lines.Scan() {
		cancel()
		t.Fatalf("serve ended: %+v", <-done)
	}
	s := &serving{address: strings.TrimPrefix(lines.Text(), "ready ")}
	rest := make(chan string, 1)
	go func() {
		var b strings.Builder
		for lines.Scan() {
			b.WriteString(lines.Text() + "\n")
		}
		rest <- b.String()
	}()
	var res *result
	s.stop = func() result {
		if res == nil {
			cancel()
			got := <-done
			got.stdout = <-rest
			res = &got
		}
		return *res
	}
	t.Cleanup(func() { s.stop() })
	return s
}

// masks hide what differs from run to run.
var masks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`\d+(\.\d+)? ms`), "N ms"},
	{regexp.MustCompile(`"(latency_ms|seconds|p50|p90|p99|max)":[0-9.e+-]+`), `"$1":N`},
	{regexp.MustCompile(`\d+\.\d+ s, \d+ calls/s`), "N s, N calls/s"},
}

// golden compares what a command printed with testdata/NAME.golden.
func golden(t *testing.T, name string, r result) {
	t.Helper()
	got := fmt.Sprintf("exit code %d\n--- stdout\n%s", r.code, r.stdout)
	if r.stderr != "" {
		got += "--- stderr\n" + r.stderr
	}
	if !strings.HasPrefix(name, "inspect") && !strings.HasSuffix(name, "help") {
		for _, m := range masks {
			got = m.pattern.ReplaceAllString(got, m.with)
		}
	}
	path := filepath.Join("testdata", name+".golden")
	if *updateRPC {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s\nwant\n%s", path, got, want)
	}
}

func TestHelpOfRPCCommands(t *testing.T) {
	for _, name := range []string{"call", "serve", "inspect", "replay"} {
		t.Run(name, func(t *testing.T) { golden(t, name+"_help", meltemi(t, "", name, "--help")) })
	}
}

// toyFrame is a frame of the toy with id 1.
func toyFrame(t *testing.T, kind byte, body any) string {
	t.Helper()
	b, err := toycodec.Append(nil, kind, 1, body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCompletionOfRPCCommands(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"call", ""}, "toy\tA protocol for tests\n:4\n"},
		{[]string{"serve", "t"}, "toy\tA protocol for tests\n:4\n"},
		{[]string{"call", "toy", ""}, ":4\n"},    // no files
		{[]string{"inspect", "toy", ""}, ":0\n"}, // files
		{[]string{"replay", ""}, ":0\n"},
		{[]string{"replay", "--rate", ""}, "original\n:4\n"},
		{[]string{"replay", "--to", ""}, ":4\n"},
		{[]string{"call", "-o", ""}, "text\njson\n:4\n"},
	} {
		r := meltemi(t, "", append([]string{"__complete"}, test.args...)...)
		if r.code != cli.Good || !strings.HasSuffix(r.stdout, test.want) {
			t.Errorf("%q: got %q, want %q at the end", test.args, r.stdout, test.want)
		}
	}
}
