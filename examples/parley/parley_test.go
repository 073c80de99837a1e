// Package parley is an example: a private protocol, its codec, its client and server.
package parley

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/examples/parley/frame"
)

// TestParleyThroughEnvoy does what the README says: it builds a library with the codec
// and makes calls through a stock Envoy. `make test-e2e` has built bin/meltemi.
func TestParleyThroughEnvoy(t *testing.T) {
	dir := t.TempDir()
	meltemi := filepath.Join("..", "..", "bin", "meltemi")
	library := filepath.Join(dir, "libmeltemi.so")
	run(t, meltemi, "build", "--with", "github.com/meltemi-mesh/meltemi/examples/parley/codec=codec", "-o", library)
	if got := run(t, meltemi, "codecs", "--lib", library); !strings.Contains(got, "parley") {
		t.Fatalf("the library carries\n%s", got)
	}
	for _, program := range []string{"server", "client"} {
		run(t, "go", "build", "-o", filepath.Join(dir, program), "./"+program)
	}

	v1 := start(t, "ready ", filepath.Join(dir, "server"), "127.0.0.1:0", "v1")
	v2 := start(t, "ready ", filepath.Join(dir, "server"), "127.0.0.1:0", "v2")
	text, err := os.ReadFile("mesh.yaml")
	if err != nil {
		t.Fatal(err)
	}
	mesh := filepath.Join(dir, "mesh.yaml")
	text = []byte(strings.NewReplacer("V1", v1, "V2", v2).Replace(string(text)))
	if err := os.WriteFile(mesh, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, meltemi, "validate", mesh, "--library", library)
	ready := start(t, "ready ", meltemi, "run", mesh, "--library", library)
	address, _, _ := strings.Cut(strings.TrimPrefix(ready, "parley="), " ")

	client := filepath.Join(dir, "client")
	for want, args := range map[string][]string{
		"v1: shop.Orders.get(order 5) []":                            {"shop.Orders", "get", "order 5"},
		"v2: shop.Orders.get(order 5) [[tenant blue] [lane 1]]":      {"shop.Orders", "get", "order 5", "tenant=blue", "lane=1"},
		"v1: shop.Orders.~get(~) [[Tenant-Id a b] [tenant ünïcode]]": {"shop.Orders", "~get", "~", "Tenant-Id=a b", "tenant=ünïcode"},
	} {
		if got := run(t, client, append([]string{address}, args...)...); got != want+"\n" {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for want, args := range map[string][]string{
		"error 404: no route": {"shop.Payments", "get", ""},
		"error 500: it fails": {"shop.Orders", "fail", ""},
	} {
		out, err := exec.CommandContext(t.Context(), client, append([]string{address}, args...)...).CombinedOutput()
		if err == nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%v: got %v, %q; want %q", args, err, out, want)
		}
	}
	ping(t, address)
}

// ping expects the proxy's own answer to a heartbeat.
func ping(t *testing.T, address string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write((&frame.Frame{Kind: frame.Ping, ID: 3}).Append(nil)); err != nil {
		t.Fatal(err)
	}
	if f, err := frame.Read(bufio.NewReader(c)); err != nil || f.Kind != frame.Pong || f.ID != 3 {
		t.Errorf("%+v, %v", f, err)
	}
}

// run runs a command to its end and returns what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, complaint.String())
	}
	return string(out)
}

// start starts a program that runs until the test's end, and returns what follows in the
// line that says that it is ready.
func start(t *testing.T, ready, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(pipe)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%s ended before it was ready: %v", name, err)
		}
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), ready); ok {
			return rest
		}
	}
}
