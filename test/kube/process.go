package kube

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/machine"
)

// Patience bounds each wait for what has to come: the machine may be slow and busy, and a
// lease takes 15 seconds to run out.
const Patience = 3 * time.Minute

// HTTP asks programs for pages. Who waits for one tries again when it does not answer.
var HTTP = &http.Client{Timeout: 10 * time.Second}

// Process is a program that runs until the test's end, or until it is ended. What it
// prints is in a file, whose end is shown if the test fails.
type Process struct {
	tb   testing.TB
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

// Begin starts a program. It may open what it prints to once more, as another user too.
func Begin(tb testing.TB, cmd *exec.Cmd) *Process {
	tb.Helper()
	log, err := os.OpenFile(filepath.Join(tb.TempDir(), filepath.Base(cmd.Path)+".log"), os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		err = log.Chmod(0o666)
	}
	if err != nil {
		tb.Fatal(err)
	}
	p := &Process{tb: tb, cmd: cmd, log: log.Name(), done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	err = cmd.Start()
	_ = log.Close() // the child has its own
	if err != nil {
		tb.Fatalf("%s: %v", cmd.Path, err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	tb.Cleanup(func() {
		p.Stop()
		if tb.Failed() {
			lines := strings.Split(p.Output(), "\n")
			tb.Logf("last output of %v:\n%s", cmd.Args, strings.Join(lines[max(0, len(lines)-10):], "\n"))
		}
	})
	return p
}

// Stop asks the program to end, and waits for it.
func (p *Process) Stop() {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.Kill()
	}
}

// Signal sends a signal to the program.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Kill ends the program, and those that it has started, at once.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// Ended tells whether the program has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Output is what the program has printed.
func (p *Process) Output() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		p.tb.Fatal(err)
	}
	return string(text)
}

// Eventually waits until a condition holds: it is tried until it returns "", which
// otherwise is what is missing.
func Eventually(tb testing.TB, limit time.Duration, condition func() string) {
	tb.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		missing := condition()
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("after %v: %s", limit, missing)
		}
	}
}

// Part is the path of a program of the control plane that `make mesh-parts` builds.
func Part(tb testing.TB, name string) string {
	tb.Helper()
	path := filepath.Join(machine.Root(tb), ".cache", "mesh", name)
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("%v (make mesh-parts builds it)", err)
	}
	return path
}
