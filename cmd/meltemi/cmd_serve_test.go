package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
)

func TestServeLog(t *testing.T) {
	for name, args := range map[string][]string{"quiet": nil, "verbose": {"--verbose"}} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "toy", args...)
			for _, call := range [][]string{{"s.a", "--set", "k=v"}, {"b", "--oneway", "--linger", "0s"}} {
				if r := meltemi(t, "", append([]string{"call", "toy", s.address}, call...)...); r.code != cli.Good {
					t.Fatalf("%+v", r)
				}
			}
			if r := meltemi(t, "", "call", "dubbo", s.address, "s.m"); r.code != cli.Failed {
				t.Fatalf("another protocol: %+v", r)
			}
			golden(t, "serve_"+name, s.stop())
		})
	}
}

func TestServeUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"toy"}, "accepts 2 arg(s), received 1"},
		{[]string{"nope", "127.0.0.1:0"}, `no codec "nope"`},
		{[]string{"toy", "20880"}, `address "20880" is not HOST:PORT`},
		{[]string{"toy", "127.0.0.1:0", "--fail", "1.5"}, "--fail: 1.5 is not from 0 to 1"},
		{[]string{"toy", "127.0.0.1:0", "--fail", "NaN"}, "--fail: NaN is not from 0 to 1"},
		{[]string{"toy", "127.0.0.1:0", "--fail-calls", "5"}, `"5" is not FROM-TO`},
		{[]string{"toy", "127.0.0.1:0", "--fail-calls", "5-4"}, `"5-4" is not FROM-TO`},
		{[]string{"toy", "127.0.0.1:0", "--fail-calls", "0-4"}, `"0-4" is not FROM-TO`},
		{[]string{"toy", "127.0.0.1:0", "--delay", "-1s"}, "--delay: -1s is negative"},
		{[]string{"toy", "127.0.0.1:0", "--max-message", "-1"}, "--max-message: -1 is not a size"},
	} {
		r := meltemi(t, "", append([]string{"serve"}, test.args...)...)
		if r.code != cli.Usage || !strings.Contains(r.stderr, test.want) {
			t.Errorf("%q: %+v, want %q", test.args, r, test.want)
		}
	}
}

func TestServeOnAUsedPort(t *testing.T) {
	s := serve(t, "toy")
	r := meltemi(t, "", "serve", "toy", s.address)
	if r.code != cli.Failed || !strings.Contains(r.stderr, "address already in use") {
		t.Errorf("%+v", r)
	}
}

// processArgs, in the environment, makes the test binary behave as meltemi.
const processArgs = "MELTEMI_TEST_ARGS"

// TestProcess is no test: it is the process that TestServeStopsOnSignals starts.
func TestProcess(*testing.T) {
	args := os.Getenv(processArgs)
	if args == "" {
		return
	}
	os.Args = append([]string{"meltemi"}, strings.Fields(args)...)
	main() // exits
}

func TestServeStopsOnSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcess$")
			cmd.Env = append(os.Environ(), processArgs+"=serve dubbo 127.0.0.1:0 --delay 300ms")
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err = cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			address := strings.TrimSpace(strings.TrimPrefix(line, "ready "))
			answer := make(chan result, 1)
			go func() { answer <- meltemi(t, "", "call", "dubbo", address, "s.m") }()
			time.Sleep(100 * time.Millisecond) // the call is open
			if err = cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if r := <-answer; r.code != cli.Good {
				t.Errorf("the open call: %+v", r)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("the server: %v", err)
			}
		})
	}
}

// TestServeWithoutTypes serves a protocol that writes structures only with types: the
// answer is JSON text, which people get to see as JSON, and programs as it is.
func TestServeWithoutTypes(t *testing.T) {
	s := serve(t, "thrift", "--name", "v1")
	call := []string{"call", "thrift", s.address, "Greeter.hello", "--arg", `"bob"`}
	for want, flags := range map[string][]string{
		"result, JSON in a string\n  {\n    \"server\": \"v1\",\n": nil,
		`"result":"{\"server\":\"v1\",\"call\":`:                   {"-o", "json"},
		"3 calls: 3 ok, 0 failed":                                  {"-n", "3"},
		"servers\n       4  v1\n":                                  {"-n", "4"},
	} {
		if r := meltemi(t, "", append(call, flags...)...); r.code != cli.Good || !strings.Contains(r.stdout, want) {
			t.Errorf("%q: %+v, want %q", flags, r, want)
		}
	}
}
