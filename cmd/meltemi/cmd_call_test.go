package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/toycodec"
	"github.com/meltemi-mesh/meltemi/sdk"
)

func TestCallOutput(t *testing.T) {
	for _, codec := range []string{"toy", "dubbo"} {
		good := serve(t, codec, "--name", "v1").address
		failing := serve(t, codec, "--name", "bad", "--fail", "1").address
		raising := serve(t, codec, "--name", "v2", "--exception=java.lang.IllegalStateException").address
		args := []string{"com.foo.Greeter.hello", "--arg", `"world"`, "--arg", `{"a":[1,null,true]}`, "--set", "group=blue"}
		for name, test := range map[string][]string{
			"ok":             append([]string{good}, args...),
			"ok_json":        append([]string{good, "-o", "json"}, args...),
			"oneway":         append([]string{good, "--oneway", "--linger", "0s"}, args...),
			"failed":         append([]string{failing}, args...),
			"failed_json":    append([]string{failing, "-o", "json"}, args...),
			"exception":      append([]string{raising}, args...),
			"exception_json": append([]string{raising, "-o", "json"}, args...),
		} {
			t.Run(codec+"/"+name, func(t *testing.T) {
				r := meltemi(t, "", append([]string{"call", codec}, test...)...)
				r.stdout = callNumber(r.stdout)
				golden(t, "call_"+codec+"_"+name, r)
			})
		}
	}
}

// callNumber hides the number of the call, since the tests share servers.
func callNumber(s string) string {
	for _, n := range []string{"1", "2", "3"} {
		s = strings.ReplaceAll(s, `"call": `+n+",", `"call": N,`)
		s = strings.ReplaceAll(s, `"call":`+n+",", `"call":N,`)
	}
	return s
}

func TestCallRepeats(t *testing.T) {
	half := serve(t, "toy", "--name", "v1", "--fail", "0.25").address
	golden(t, "call_repeat", meltemi(t, "", "call", "toy", half, "s.m", "-n", "100", "-c", "4"))
	golden(t, "call_repeat_json", meltemi(t, "", "call", "toy", half, "s.m", "-n", "100", "-c", "4", "-o", "json"))
	golden(t, "call_repeat_oneway", meltemi(t, "", "call", "dubbo", serve(t, "dubbo").address, "s.m", "-n", "10", "--oneway", "--linger", "0s"))
}

func TestCallWithoutAnAnswer(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := ln.Addr().String() // the kernel takes connections that nobody accepts
	defer ln.Close()
	for name, args := range map[string][]string{
		"timeout":      {silent, "s.m", "--timeout", "50ms"},
		"timeout_json": {silent, "s.m", "--timeout", "50ms", "-o", "json"},
		"refused":      {"127.0.0.1:1", "s.m"},
		"refused_many": {"127.0.0.1:1", "s.m", "-n", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, "call_"+name, meltemi(t, "", append([]string{"call", "toy"}, args...)...))
		})
	}
}

func TestCallUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"toy", "127.0.0.1:1"}, "accepts 3 arg(s), received 2"},
		{[]string{"nope", "127.0.0.1:1", "s.m"}, `no codec "nope": there are brpc, dubbo, thrift, toy`},
		{[]string{"toy", "127.0.0.1", "s.m"}, `address "127.0.0.1" is not HOST:PORT`},
		{[]string{"toy", "127.0.0.1:x", "s.m"}, `address "127.0.0.1:x": "x" is not a port`},
		{[]string{"toy", "127.0.0.1:1", "s."}, `"s." is not SERVICE.METHOD`},
		{[]string{"toy", "127.0.0.1:1", ".m"}, `".m" is not SERVICE.METHOD`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "--arg", "hello"}, `--arg 1: hello is not JSON`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "--arg", "1", "--arg", "int:x"}, `--arg 2: x of type int is not JSON`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "--set", "a"}, `--set: "a" is not KEY=VALUE`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "--set", "a=1", "--set", "a=2"}, `--set: a is set twice`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "--payload", "x", "--arg", "1"}, `--payload and --arg exclude each other`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "--payload", "@/nonexistent"}, `--payload: open /nonexistent`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "-o", "xml"}, `--output: no format "xml": there are text, json`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "-n", "0"}, `--repeat: 0 is not a number of calls`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "-c", "0"}, `--concurrency: 0 is not from 1 to 1024`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "--timeout", "0s"}, `--timeout: 0s is not a time to wait`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "--linger", "-1s"}, `--linger: -1s is negative`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "--max-message", "0"}, `--max-message: 0 is not a size`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "--codec-config", `{"x":1}`}, `codec toy: configuration: json: unknown field "x"`},
		{[]string{"toy", "127.0.0.1:1", "s.m", "--bogus"}, `unknown flag: --bogus`},
	} {
		r := meltemi(t, "", append([]string{"call"}, test.args...)...)
		if r.code != cli.Usage || !strings.Contains(r.stderr, test.want) || r.stdout != "" {
			t.Errorf("%q: %+v, want %q", test.args, r, test.want)
		}
	}
}

