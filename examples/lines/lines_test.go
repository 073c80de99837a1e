// Package lines is an example: a protocol of lines, without ids.
package lines

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLinesThroughEnvoy sends several calls at once on a connection, to a slow server and
// to a fast one: the answers come in the order of the calls, and the fast ones were not
// made to wait for the slow one to be asked. `make test-e2e` has built bin/meltemi.
func TestLinesThroughEnvoy(t *testing.T) {
	dir := t.TempDir()
	meltemi := filepath.Join("..", "..", "bin", "meltemi")
	library := filepath.Join(dir, "libmeltemi.so")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, meltemi, "build",
		"--with", "github.com/meltemi-mesh/meltemi/examples/lines/codec=codec", "-o", library).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	asked := make(chan string, 10)
	slow := serve(t, "slow", 300*time.Millisecond, asked)
	fast := serve(t, "fast", 0, asked)
	text, err := os.ReadFile("mesh.yaml")
	if err != nil {
		t.Fatal(err)
	}
	mesh := filepath.Join(dir, "mesh.yaml")
	if err := os.WriteFile(mesh, []byte(strings.NewReplacer("SLOW", slow, "FAST", fast).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", runEnvoy(t, meltemi, mesh, library))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	calls := "shop.Orders slow {}\nshop.Orders get {\"id\":5}\nshop.Payments get {}\nnonsense\nshop.Orders get {}\n"
	if _, err := io.WriteString(c, calls); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(c)
	for i, want := range []string{
		`ok "slow: shop.Orders slow {}"`, `ok "fast: shop.Orders get {\"id\":5}"`, `error 404 "no route"`,
		`error 500 "malformed: line: at byte 0: want SERVICE METHOD JSON"`, `ok "fast: shop.Orders get {}"`,
	} {
		line, err := answers.ReadString('\n')
		if err != nil || strings.TrimSpace(line) != want {
			t.Fatalf("answer %d: %q, %v; want %q", i+1, line, err, want)
		}
		if i == 0 && len(asked) != 3 {
			t.Errorf("when the slow server answered, %d calls had been made, want all 3", len(asked))
		}
	}
}

// serve runs a server that answers each line after a delay.
func serve(t *testing.T, name string, delay time.Duration, asked chan<- string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					asked <- lines.Text()
					time.Sleep(delay)
					fmt.Fprintf(c, "ok %q\n", name+": "+lines.Text())
				}
			}()
		}
	}()
	return l.Addr().String()
}

// runEnvoy runs Envoy until the test's end, and returns the listener's address.
func runEnvoy(t *testing.T, meltemi, mesh, library string) string {
	t.Helper()
	cmd := exec.Command(meltemi, "run", mesh, "--library", library)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
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
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v\n%s", err, complaint.String())
	}
	_, address, _ := strings.Cut(line, "lines=")
	address, _, _ = strings.Cut(address, " ")
	return address
}
