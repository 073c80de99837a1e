package peers

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/machine"
)

// process is a child that is stopped at the test's end. Its output is shown if the
// test fails.
type process struct {
	tb    testing.TB
	cmd   *exec.Cmd
	stdin io.WriteCloser
	done  chan struct{}

	mu    sync.Mutex
	lines []string
	grown chan struct{}
}

// begin starts a command.
func begin(tb testing.TB, cmd *exec.Cmd) *process {
	tb.Helper()
	p := &process{tb: tb, cmd: cmd, done: make(chan struct{}), grown: make(chan struct{}, 1)}
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		tb.Fatal(err)
	}
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("%s: %v", cmd.Path, err)
	}
	go p.collect(out)
	go func() {
		_ = cmd.Wait()
		_ = in.Close()
		close(p.done)
	}()
	tb.Cleanup(p.stop)
	return p
}

func (p *process) collect(out io.Reader) {
	s := bufio.NewScanner(out)
	s.Buffer(make([]byte, 64<<10), 16<<20)
	for s.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, s.Text())
		p.mu.Unlock()
		select {
		case p.grown <- struct{}{}:
		default:
		}
	}
}

// output returns the lines so far.
func (p *process) output() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines...)
}

// await waits for a line with that beginning and returns it.
func (p *process) await(prefix string, limit time.Duration) string {
	p.tb.Helper()
	timeout := time.After(limit)
	for {
		for _, line := range p.output() {
			if strings.HasPrefix(line, prefix) {
				return line
			}
		}
		select {
		case <-p.grown:
		case <-p.done:
			time.Sleep(50 * time.Millisecond) // the last lines
			for _, line := range p.output() {
				if strings.HasPrefix(line, prefix) {
					return line
				}
			}
			p.tb.Fatalf("%s ended (%v) without the line %q:\n%s", p.cmd.Path, p.cmd.ProcessState, prefix, strings.Join(p.output(), "\n"))
		case <-timeout:
			p.tb.Fatalf("%s did not print the line %q in %v:\n%s", p.cmd.Path, prefix, limit, strings.Join(p.output(), "\n"))
		}
	}
}

// Kill ends the process at once.
func (p *process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Pid is the process's id.
func (p *process) Pid() int { return p.cmd.Process.Pid }

// Output returns the lines so far.
func (p *process) Output() []string { return p.output() }

// Terminate asks the process to end. Done is closed when it has.
func (p *process) Terminate() { _ = p.cmd.Process.Signal(syscall.SIGTERM) }

// Done is closed when the process has ended.
func (p *process) Done() <-chan struct{} { return p.done }

// Success tells whether a process that has ended did so with status 0.
func (p *process) Success() bool { return p.cmd.ProcessState.Success() }

func (p *process) stop() {
	_ = p.stdin.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		p.Kill()
	}
	if p.tb.Failed() {
		lines := p.output()
		p.tb.Logf("last output of %v:\n%s", p.cmd.Args, strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
}

// freePort is a free port as a text.
func freePort(tb testing.TB) string {
	tb.Helper()
	return strconv.Itoa(machine.FreePort(tb))
}

// run runs a command to its end.
func run(tb testing.TB, limit time.Duration, name string, args ...string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out.String())
	}
}
