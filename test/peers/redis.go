package peers

import (
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Redis is a redis-server, which keeps nothing on disk.
type Redis struct {
	*process
	tb    testing.TB
	Port  string
	flags []string
}

// StartRedis starts a Redis at a free port, until the test's end. Flags are
// redis-server's own, such as --requirepass and its value.
func StartRedis(tb testing.TB, flags ...string) *Redis {
	tb.Helper()
	for _, tool := range []string{"redis-server", "redis-cli"} {
		if _, err := exec.LookPath(tool); err != nil {
			tb.Fatalf("%s is not installed (.ci/install gets it on Debian)", tool)
		}
	}
	r := &Redis{tb: tb, Port: freePort(tb), flags: flags}
	r.Start()
	return r
}

// StartRedisNode starts a Redis that is to be a node of a cluster.
func StartRedisNode(tb testing.TB, flags ...string) *Redis {
	tb.Helper()
	return StartRedis(tb, append([]string{"--cluster-enabled", "yes", "--cluster-port", freePort(tb)}, flags...)...)
}

// Start starts it again, empty, at the port that it had.
func (r *Redis) Start() {
	r.tb.Helper()
	r.process = begin(r.tb, exec.Command("redis-server", append([]string{
		"--port", r.Port, "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", r.tb.TempDir(),
	}, r.flags...)...))
	r.tb.Cleanup(r.Resume) // a process that is stopped hears no other signal
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if out, err := r.ask("PING"); err == nil && out == "PONG" || strings.HasPrefix(out, "NOAUTH ") {
			return
		}
	}
	r.tb.Fatalf("redis-server is not ready:\n%s", strings.Join(r.output(), "\n"))
}

// Pause lets it hang: connections are made and kept, and nothing is answered.
func (r *Redis) Pause() { _ = r.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (r *Redis) Resume() { _ = r.cmd.Process.Signal(syscall.SIGCONT) }

// Do runs a command and returns what Redis answers, as text. Options of redis-cli, such
// as -a and a password, may stand before the command.
func (r *Redis) Do(command ...string) string {
	r.tb.Helper()
	out, err := r.ask(command...)
	if err != nil {
		r.tb.Fatalf("redis: %s: %v\n%s", strings.Join(command, " "), err, out)
	}
	return out
}

func (r *Redis) ask(command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "redis-cli", append([]string{"-e", "-p", r.Port}, command...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
