package abi

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// host is a process with libmeltemi.so in it and no Envoy (host/host.c).
type host struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
	err *output
}

// output is what a process writes to its standard error. It arrives when it likes,
// whatever the process has answered on its standard output meanwhile.
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

// event is something that the library asked for.
type event struct {
	what  string
	words []string
	bytes []byte // of the last word
}

func startHost(t *testing.T) *host {
	t.Helper()
	library := filepath.Join("..", "..", "bin", "libmeltemi.so")
	if _, err := os.Stat(library); err != nil {
		t.Fatalf("%v (make build makes it)", err)
	}
	return startHostOf(t, library)
}

// startHostOf is startHost with another library.
func startHostOf(t *testing.T, library string) *host {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "host")
	compile := exec.Command("cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-rdynamic",
		"-I", filepath.Join("..", "..", "sdk", "abi"), "-o", binary, filepath.Join("host", "host.c"), filepath.Join("host", "filter.c"), "-ldl", "-lpthread")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", compile.Args, err, out)
	}
	cmd := exec.Command(binary, library)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	h := &host{t: t, err: &output{}}
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
	h.in, h.out = in, bufio.NewReaderSize(out, 1<<20)
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the host: %v\n%s", err, h.err)
		}
	})
	return h
}

// do gives a command and returns what the library asked for, and whether it agreed.
func (h *host) do(format string, arguments ...any) (events []event, ok bool) {
	h.t.Helper()
	if _, err := fmt.Fprintf(h.in, format+"\n", arguments...); err != nil {
		h.t.Fatalf("%v\n%s", err, h.err)
	}
	for {
		line, err := h.out.ReadString('\n')
		if err != nil {
			h.t.Fatalf("%s: %v\n%s", fmt.Sprintf(format, arguments...), err, h.err)
		}
		words := strings.Fields(line)
		switch words[0] {
		case "ok", "refused":
			return events, words[0] == "ok"
		}
		e := event{what: words[0], words: words[1:]}
		e.bytes, _ = hex.DecodeString(words[len(words)-1])
		events = append(events, e)
	}
}

// must is do where the library agrees.
func (h *host) must(format string, arguments ...any) []event {
	h.t.Helper()
	events, ok := h.do(format, arguments...)
	if !ok {
		h.t.Fatalf("%s was refused\n%s", fmt.Sprintf(format, arguments...), h.err)
	}
	return events
}

// joined returns the bytes of all events of a kind.
func joined(events []event, what string) []byte {
	var all []byte
	for _, e := range events {
		if e.what == what {
			all = append(all, e.bytes...)
		}
	}
	return all
}

// slicesOf cuts bytes into slices of n, as words.
func slicesOf(b []byte, n int) string {
	var words []string
	for part := range slices.Chunk(b, n) {
		words = append(words, hex.EncodeToString(part))
	}
	return strings.Join(words, " ")
}

// manager plays the connection manager with golang.org/x/net/http2.
type manager struct {
	t       *testing.T
	in, out bytes.Buffer
	framer  *http2.Framer
	encoder *hpack.Encoder
	block   bytes.Buffer
}

func newManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{t: t}
	m.framer = http2.NewFramer(&m.out, &m.in)
	m.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	m.encoder = hpack.NewEncoder(&m.block)
	return m
}

// request reads what the library wrote, which must hold one request.
func (m *manager) request(b []byte) (stream uint32, headers []hpack.HeaderField, body []byte) {
	m.t.Helper()
	m.in.Write(bytes.TrimPrefix(b, []byte(http2.ClientPreface)))
	for m.in.Len() > 0 {
		f, err := m.framer.ReadFrame()
		if err != nil {
			m.t.Fatal(err)
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			stream, headers = f.StreamID, f.Fields
		case *http2.DataFrame:
			body = append(body, f.Data()...)
		}
	}
	return stream, headers, body
}

// respond returns a response as the connection manager would write it.
func (m *manager) respond(stream uint32, headers []hpack.HeaderField, body []byte, trailers []hpack.HeaderField) []byte {
	m.t.Helper()
	m.out.Reset()
	write := func(fields []hpack.HeaderField, end bool) {
		m.block.Reset()
		for _, f := range fields {
			if err := m.encoder.WriteField(f); err != nil {
				m.t.Fatal(err)
			}
		}
		if err := m.framer.WriteHeaders(http2.HeadersFrameParam{
			StreamID: stream, BlockFragment: m.block.Bytes(), EndHeaders: true, EndStream: end,
		}); err != nil {
			m.t.Fatal(err)
		}
	}
	write(headers, false)
	if err := m.framer.WriteData(stream, false, body); err != nil {
		m.t.Fatal(err)
	}
	write(trailers, true)
	return bytes.Clone(m.out.Bytes())
}

