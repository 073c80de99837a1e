// Package cli runs the command line as people do: the built program, with a stock Envoy,
// and looks at what it prints and how it ends.
package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds each wait.
const patience = 60 * time.Second

// envoys are the versions to test with, the oldest and the newest.
var envoys = []string{"1.39.3", "1.40.0"}

// root is the root of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func meltemi(t *testing.T) string {
	t.Helper()
	return filepath.Join(root(t), "bin", "meltemi")
}

func envoy(t *testing.T, version string) string {
	t.Helper()
	return filepath.Join(root(t), ".cache", "envoy", version, "envoy")
}

// ended is what became of a program.
type ended struct {
	stdout, stderr string
	code           int
}

// run runs `meltemi ARGS...` to its end.
func run(t *testing.T, args ...string) ended {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, meltemi(t), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited || ctx.Err() != nil {
		t.Fatalf("meltemi %q: %v\n%s", args, err, stderr.String())
	}
	return ended{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// program is a program that runs until the test's end, or until it is told to stop.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu    sync.Mutex
	lines []string // of both outputs
}

// start starts `meltemi ARGS...`.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(meltemi(t), args...), done: make(chan struct{})}
	out, in := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = in, in
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, s.Text())
			p.mu.Unlock()
		}
	}()
	go func() {
		_ = p.cmd.Wait()
		_ = in.Close()
		<-collected
		close(p.done)
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(20 * time.Second):
			_ = p.cmd.Process.Kill()
			t.Errorf("meltemi %q does not end", args)
		}
		if t.Failed() {
			t.Logf("meltemi %q printed\n%s", args, strings.Join(p.output(), "\n"))
		}
	})
	return p
}

func (p *program) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

func (p *program) output() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines...)
}

// await waits for a line behind the first n that begins with prefix, and returns it.
func (p *program) await(n int, prefix string) string {
	p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		ended := p.over()
		for _, line := range p.output()[n:] {
			if strings.HasPrefix(line, prefix) {
				return line
			}
		}
		if ended {
			break
		}
	}
	p.t.Fatalf("%q did not print a line %q:\n%s", p.cmd.Args, prefix, strings.Join(p.output()[n:], "\n"))
	return ""
}

// over reports whether the program has ended.
func (p *program) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// end waits for the program to end and returns its exit code, -1 after a signal.
func (p *program) end() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%q goes on:\n%s", p.cmd.Args, strings.Join(p.output(), "\n"))
	}
	return p.cmd.ProcessState.ExitCode()
}

// serve starts a sample server and returns its address.
func serve(t *testing.T, codec string, args ...string) string {
	t.Helper()
	p := start(t, append([]string{"serve", codec, "127.0.0.1:0"}, args...)...)
	return strings.TrimPrefix(p.await(0, "ready "), "ready ")
}

// proxy is a `meltemi run` with its mesh file.
type proxy struct {
	*program
	file string
}

// startProxy runs a mesh file.
func startProxy(t *testing.T, version, mesh string) *proxy {
	t.Helper()
	p := &proxy{file: filepath.Join(t.TempDir(), "mesh.yaml")}
	write(t, p.file, mesh)
	p.program = start(t, "run", p.file, "--envoy", envoy(t, version))
	p.await(0, "ready ")
	return p
}

// address is what the ready line, or a later one that tells it anew, says of a name.
func (p *proxy) address(name string) string {
	p.t.Helper()
	address := ""
	for _, line := range p.output() {
		if !strings.HasPrefix(line, "ready ") && !strings.HasPrefix(line, "reloaded ") {
			continue
		}
		for word := range strings.FieldsSeq(line) {
			if rest, ok := strings.CutPrefix(word, name+"="); ok {
				address = rest
			}
		}
	}
	if address == "" {
		p.t.Fatalf("no address of %s in\n%s", name, strings.Join(p.output(), "\n"))
	}
	return address
}

// change replaces the mesh file and waits for a line that begins with prefix.
func (p *proxy) change(mesh, prefix string) {
	p.t.Helper()
	before := len(p.output())
	write(p.t, p.file+".new", mesh)
	if err := os.Rename(p.file+".new", p.file); err != nil {
		p.t.Fatal(err)
	}
	p.await(before, prefix)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