func TestCallTellsWhichArgumentCannotBeSent(t *testing.T) {
	address := serve(t, "toy").address
	for _, args := range [][]string{nil, {"-n", "5"}} {
		r := meltemi(t, "", append([]string{"call", "toy", address, "s.m", "--arg", "1", "--arg", "impossible:2"}, args...)...)
		if want := `argument 2: type "impossible" is not known`; r.code != cli.Usage || !strings.Contains(r.stderr, want) {
			t.Errorf("%q: %+v, want %q", args, r, want)
		}
	}
}

func TestCallSendsPayloads(t *testing.T) {
	address := serve(t, "toy").address
	body := `{"service":"s","method":"from-payload"}`
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, payload := range []string{body, "@-", "@" + file} {
		r := meltemi(t, body, "call", "toy", address, "x.y", "--payload", payload)
		if r.code != cli.Good || !strings.Contains(r.stdout, `"method": "from-payload"`) {
			t.Errorf("%s: %+v", payload, r)
		}
	}
}

func TestSplitMethod(t *testing.T) {
	for in, want := range map[string][2]string{
		"com.foo.Svc.hello": {"com.foo.Svc", "hello"},
		"com.foo.Svc/hello": {"com.foo.Svc", "hello"},
		"a/b.c/d.e":         {"a/b.c", "d.e"},
		"hello":             {"", "hello"},
	} {
		service, method, err := splitMethod(in)
		if err != nil || service != want[0] || method != want[1] {
			t.Errorf("%s: got %q, %q, %v", in, service, method, err)
		}
	}
}

func TestParseArgument(t *testing.T) {
	for in, want := range map[string]sdk.Argument{
		`5`:                      {Value: json.Number("5")},
		`12345678901234567890.1`: {Value: json.Number("12345678901234567890.1")},
		`"a:b"`:                  {Value: "a:b"},
		`{"a":1}`:                {Value: map[string]any{"a": json.Number("1")}},
		`long:5`:                 {Type: "long", Value: json.Number("5")},
		`java.lang.String:"x:y"`: {Type: "java.lang.String", Value: "x:y"},
		`[I:[1]`:                 {Type: "[I", Value: []any{json.Number("1")}},
		`map<string,i32>:{}`:     {Type: "map<string,i32>", Value: map[string]any{}},
		`T:null`:                 {Type: "T"},
	} {
		got, err := parseArgument(in)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{``, `x`, `{"a":1`, `:5`, `int:`, `1 2`, `"a":1`} {
		if got, err := parseArgument(in); err == nil {
			t.Errorf("%q: got %+v, want an error", in, got)
		}
	}
}

// TestCallMovesToANewConnection has a server that takes one call on each connection.
func TestCallMovesToANewConnection(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			conn, err := ln.Accept()
			if err != nil {
				break
			}
			var m sdk.Message
			if err := framing.NewReader(conn, &toycodec.Codec{}, sdk.FromClient, 0).Next(&m); err != nil {
				t.Error(err)
			}
			if _, err := conn.Write(append([]byte(toyFrame(t, 'g', nil)), toyFrame(t, 'r', map[string]any{"result": 1})...)); err != nil {
				t.Error(err)
			}
			conn.Close()
		}
		served <- n
	}()
	r := meltemi(t, "", "call", "toy", ln.Addr().String(), "m", "-n", "5")
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if n := <-served; r.code != cli.Good || n != 5 {
		t.Errorf("%d connections, want 5: %+v", n, r)
	}
}
