package rpcserver

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/rpcclient"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/toycodec"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// handlerFunc is a handler of one function.
type handlerFunc func(ctx context.Context, call *Call) Answer

func (f handlerFunc) Handle(ctx context.Context, call *Call) Answer { return f(ctx, call) }

// echo answers with the method.
var echo = handlerFunc(func(_ context.Context, call *Call) Answer {
	return Answer{Response: sdk.Response{Result: string(call.Message.Method)}}
})

// running is a server in a test.
type running struct {
	*Server
	t       *testing.T
	address string

	mu     sync.Mutex
	errors []string
}

// start runs a server. tune may change it before it serves.
func start(t *testing.T, codec sdk.Codec, h Handler, tune func(*Server)) *running {
	t.Helper()
	r := &running{t: t}
	s, err := New(Options{Codec: codec, Handler: h, MaxMessage: 1 << 20, OnError: func(_ net.Addr, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.errors = append(r.errors, err.Error())
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.Server = s
	if tune != nil {
		tune(s)
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // no patience
		_ = s.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *running) dial() *rpcclient.Conn {
	r.t.Helper()
	c, err := rpcclient.Dial(r.t.Context(), r.address, rpcclient.Options{Codec: &toycodec.Codec{}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Close)
	return c
}

// raw is a connection for bytes of any kind.
func (r *running) raw() net.Conn {
	r.t.Helper()
	c, err := (&net.Dialer{}).DialContext(r.t.Context(), "tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// wantError waits for a report that holds text.
func (r *running) wantError(text string) {
	r.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		r.mu.Lock()
		all := strings.Join(r.errors, "\n")
		r.mu.Unlock()
		if strings.Contains(all, text) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("no report of %q, only %q", text, all)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func mustCall(t *testing.T, c *rpcclient.Conn, method string) *rpcclient.Reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := c.Call(ctx, &sdk.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

func request(t *testing.T, id uint64, method string) []byte {
	t.Helper()
	b, err := toycodec.Append(nil, 'q', id, map[string]string{"method": method})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func next(t *testing.T, r *framing.Reader) *sdk.Message {
	t.Helper()
	m := new(sdk.Message)
	if err := r.Next(m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestServe(t *testing.T) {
	c := start(t, &toycodec.Codec{}, echo, nil).dial()
	for _, method := range []string{"a", "b"} {
		if r := mustCall(t, c, method); r.View.Result != method {
			t.Errorf("got %v, want %s", r.View.Result, method)
		}
	}
	if err := c.Send(t.Context(), &sdk.Request{Method: "c"}); err != nil {
		t.Error(err)
	}
}

func TestCallsOfOneConnectionOvertake(t *testing.T) {
	release := make(chan struct{})
	s := start(t, &toycodec.Codec{}, handlerFunc(func(ctx context.Context, call *Call) Answer {
		if string(call.Message.Method) == "slow" {
			<-release
		}
		return echo(ctx, call)
	}), nil)
	c := s.raw()
	write(t, c, append(request(t, 1, "slow"), request(t, 2, "fast")...))
	in := framing.NewReader(c, &toycodec.Codec{}, sdk.FromServer, 0)
	if m := next(t, in); m.ID != 2 {
		t.Errorf("the first answer has id %d, want 2", m.ID)
	}
	close(release)
	if m := next(t, in); m.ID != 1 {
		t.Errorf("the second answer has id %d, want 1", m.ID)
	}
}

func TestCallsInOrder(t *testing.T) {
	codec, err := toycodec.Definition().New([]byte(`{"ordered":true}`))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, codec, handlerFunc(func(ctx context.Context, call *Call) Answer {
		if string(call.Message.Method) == "slow" {
			time.Sleep(20 * time.Millisecond)
		}
		return echo(ctx, call)
	}), nil)
	c := s.raw()
	write(t, c, append(request(t, 1, "slow"), request(t, 2, "fast")...))
	in := framing.NewReader(c, codec, sdk.FromServer, 0)
	for want := uint64(1); want <= 2; want++ {
		if m := next(t, in); m.ID != want {
			t.Errorf("answer with id %d, want %d", m.ID, want)
		}
	}
}

func TestUnreadableRequestCostsItselfOnly(t *testing.T) {
	s := start(t, &toycodec.Codec{}, echo, nil)
	c := s.raw()
	write(t, c, append([]byte("Tq\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x02xx"), request(t, 8, "m")...))
	in := framing.NewReader(c, &toycodec.Codec{}, sdk.FromServer, 0)
	m := next(t, in)
	if err := (&toycodec.Codec{}).Metadata(m); err != nil {
		t.Fatal(err)
	}
	if m.ID != 7 || m.Status.Code != sdk.InvalidArgument || !strings.Contains(string(m.Status.Message), "at byte 14") {
		t.Errorf("got id %d, %+v", m.ID, m.Status)
	}
	if m := next(t, in); m.ID != 8 {
		t.Errorf("then id %d, want 8", m.ID)
	}
	s.wantError("refused a request: malformed: body: at byte 14")
}

func TestHostileClientsLoseTheirConnectionOnly(t *testing.T) {
	s := start(t, &toycodec.Codec{}, echo, func(s *Server) { s.messageTime = 50 * time.Millisecond })
	good := s.dial()
	for name, test := range map[string]struct{ send, want string }{
		"other protocol": {"GET / HTTP/1.1\r\n\r\n", "magic: at byte 0"},
		"too large":      {"Tq\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x00\x00\x00", "over the limit of 1048576 bytes"},
		"too slow":       {"Tq\x00", "client too slow: 3 bytes of a message in 50ms"},
	} {
		c := s.raw()
		write(t, c, []byte(test.send))
		if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %v", name, err)
		}
		s.wantError(test.want)
	}
	half := s.raw()
	write(t, half, []byte("Tq\x00"))
	_ = half.Close()
	s.wantError("ends in the middle of a message: 3 of 14 bytes are there")
	if r := mustCall(t, good, "m"); !r.OK() {
		t.Errorf("the good client got %+v", r)
	}
}

func TestClientThatDoesNotReadIsCutOff(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	s := start(t, &toycodec.Codec{}, handlerFunc(func(context.Context, *Call) Answer {
		return Answer{Response: sdk.Response{Result: big}}
	}), func(s *Server) { s.writeTime = 100 * time.Millisecond })
	c := s.raw()
	for id := range uint64(64) { // more than the kernel's buffers hold
		if _, err := c.Write(request(t, id, "m")); err != nil {
			break
		}
	}
	s.wantError("i/o timeout")
}

func TestPanicsCostOneCall(t *testing.T) {
	s := start(t, &panicking{}, echo, nil)
	c := s.dial()
	if r := mustCall(t, c, "m"); r.OK() || r.Status.Code != sdk.Internal {
		t.Errorf("got %+v", r)
	}
	if r := mustCall(t, c, "m"); r.Status.Code != sdk.Internal {
		t.Errorf("then got %+v", r)
	}
}

// panicking cannot build responses.
type panicking struct{ toycodec.Codec }

func (*panicking) BuildResponse([]byte, *sdk.Message, sdk.Response) ([]byte, error) { panic("no") }

func TestShutdownFinishesOpenCalls(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := start(t, &toycodec.Codec{}, handlerFunc(func(ctx context.Context, call *Call) Answer {
		close(entered)
		<-release
		return echo(ctx, call)
	}), nil)
	c := s.raw()
	idle := s.raw()
	write(t, c, request(t, 1, "m"))
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	in := framing.NewReader(c, &toycodec.Codec{}, sdk.FromServer, 0)
	if m := next(t, in); m.Kind != sdk.KindGoAway {
		t.Fatalf("got a %v, want a go-away", m.Kind)
	}
	close(release)
	if m := next(t, in); m.Kind != sdk.KindResponse || m.ID != 1 {
		t.Fatalf("got a %v with id %d, want the answer", m.Kind, m.ID)
	}
	for name, conn := range map[string]net.Conn{"busy": c, "idle": idle} {
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("%s: %v, want the end", name, err)
		}
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.address); err == nil {
		t.Error("still accepts connections")
	}
}

func TestShutdownLosesPatience(t *testing.T) {
	entered := make(chan struct{})
	s := start(t, &toycodec.Codec{}, handlerFunc(func(ctx context.Context, _ *Call) Answer {
		close(entered)
		<-ctx.Done()
		return Answer{}
	}), nil)
	c := s.raw()
	write(t, c, request(t, 1, "m"))
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestGateBoundsCallsAndBytes(t *testing.T) {
	g := newGate(2, 100)
	g.enter(1000) // one always fits
	entered := make(chan struct{})
	go func() {
		g.enter(1)
		close(entered)
	}()
	select {
	case <-entered:
		t.Fatal("entered beyond the bytes")
	case <-time.After(20 * time.Millisecond):
	}
	g.leave(1000)
	<-entered
	g.enter(1)
	go g.enter(1)
	time.Sleep(10 * time.Millisecond)
	if g.mu.Lock(); g.calls != 2 {
		t.Errorf("%d calls, want 2", g.calls)
	}
	g.mu.Unlock()
	g.leave(1)
}

func TestNewRefusesCodecsThatCannotAnswer(t *testing.T) {
	if _, err := New(Options{Codec: bare{}}); err == nil || err.Error() != "codec bare cannot make responses" {
		t.Errorf("got %v", err)
	}
}

// bare is a codec with nothing optional.
type bare struct{ sdk.Codec }

func (bare) Name() string { return "bare" }
