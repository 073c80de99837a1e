package cli

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// get returns a page of Envoy's administration.
func get(t *testing.T, p *proxy, page string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.address("admin")+page, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestExitCodes ends the program itself, in each way that a script tells apart.
func TestExitCodes(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := mesh("one", "127.0.0.1:1", "")
	ok := file("ok.yaml", good)
	old := file("old", "#!/bin/sh\necho 'envoy  version: 0a1b/1.38.9/Clean/RELEASE/BoringSSL'\n")
	other := startProxy(t, envoys[0], good)

	for _, test := range []struct {
		code int
		want string
		args []string
	}{
		{0, "valid " + ok + " (Envoy " + envoys[0] + ")\n", []string{"validate", ok, "--envoy", envoy(t, envoys[0])}},
		{0, "valid " + ok + " (Envoy " + envoys[1] + ")\n", []string{"validate", ok, "--envoy", envoy(t, envoys[1])}},
		{0, "# meltemi\n", []string{"config", ok}},
		{0, "dubbo", []string{"codecs", "--lib", filepath.Join(root(t), "bin", "libmeltemi.so")}},
		{1, `unknown field "extra"`, []string{"run", file("field.yaml", good+"extra: 1\n")}},
		// Only Envoy compiles regular expressions.
		{1, "Envoy refuses the configuration: ", []string{"validate", file("regex.yaml", strings.ReplaceAll(good, "prefix: /", `safe_regex: {regex: "("}`)), "--envoy", envoy(t, envoys[0])}},
		{1, "another process uses " + busy.Addr().String(), []string{"run", file("busy.yaml", strings.ReplaceAll(good, "127.0.0.1:0", busy.Addr().String()))}},
		{1, "another process uses " + other.address("rpc"), []string{"run", file("shared.yaml", strings.ReplaceAll(good, "127.0.0.1:0", other.address("rpc")))}},
		{1, "cannot bind", []string{"run", file("admin.yaml", good+"admin: {address: {socket_address: {address: 127.0.0.1, port_value: "+port(busy)+"}}}\n")}},
		{1, "address already in use", []string{"serve", "dubbo", busy.Addr().String()}},
		{1, "connection refused", []string{"call", "dubbo", "127.0.0.1:1", "s.m"}},
		{2, "no such file", []string{"run", filepath.Join(dir, "none.yaml")}},
		{2, "unknown command", []string{"rnu"}},
		{2, "unknown flag", []string{"run", ok, "--nope"}},
		{3, "no such file", []string{"run", ok, "--envoy", filepath.Join(dir, "none")}},
		{3, "Envoy 1.38.9 is too old: Meltemi needs 1.39.0 or newer", []string{"run", ok, "--envoy", old}},
		{3, "is not an Envoy", []string{"validate", ok, "--envoy", "/bin/true"}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			r := run(t, test.args...)
			if r.code != test.code || !strings.Contains(r.stdout+r.stderr, test.want) {
				t.Errorf("got %+v, want code %d and %q", r, test.code, test.want)
			}
			if strings.Contains(r.stdout+r.stderr, "\x1b") {
				t.Errorf("there are colours, and no terminal: %+v", r)
			}
		})
	}
}

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// TestWithoutStandardInput closes it, as some supervisors do.
func TestWithoutStandardInput(t *testing.T) {
	address := serve(t, "thrift", "--name", "v1")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for want, command := range map[string]string{
		`"server": "v1"`:            `exec "$0" call thrift ` + address + ` hello <&-`,
		"meltemi: no message found": `exec "$0" inspect dubbo - <&-`,
	} {
		out, err := exec.CommandContext(ctx, "sh", "-c", command, meltemi(t)).CombinedOutput()
		if !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}
