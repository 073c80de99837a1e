package nethost

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestFilterConformance runs the checks of hosts on plain connections.
func TestFilterConformance(t *testing.T) {
	hosttest.Run(t, startProbe, filter.CallHTTP, filter.CallGRPC, filter.RouteConfigs, filter.AccessLogs, filter.TraceTags)
}

// probed is a path of calls with the probe in it; hosttest.Host.
type probed struct {
	config *filterhost.Config
	client net.Conn
	calls  uint64

	mu      sync.Mutex
	log     strings.Builder
	metrics map[string]int
	seen    []testcodec.Message
}

func startProbe(t *testing.T, s hosttest.Setup) hosttest.Host {
	t.Helper()
	h := newProbed(t, s.Config)
	h.client = startWith(t, `{"name":"toy"}`, &http2.Server{}, false, h.serve, h.filter)
	return h
}

// newProbed makes the probe, on no path yet.
func newProbed(t *testing.T, config string) *probed {
	t.Helper()
	h := &probed{metrics: map[string]int{}}
	text := `{"codec":{"name":"toy"}}`
	if config != "" {
		text = `{"codec":{"name":"toy"},"config":` + config + `}`
	}
	var err error
	h.config, err = filterhost.New(probe.Name, []byte(text), []sdk.Definition{testcodec.Definition()}, []filter.Definition{probe.Definition()}, filterhost.Env{
		Has:         []filter.Capability{filter.ReadPayload, filter.WaitCalls, filter.AnswerCalls, filter.Statistics, filter.System},
		Now:         time.Now,
		Cancellable: func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) },
		Define:      func(*filter.Metric, string) error { return nil },
		LogOn:       func(filter.Level) bool { return true },
		Log:         func(_ filter.Level, text string) { h.logf("%s", text) },
		OnPanic:     h.panicked(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// filter is the probe before a handler.
func (h *probed) filter(next http.Handler) http.Handler {
	return &Filter{Config: h.config, Next: next, Source: "client:1", Destination: "server:2", Record: h.record}
}

// TestInnerFilterResets has two filters, of which the inner one resets the call: the outer
// one hears of its end all the same.
func TestInnerFilterResets(t *testing.T) {
	outer, inner := newProbed(t, ""), newProbed(t, "")
	server := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the server got the call") })
	r := httptest.NewRequest(http.MethodPost, "/Orders/get", http.NoBody)
	r.Header.Set("content-type", "application/grpc+toy")
	r.Header.Set("x-rpc-"+probe.KeyRequest, "set:"+probe.KeyRequest+"=reset") // for the inner one
	func() {
		defer func() {
			if value := recover(); value != http.ErrAbortHandler {
				t.Errorf("the stream ends with %v", value)
			}
		}()
		outer.filter(inner.filter(server)).ServeHTTP(httptest.NewRecorder(), r)
	}()
	for name, h := range map[string]*probed{"outer": outer, "inner": inner} {
		if n := h.Metric(t, "ends_total", "get", "none"); n != 1 || h.Metric(t, "open") != 0 {
			t.Errorf("%s: %d ends, %d open", name, n, h.Metric(t, "open"))
		}
	}
}

// panicked logs each panic once.
func (h *probed) panicked() func(where string, value any, stack []byte) {
	told := map[string]bool{}
	return func(where string, value any, _ []byte) {
		text := fmt.Sprintf("%s: %v", where, value)
		h.mu.Lock()
		known := told[text]
		told[text] = true
		h.mu.Unlock()
		if !known {
			h.logf("%s", text)
		}
	}
}

func (h *probed) logf(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintf(&h.log, format+"\n", args...)
}

func (h *probed) record(m *filter.Metric, op filter.Op, n uint64, labels []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delta := int(n)
	if op == filter.OpSub {
		delta = -delta
	}
	h.metrics[strings.Join(append([]string{m.Name}, labels...), ".")] += delta
}

func (h *probed) serve(conn net.Conn, m testcodec.Message) {
	h.mu.Lock()
	h.seen = append(h.seen, m)
	h.mu.Unlock()
	echo(conn, m)
}

// Do implements hosttest.Host.
func (h *probed) Do(t *testing.T, c hosttest.Call) hosttest.Result {
	t.Helper()
	h.calls++
	m := hosttest.Toy(h.calls, c)
	h.mu.Lock()
	h.seen = nil
	h.mu.Unlock()
	start := time.Now()
	if _, err := h.client.Write(testcodec.Append(nil, m)); err != nil {
		t.Fatal(err)
	}
	if c.OneWay {
		return hosttest.Result{}
	}
	got := next(t, h.client)
	took := time.Since(start)
	h.mu.Lock()
	defer h.mu.Unlock()
	return hosttest.ToyResult(got, took, h.seen)
}

// next is the message that a client gets next.
func next(t *testing.T, client net.Conn) testcodec.Message {
	t.Helper()
	_ = client.SetReadDeadline(time.Now().Add(20 * time.Second))
	var buf []byte
	chunk := make([]byte, 64<<10)
	for {
		if m, rest, ok := testcodec.Parse(buf); ok {
			if len(rest) > 0 {
				t.Errorf("%d bytes follow the answer", len(rest))
			}
			return m
		}
		n, err := client.Read(chunk)
		if err != nil {
			t.Fatal(err)
		}
		buf = append(buf, chunk[:n]...)
	}
}

// Metric implements hosttest.Host.
func (h *probed) Metric(_ *testing.T, name string, labels ...string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.metrics[strings.Join(append([]string{name}, labels...), ".")]
}

// Drop implements hosttest.Dropper.
func (h *probed) Drop(*testing.T) { h.config.Close() }

// Logs implements hosttest.Host.
func (h *probed) Logs() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}
