package contribtest

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// host is a process with a library in it and no Envoy (host/host.c).
type host struct {
	t   testing.TB
	err *output

	writing sync.Mutex
	in      io.Writer

	mu      sync.Mutex
	replies chan []string         // to commands that are answered at once
	objects map[string]chan event // by kind and number
	ended   bool
}

// event is something that the library asked for, or that goes on in Envoy because of it.
type event struct {
	what  string
	words []string // after the number
}

// output is what a process writes to its standard error. It arrives when it likes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// holds waits until the text has arrived, ten seconds at most.
func (o *output) holds(text string) bool {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if strings.Contains(o.String(), text) {
			return true
		}
	}
	return false
}

// built are the two programs, made once for all tests.
var built = sync.OnceValues(build)

// TestMain removes what was built.
func TestMain(m *testing.M) {
	code := m.Run()
	if paths, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(paths[0]))
	}
	os.Exit(code)
}

func build() (paths [2]string, err error) {
	dir, err := os.MkdirTemp("", "contribtest-")
	if err != nil {
		return paths, err
	}
	paths = [2]string{filepath.Join(dir, "host"), filepath.Join(dir, "libtest.so")}
	envoy, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/envoyproxy/envoy").Output()
	if err != nil {
		return paths, err
	}
	common := filepath.Join(strings.TrimSpace(string(envoy)), "contrib", "golang", "common")
	sources, err := filepath.Glob("host/*.c")
	if err != nil {
		return paths, err
	}
	for _, command := range [][]string{
		append([]string{
			"cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-rdynamic",
			"-I", filepath.Join(common, "go", "api"), "-I", filepath.Join(common, "dso"), "-o", paths[0], "-ldl", "-lpthread",
		}, sources...),
		{
			"go", "build", "-buildmode=c-shared", "-tags", "netgo,osusergo", "-ldflags", `-s -w -extldflags "-Wl,-z,lazy"`,
			"-o", paths[1], "../internal/testlib",
		},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return paths, fmt.Errorf("%v: %w\n%s", command, err, out)
		}
	}
	return paths, nil
}

// startHost starts a host of the tests' library.
func startHost(t *testing.T) *host {
	t.Helper()
	paths, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return startWith(t, paths[1])
}

// startWith starts a host that ends with the test, and must end well.
func startWith(t *testing.T, library string) *host {
	t.Helper()
	paths, err := built()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(paths[0], library)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	h := &host{t: t, err: &output{}, replies: make(chan []string, 1), objects: map[string]chan event{}}
	cmd.Stderr = h.err
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h.in = in
	read := make(chan struct{})
	go func() {
		defer close(read)
		h.read(bufio.NewReaderSize(out, 1<<20))
	}()
	t.Cleanup(func() {
		_ = in.Close()
		<-read
		if err := cmd.Wait(); err != nil {
			t.Errorf("the host: %v\n%s", err, h.err)
		}
	})
	return h
}

// read hands events to whom they are for.
func (h *host) read(out *bufio.Reader) {
	for {
		line, err := out.ReadString('\n')
		if err != nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.ended = true
			close(h.replies)
			for _, c := range h.objects {
				close(c)
			}
			return
		}
		words := strings.Fields(line)
		switch words[0] {
		case "config", "metric", "refused", "garbage":
			h.replies <- words
		default:
			h.object(kind(words[0]) + words[1]) <- event{words[0], words[2:]}
		}
	}
}

// kind is what the number of an event counts.
func kind(what string) string {
	switch what {
	case "write", "close":
		return "connection "
	case "upstream-connect":
		return "dial "
	case "upstream-write", "upstream-close":
		return "upstream "
	}
	return "request "
}

// object is the queue of what happens to an object. It is never full in a test.
func (h *host) object(name string) chan event {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.objects[name]
	if c == nil {
		c = make(chan event, 1<<12)
		if h.ended {
			close(c)
		}
		h.objects[name] = c
	}
	return c
}

// tell gives a command.
func (h *host) tell(format string, arguments ...any) {
	h.writing.Lock()
	defer h.writing.Unlock()
	_, _ = fmt.Fprintf(h.in, format+"\n", arguments...) // the test sees that nothing comes of it
}

// ask gives a command that is answered at once. Only the test's own goroutine asks.
func (h *host) ask(format string, arguments ...any) []string {
	h.t.Helper()
	h.tell(format, arguments...)
	select {
	case words, ok := <-h.replies:
		if !ok {
			h.t.Fatalf("the host has ended:\n%s", h.err)
		}
		return words
	case <-time.After(20 * time.Second):
		h.t.Fatalf("%s: no answer\n%s", fmt.Sprintf(format, arguments...), h.err)
	}
	return nil
}

// must is the number that comes of a configuration.
func (h *host) must(words []string) string {
	h.t.Helper()
	if words[0] != "config" {
		h.t.Fatalf("it was refused:\n%s", h.err)
	}
	return words[1]
}

// collects checks that Go gives back what is gone: an object that a cycle keeps would stay
// for ever.
func (h *host) collects() {
	h.t.Helper()
	words := []string{"", ""}
	for end := time.Now().Add(10 * time.Second); words[1] != "0" && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		words = h.ask("garbage")
	}
	if words[1] != "0" {
		h.t.Errorf("%s objects that are gone are not given back", words[1])
	}
}

// inHex is how bytes cross.
func inHex[T string | []byte](b T) string {
	if len(b) == 0 {
		return "-"
	}
	return hex.EncodeToString([]byte(b))
}

func fromHex(tb testing.TB, word string) []byte {
	tb.Helper()
	if word == "-" {
		return nil
	}
	b, err := hex.DecodeString(word)
	if err != nil {
		tb.Error(err)
	}
	return b
}

// inAny is a configuration as Envoy hands it over.
func inAny(tb testing.TB, message proto.Message) string {
	tb.Helper()
	config, err := anypb.New(message)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := proto.Marshal(config)
	if err != nil {
		tb.Fatal(err)
	}
	return inHex(b)
}

// text is a configuration in JSON.
func text(tb testing.TB, json string) string {
	tb.Helper()
	return inAny(tb, wrapperspb.String(json))
}
