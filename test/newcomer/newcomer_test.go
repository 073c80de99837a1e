// Package newcomer does what somebody does who has a protocol, and knows nothing of Envoy:
// from `meltemi new codec` to calls through Envoy, in a folder outside the repository.
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

// TestWithACheckout builds with the sources that --sdk names.
func TestWithACheckout(t *testing.T) {
	mod := fromScaffoldToCall(t, "v1.40.0", "--sdk", root(t))
	if !strings.Contains(mod, "replace github.com/meltemi-mesh/meltemi => ") {
		t.Errorf("the module does not build with the checkout:\n%s", mod)
	}
}

// TestWithAPublishedVersion builds with Meltemi as a module proxy serves it: no file of
// the checkout is used.
func TestWithAPublishedVersion(t *testing.T) {
	version := publish(t)
	mod := fromScaffoldToCall(t, "v1.39.3", "--sdk-version", version)
	if strings.Contains(mod, "replace") || !strings.Contains(mod, "github.com/meltemi-mesh/meltemi "+version) {
		t.Errorf("the module does not build with %s:\n%s", version, mod)
	}
}

// fromScaffoldToCall returns the module's go.mod.
func fromScaffoldToCall(t *testing.T, envoy string, sdk ...string) string {
	t.Helper()
	n := &newcomer{t: t, dir: filepath.Join(t.TempDir(), "ledger"), meltemi: filepath.Join(root(t), "bin", "meltemi")}
	n.run(filepath.Dir(n.dir), n.meltemi, append([]string{"new", "codec", "ledger"}, sdk...)...)

	// The frames are the newcomer's own: they begin with an 'L'. The codec does not know
	// that yet, and the test says so.
	n.replace("4d ", "4c ", "testdata/request-get.hex", "testdata/oneway-log.hex", "testdata/response.hex",
		"testdata/response-failure.hex", "testdata/heartbeat.hex", "testdata/heartbeat-reply.hex")
	if out, err := n.command(n.dir, "go", "test", ".").CombinedOutput(); err == nil || !strings.Contains(string(out), "magic: at byte 0: not 'M'") {
		t.Fatalf("the codec took frames of another protocol: %v\n%s", err, out)
	}
	n.replace("'M'", "'L'", "codec.go")
	n.run(n.dir, "make", "test")
	n.run(n.dir, "make", "fuzz", "FUZZTIME=3s")
	n.run(n.dir, "make", "plugin")
	if seen := n.run(n.dir, n.meltemi, "inspect", "ledger", "--hex", "testdata/request-get.hex", "--plugin", "bin/ledger"); !strings.Contains(seen, "shop.Orders") {
		t.Errorf("inspect:\n%s", seen)
	}
	if report := n.run(n.dir, "make", "conformance"); strings.Contains(report, "FAIL") || !strings.Contains(report, "ok    replies") {
		t.Errorf("conformance:\n%s", report)
	}
	n.run(n.dir, "make", "library")
	if list := n.run(n.dir, n.meltemi, "codecs", "--lib", "bin/libmeltemi.so"); !strings.Contains(list, "ledger") {
		t.Fatalf("the library carries\n%s", list)
	}

	server := n.start(n.meltemi, "serve", "ledger", "127.0.0.1:0", "--name", "first", "--plugin", "bin/ledger")
	n.replace("127.0.0.1:7000", "127.0.0.1:0", "mesh.yaml")
	n.replace("127.0.0.1:7001", server, "mesh.yaml")
	binary := filepath.Join(root(t), ".cache", "envoy", strings.TrimPrefix(envoy, "v"), "envoy")
	ready := n.start(n.meltemi, "run", "mesh.yaml", "--library", "bin/libmeltemi.so", "--envoy", binary, "--log-level", "error")
	address, _, _ := strings.Cut(strings.TrimPrefix(ready, "ledger="), " ")

	got := n.run(n.dir, n.meltemi, "call", "ledger", address, "shop.Orders.get", "--arg", "7", "--set", "tenant=blue", "--plugin", "bin/ledger", "-o", "json")
	for _, want := range []string{`"server":"first"`, `"method":"get"`, `"tenant":"blue"`} {
		if !strings.Contains(strings.ReplaceAll(got, " ", ""), want) {
			t.Errorf("the call's answer lacks %s:\n%s", want, got)
		}
	}
	n.run(n.dir, n.meltemi, "call", "ledger", address, "shop.Orders.log", "--oneway", "--plugin", "bin/ledger")
	mod, err := os.ReadFile(filepath.Join(n.dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	return string(mod)
}

// newcomer is somebody with a shell.
type newcomer struct {
	t       *testing.T
	dir     string
	meltemi string
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

// start starts a program that runs until the test's end, and returns what follows in the
// line that says that it is ready.
func (n *newcomer) start(name string, args ...string) string {
	n.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = n.dir, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
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
