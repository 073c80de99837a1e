package envoytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Versions are the supported Envoys: the oldest and the newest.
var Versions = []string{"1.39.3", "1.40.0"}

// startTimeout is how long an Envoy may take to be ready on a busy machine.
const startTimeout = 60 * time.Second

// Root returns the root of the repository.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "envoy-build")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("the repository's root is not above the working directory")
		}
		dir = parent
	}
}

// Binary returns the path of an Envoy that `make envoy` has fetched.
func Binary(t testing.TB, version string) string {
	t.Helper()
	path := filepath.Join(Root(t), ".cache", "envoy", version, "envoy")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("Envoy %s is not there: run `make envoy` (%v)", version, err)
	}
	return path
}

var library struct {
	sync.Once
	dir string
	err error
}

// Library builds the library with the test protocol, once for a test binary, and
// returns the folder that holds it.
func Library(t testing.TB) string {
	t.Helper()
	root := Root(t)
	library.Do(func() {
		library.dir = filepath.Join(root, ".cache", "testlib")
		cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-tags=netgo,osusergo",
			"-ldflags", `-s -w -extldflags "-Wl,-z,lazy"`,
			"-o", filepath.Join(library.dir, "libmeltemi.so"), "./sdk/internal/testlib")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			library.err = fmt.Errorf("building the test library: %w\n%s", err, out)
		}
	})
	if library.err != nil {
		t.Fatal(library.err)
	}
	return library.dir
}

// Envoy is a running Envoy.
type Envoy struct {
	t     testing.TB
	cmd   *exec.Cmd
	admin string
	log   *lockedBuffer
	done  chan struct{}
}

// Start runs an Envoy with that bootstrap and stops it at the test's end. The
// bootstrap gets an admin interface. Its log is shown if the test fails.
func Start(t testing.TB, version, libraryDir string, bootstrap map[string]any, env ...string) *Envoy {
	t.Helper()
	dir := t.TempDir()
	adminFile := filepath.Join(dir, "admin")
	bootstrap["admin"] = map[string]any{"address": Address("127.0.0.1", 0)}
	config, err := json.MarshalIndent(bootstrap, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	configFile := filepath.Join(dir, "envoy.json")
	if err := os.WriteFile(configFile, config, 0o600); err != nil {
		t.Fatal(err)
	}
	e := &Envoy{t: t, log: &lockedBuffer{}, done: make(chan struct{})}
	e.cmd = exec.Command(Binary(t, version), "-c", configFile, "--use-dynamic-base-id", "--concurrency", "1",
		"--admin-address-path", adminFile, "--log-level", "warning", "--component-log-level", "dynamic_modules:info,wasm:info",
		"--drain-time-s", "3", "--parent-shutdown-time-s", "5", "--file-flush-interval-msec", "50")
	e.cmd.Env = append(append(os.Environ(), "ENVOY_DYNAMIC_MODULES_SEARCH_PATH="+libraryDir), env...)
	e.cmd.Stdout, e.cmd.Stderr = e.log, e.log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = e.cmd.Wait()
		close(e.done)
	}()
	t.Cleanup(e.stop)
	e.awaitReady(adminFile)
	return e
}

func (e *Envoy) awaitReady(adminFile string) {
	e.t.Helper()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case <-e.done:
			e.t.Fatalf("Envoy ended: %v\n%s", e.cmd.ProcessState, e.log)
		default:
		}
		if e.admin == "" {
			address, err := os.ReadFile(adminFile)
			if err != nil || len(address) == 0 {
				continue
			}
			e.admin = "http://" + strings.TrimSpace(string(address))
		}
		if text, err := e.get("/ready"); err == nil && strings.HasPrefix(text, "LIVE") {
			return
		}
	}
	e.t.Fatalf("Envoy is not ready after %v\n%s", startTimeout, e.log)
}

// Validate asks Envoy whether it takes a bootstrap, and returns its log.
func Validate(t testing.TB, version, libraryDir string, bootstrap map[string]any) (log string, ok bool) {
	t.Helper()
	cmd := exec.Command(Binary(t, version), "--mode", "validate", "--config-yaml", toJSON(t, bootstrap),
		"--use-dynamic-base-id", "--log-level", "info")
	cmd.Env = append(cmd.Environ(), "ENVOY_DYNAMIC_MODULES_SEARCH_PATH="+libraryDir)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (e *Envoy) stop() {
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.done:
	case <-time.After(10 * time.Second):
		_ = e.cmd.Process.Kill()
		<-e.done
	}
	// Our own end by SIGTERM is status 0; anything else is a crash.
	if !e.cmd.ProcessState.Success() {
		e.t.Errorf("Envoy ended badly: %v", e.cmd.ProcessState)
	}
	if e.t.Failed() {
		e.t.Logf("Envoy's log:\n%s", e.log)
	}
}

// Log returns what Envoy has logged. What it has just written may not have arrived yet.
func (e *Envoy) Log() string { return e.log.String() }

// Logs waits until the log holds the text, ten seconds at most.
func (e *Envoy) Logs(text string) bool {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(e.Log(), text) {
			return true
		}
	}
	return false
}

// Alive reports whether the process runs.
func (e *Envoy) Alive() bool {
	select {
	case <-e.done:
		return false
	default:
		return true
	}
}

func (e *Envoy) get(path string) (string, error) { return e.do(http.MethodGet, path) }

// Post makes the admin interface do something.
func (e *Envoy) Post(path string) {
	e.t.Helper()
	if _, err := e.do(http.MethodPost, path); err != nil {
		e.t.Fatalf("admin %s: %v", path, err)
	}
}

func (e *Envoy) do(method, path string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, e.admin+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// Admin returns what the admin interface answers to a GET.
func (e *Envoy) Admin(path string) string {
	e.t.Helper()
	text, err := e.get(path)
	if err != nil {
		e.t.Fatalf("admin %s: %v", path, err)
	}
	return text
}

// Port returns the port that a listener is bound to.
func (e *Envoy) Port(listener string) int {
	e.t.Helper()
	for line := range strings.Lines(e.Admin("/listeners")) {
		name, address, ok := strings.Cut(strings.TrimSpace(line), "::")
		if !ok || name != listener {
			continue
		}
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			e.t.Fatal(err)
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			e.t.Fatal(err)
		}
		return n
	}
	e.t.Fatalf("Envoy has no listener %q", listener)
	return 0
}

// Stat returns a counter or gauge, 0 if Envoy has none of that name.
func (e *Envoy) Stat(name string) int {
	e.t.Helper()
	for line := range strings.Lines(e.Admin("/stats?filter=" + name)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || key != name {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			e.t.Fatalf("stat %s: %v", name, err)
		}
		return n
	}
	return 0
}

// Meltemi returns one of the library's metrics.
func (e *Envoy) Meltemi(name string) int {
	e.t.Helper()
	return e.Stat("dynamicmodulescustom.meltemi_" + name)
}

// Eventually waits until a stat has that value: Envoy's workers hand their numbers
// over with a delay.
func (e *Envoy) Eventually(stat string, want int) {
	e.t.Helper()
	got := 0
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = e.Stat(stat); got == want {
			return
		}
	}
	e.t.Errorf("stat %s is %d, want %d", stat, got, want)
}

// lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
