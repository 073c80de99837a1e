package newcomer

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newcomer is somebody with a shell.
type newcomer struct {
	t   *testing.T
	dir string
}

// begin prepares a shell, with a folder to be made and what the tutorial puts on PATH.
func begin(t *testing.T, folder, envoy string) *newcomer {
	t.Helper()
	t.Setenv("PATH", filepath.Join(root(t), "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("MELTEMI_ENVOY", filepath.Join(root(t), ".cache", "envoy", envoy, "envoy"))
	return &newcomer{t: t, dir: filepath.Join(t.TempDir(), folder)}
}

func (n *newcomer) command(dir, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(n.t.Context(), 5*time.Minute)
	n.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return cmd
}

// run runs a command to its end and returns what it printed.
func (n *newcomer) run(dir, name string, args ...string) string {
	n.t.Helper()
	cmd := n.command(dir, name, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		n.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, complaint.String())
	}
	return string(out)
}

// replace edits files.
func (n *newcomer) replace(old, text string, names ...string) {
	n.t.Helper()
	for _, name := range names {
		path := filepath.Join(n.dir, name)
		before, err := os.ReadFile(path)
		if err != nil {
			n.t.Fatal(err)
		}
		if !bytes.Contains(before, []byte(old)) {
			n.t.Fatalf("%s has no %q", name, old)
		}
		if err := os.WriteFile(path, bytes.ReplaceAll(before, []byte(old), []byte(text)), 0o600); err != nil {
			n.t.Fatal(err)
		}
	}
}

// copy puts files of testdata in the place of the module's own.
func (n *newcomer) copy(from, to string) {
	n.t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", from))
	if err != nil || len(paths) == 0 {
		n.t.Fatalf("testdata/%s: %d files, %v", from, len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			n.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(n.dir, to, filepath.Base(path)), text, 0o600); err != nil {
			n.t.Fatal(err)
		}
	}
}

// fails runs a command that has to fail, and to say that.
func (n *newcomer) fails(want, name string, args ...string) {
	n.t.Helper()
	if out, err := n.command(n.dir, name, args...).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
		n.t.Fatalf("%s %s: want a failure with %q: %v\n%s", name, strings.Join(args, " "), want, err, out)
	}
}

// start starts a program that runs until the test's end, and returns what follows in the
// line that says that it is ready. Told to end, make tells its children.
func (n *newcomer) start(name string, args ...string) string {
	n.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = n.dir, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(20*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		defer timer.Stop()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			go func() {
				for lines.Scan() { // what follows is nobody's, but must not fill the pipe
					continue
				}
			}()
			return rest
		}
	}
	n.t.Fatalf("%s %v ended before it was ready", name, args)
	return ""
}

// root is the root of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
