package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a running Envoy. It dies with this program.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when Envoy has ended
	err    error         // how it ended, once exited is closed; nil for exit code 0
}

// startProcess starts the Envoy at path.
func startProcess(path string, args, extraEnv []string, output io.Writer) (*process, error) {
	//nolint:gosec,noctx // the user chooses the Envoy; stop and kill end it
	p := &process{cmd: exec.Command(path, args...), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), extraEnv...)
	p.cmd.Stdout, p.cmd.Stderr = output, output
	p.cmd.SysProcAttr = processAttributes()
	started := make(chan error)
	go func() {
		// The kernel ends a child with the thread that started it, so that thread must
		// live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = exitError(p.cmd.Wait())
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start Envoy: %w", err)
	}
	return p, nil
}

// signal sends a signal; an Envoy that has ended does not mind.
func (p *process) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.kill()
	}
}

// kill ends Envoy at once.
func (p *process) kill() {
	p.cmd.Process.Kill() //nolint:errcheck,gosec // fails only if it has ended
}

// exitError says how Envoy ended.
func exitError(err error) error {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return fmt.Errorf("Envoy was ended by signal %d (%s)", status.Signal(), status.Signal()) //nolint:staticcheck // a name
	}
	return fmt.Errorf("Envoy ended with exit code %d", exit.ExitCode()) //nolint:staticcheck // a name
}

// stop asks Envoy to end and waits for it, for exitTimeout at most or until ctx ends.
func (p *process) stop(ctx context.Context) {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-ctx.Done():
	case <-time.After(exitTimeout):
		p.kill()
	}
}