// headersOf reads the fields of a response or its trailers: ID STATUS END NAME VALUE ...
func headersOf(t *testing.T, e *event) (fields []hpack.HeaderField, end bool) {
	t.Helper()
	if status := e.words[1]; status != "0" {
		fields = append(fields, hpack.HeaderField{Name: ":status", Value: status})
	}
	for pair := range slices.Chunk(e.words[3:], 2) {
		name, err := hex.DecodeString(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		value, _ := hex.DecodeString(pair[1]) // "-" is empty
		fields = append(fields, hpack.HeaderField{Name: string(name), Value: string(value)})
	}
	return fields, e.words[2] == "1"
}

func frames(t *testing.T, id uint64, text string) (request, reply []byte) {
	t.Helper()
	codec := &dubbo.Codec{}
	request, err := codec.BuildRequest(nil, sdk.Request{
		ID: id, Service: "demo.Greeter", Method: "greet",
		Arguments: []sdk.Argument{{Type: "java.lang.String", Value: text}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &sdk.Message{}
	if _, err := codec.Decode(sdk.FromClient, request, m); err != nil {
		t.Fatal(err)
	}
	m.Bytes = request
	if err := codec.Metadata(m); err != nil {
		t.Fatal(err)
	}
	if reply, err = codec.BuildResponse(nil, m, sdk.Response{Result: text}); err != nil {
		t.Fatal(err)
	}
	return request, reply
}

// TestCallThroughTheLibrary makes calls through both edges of the library, in slices of
// several sizes. Server and client get the original bytes.
func TestCallThroughTheLibrary(t *testing.T) {
	h := startHost(t)
	h.must(`config {"name":"dubbo"}`)
	h.must(`bridge-config {"name":"dubbo"}`)
	for i, size := range []int{1, 3, 16, 1000, 1 << 20} {
		t.Run(fmt.Sprint("slices of ", size), func(t *testing.T) {
			id := i + 1
			request, reply := frames(t, uint64(id)<<32, strings.Repeat("grüße ", 100))
			m := newManager(t)
			h.must("open %d", id)
			stream, headers, body := m.request(joined(h.must("read %d %s", id, slicesOf(request, size)), "manager"))
			if stream != 1 || !bytes.Equal(body, request) {
				t.Fatalf("stream %d has the body\n%x, want\n%x", stream, body, request)
			}

			var words []string
			for _, f := range headers {
				words = append(words, fmt.Sprintf("%x=%x", f.Name, f.Value))
			}
			h.must("request %d %s", id, strings.Join(words, " "))
			events := h.must("data %d 1 %s", id, slicesOf(body, size))
			if got := joined(events, "server"); !bytes.Equal(got, request) {
				t.Fatalf("the server got\n%x, want\n%x", got, request)
			}
			events = h.must("upstream %d 0 %s", id, slicesOf(reply, size))
			response, _ := headersOf(t, &events[0])
			trailers, end := headersOf(t, &events[len(events)-1])
			if events[0].what != "response" || events[len(events)-1].what != "trailers" || !end {
				t.Fatalf("%+v", events)
			}
			if got := joined(events, "body"); !bytes.Equal(got, reply) {
				t.Fatalf("the response has the body\n%x, want\n%x", got, reply)
			}
			h.must("drop %d", id)

			answer := m.respond(stream, response, joined(events, "body"), trailers)
			if got := joined(h.must("write %d %s", id, slicesOf(answer, size)), "client"); !bytes.Equal(got, reply) {
				t.Errorf("the client got\n%x, want\n%x", got, reply)
			}
			h.must("run")
			h.must("close %d", id)
		})
	}
}

// TestRefusalsWait has a bridge that must refuse a request: it does so from a client
// connection's scheduler, for nothing may be answered while a request is encoded (the
// host ends if it is), and nothing reaches the server.
func TestRefusalsWait(t *testing.T) {
	h := startHost(t)
	h.must(`config {"name":"dubbo"}`)
	h.must(`bridge-config {"name":"dubbo"}`)
	h.must("open 1")
	h.must("request 1 %x=%x %x=%x", ":method", "GET", ":path", "/")
	events := h.must("data 1 1 %x", "no message")
	if len(events) > 0 {
		t.Errorf("%+v while the request was encoded", events)
	}
	events = h.must("run")
	if len(events) == 0 || events[0].what != "response" {
		t.Fatalf("no answer from the scheduler: %+v", events)
	}
	if got := joined(events, "server"); got != nil {
		t.Errorf("the server got %x", got)
	}
	h.must("drop 1")
	h.must("close 1")
}

// TestConfigurationsThatAreRefused must be refused when Envoy loads them.
func TestConfigurationsThatAreRefused(t *testing.T) {
	h := startHost(t)
	for _, config := range []string{``, `{}`, `{"name":"nobody"}`, `{"name":"dubbo","x":1}`, `{"name":"dubbo"} x`, `[`} {
		if _, ok := h.do("config %s", config); ok {
			t.Errorf("%s was taken", config)
		}
		if _, ok := h.do("bridge-config %s", config); ok {
			t.Errorf("%s was taken by the bridge", config)
		}
	}
	if !h.err.holds(`unknown codec "nobody"`) {
		t.Errorf("the log does not say why:\n%s", h.err)
	}
}

// memory is the resident set of the process, in KiB.
func (h *host) memory() int {
	h.t.Helper()
	n, err := strconv.Atoi(h.must("memory")[0].words[0])
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// TestLostCalls ends upstream requests in every state, by either side: each takes its
// memory with it, answers that wait for the scheduler among it.
func TestLostCalls(t *testing.T) {
	h := startHost(t)
	h.must(`config {"name":"dubbo"}`)
	h.must(`bridge-config {"name":"dubbo"}`)
	h.must("open 1")
	request, reply := frames(t, 1<<32, "lost")
	stream, fields, _ := newManager(t).request(joined(h.must("read 1 %x", request), "manager"))
	if stream != 1 {
		t.Fatalf("stream %d", stream)
	}
	var words []string
	for _, f := range fields {
		words = append(words, fmt.Sprintf("%x=%x", f.Name, f.Value))
	}
	headers := strings.Join(words, " ")
	states := []func(id int){
		func(int) {},
		func(id int) { h.must("data %d 0 %x", id, request[:len(request)/2]) },
		func(id int) { h.must("data %d 1 %x", id, request[:len(request)/2]) }, // refused, not told
		func(id int) { h.must("data %d 0 %x", id, request); h.must("trailers %d", id) },
		func(id int) { h.must("data %d 1 %x", id, request) },
		func(id int) { h.must("data %d 1 %x", id, request); h.must("upstream %d 0 %x", id, reply[:9]) },
		func(id int) { h.must("data %d 1 %x", id, request); h.must("upstream %d 0 %x", id, "garbage") },
		func(id int) { h.must("data %d 1 %x", id, request); h.must("upstream %d 0 %x%x", id, reply, reply[:9]) },
		func(id int) { h.must("data %d 1 %x", id, request); h.must("upstream %d 0 %x", id, reply) },
		func(id int) { h.must("upstream %d 0 %x", id, reply) },
		func(id int) { h.must("data %d 1 %x", id, request[:9]); h.must("run") },
	}
	lose := func(n int) {
		for i := range n {
			id := i % 100
			h.must("request %d %s", id, headers)
			states[i%len(states)](id)
			h.must("drop %d", id)
			if i%7 == 0 {
				h.must("run")
			}
		}
	}
	lose(5000)
	before := h.memory()
	lose(100_000)
	if grown := h.memory() - before; grown > 8<<10 {
		t.Errorf("100000 lost calls left %d KiB behind", grown)
	}
	h.must("close 1")
}

// TestLostConnections ends connections in every state: each takes its memory with it.
func TestLostConnections(t *testing.T) {
	h := startHost(t)
	h.must(`config {"name":"dubbo"}`)
	request, _ := frames(t, 1, "lost")
	memory := h.memory
	lose := func(n int) {
		for i := range n {
			id := i % 100
			h.must("open %d", id)
			switch i % 5 {
			case 1:
				h.must("read %d %x", id, request[:i%len(request)+1])
			case 2:
				h.must("read %d %x", id, request)
			case 3:
				h.must("read %d %x%x", id, request, request)
			case 4:
				if events := h.must("read %d %x", id, "garbage"); len(events) == 0 || events[len(events)-1].what != "close" {
					t.Fatalf("garbage: %+v", events)
				}
			}
			h.must("close %d", id)
			h.must("run")
		}
	}
	lose(5000)
	before := memory()
	lose(100_000)
	if grown := memory() - before; grown > 8<<10 {
		t.Errorf("100000 lost connections left %d KiB behind", grown)
	}
}

// gauges returns what the library says that it holds, as soon as it says so next.
func (h *host) gauges() map[string]int {
	h.t.Helper()
	all := map[string]int{}
	for _, e := range h.must("gauges") {
		n, err := strconv.Atoi(e.words[1])
		if err != nil {
			h.t.Fatal(err)
		}
		all[strings.TrimPrefix(e.words[0], "meltemi_")] = n
	}
	return all
}

// TestGauges compares what the library says that it holds with what it was given. After
// the configuration's end it says nothing any more (the host ends if it does).
func TestGauges(t *testing.T) {
	h := startHost(t)
	h.must(`config {"name":"dubbo"}`)
	h.must(`bridge-config {"name":"dubbo"}`)
	eventually := func(name string, want int) {
		t.Helper()
		got := 0
		for range 10 {
			if got = h.gauges()[name]; got == want {
				return
			}
		}
		t.Errorf("%s is %d, want %d", name, got, want)
	}
	for id := range 5 {
		h.must("open %d", id)
	}
	h.must("request 1 %x=%x %x=%x", ":method", "POST", ":path", "/a/b")
	eventually("handles", 6)
	eventually("configurations", 2)
	if n := h.gauges()["goroutines"]; n < 1 || n > 100 {
		t.Errorf("goroutines is %d", n)
	}
	h.must("drop 1")
	for id := range 5 {
		h.must("close %d", id)
	}
	eventually("handles", 0)
	h.must("config-destroy")
	time.Sleep(2500 * time.Millisecond) // more than two periods
	h.must("run")
}
