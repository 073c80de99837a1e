package nethost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

func parse(t *testing.T, config string) *engine.Config {
	t.Helper()
	c, err := engine.ParseConfig([]byte(config), []sdk.Definition{testcodec.Definition()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// slow splits what is written into single bytes.
type slow struct{ net.Conn }

func (s slow) Write(b []byte) (int, error) {
	for i := range b {
		if n, err := s.Conn.Write(b[i : i+1]); err != nil {
			return i + n, err
		}
	}
	return len(b), nil
}

// start runs the whole path: an RPC client, the client's edge, the HTTP/2 server of
// golang.org/x/net, the server's edge, an RPC server. It returns the client's end.
func start(t *testing.T, config string, server *http2.Server, bytewise bool, serve func(net.Conn, testcodec.Message)) net.Conn {
	t.Helper()
	return startWith(t, config, server, bytewise, serve, func(h http.Handler) http.Handler { return h })
}

// startWith is start with something between the two edges.
func startWith(t *testing.T, config string, server *http2.Server, bytewise bool, serve func(net.Conn, testcodec.Message),
	between func(http.Handler) http.Handler,
) net.Conn {
	t.Helper()
	cfg := parse(t, config)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go messages(conn, func(m testcodec.Message) { serve(conn, m) })
		}
	}()
	handler := &Handler{Config: cfg, Dial: func(context.Context) (net.Conn, error) {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err == nil && bytewise {
			conn = slow{conn}
		}
		return conn, err
	}}
	t.Cleanup(handler.Close)
	client, rpc := pipe(t)
	edge, manager := pipe(t)
	if bytewise {
		edge, manager, rpc = slow{edge}, slow{manager}, slow{rpc}
	}
	go server.ServeConn(manager, &http2.ServeConnOpts{Handler: between(handler)})
	done := make(chan error, 1)
	go func() { done <- Client(cfg, rpc, edge, nil) }()
	// This server holds a client to its windows before the client can know them.
	time.Sleep(50 * time.Millisecond)
	t.Cleanup(func() {
		_ = client.Close()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the host ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the host did not end")
		}
	})
	return client
}

// pipe returns a connection's two ends, with the buffers of a real one.
func pipe(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	return near, far
}

func messages(conn net.Conn, f func(testcodec.Message)) {
	var buf []byte
	chunk := make([]byte, 4096)
	for {
		n, err := conn.Read(chunk)
		buf = append(buf, chunk[:n]...)
		for {
			m, rest, ok := testcodec.Parse(buf)
			if !ok {
				break
			}
			buf = rest
			f(m)
		}
		if err != nil {
			return
		}
	}
}

func echo(conn net.Conn, m testcodec.Message) {
	if m.Kind == sdk.KindRequest {
		_, _ = conn.Write(testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: m.ID, Payload: m.Payload, Entries: m.Entries}))
	}
}

// TestCalls runs mixed calls through settings that a real server may have, whole and
// byte by byte.
func TestCalls(t *testing.T) {
	servers := map[string]func() *http2.Server{
		"ordinary":   func() *http2.Server { return &http2.Server{} },
		"one stream": func() *http2.Server { return &http2.Server{MaxConcurrentStreams: 1} },
		"tiny windows": func() *http2.Server {
			return &http2.Server{MaxUploadBufferPerStream: 1, MaxUploadBufferPerConnection: 65536}
		},
		"small frames": func() *http2.Server { return &http2.Server{MaxReadFrameSize: 16384} },
	}
	for name, server := range servers {
		for _, bytewise := range []bool{false, true} {
			t.Run(fmt.Sprint(name, "/bytewise=", bytewise), func(t *testing.T) {
				client := start(t, `{"name":"toy"}`, server(), bytewise, echo)
				const calls = 60
				go func() {
					for i := range calls {
						m := testcodec.Message{Kind: sdk.KindRequest, ID: uint64(i), Service: "s", Method: "m", Entries: [][2]string{{"k", "v"}}, Payload: payload(i)}
						if i%7 == 3 {
							m.Kind = sdk.KindOneWay
						}
						if _, err := client.Write(testcodec.Append(nil, m)); err != nil {
							return
						}
					}
				}()
				want := map[uint64]bool{}
				for i := range calls {
					if i%7 != 3 {
						want[uint64(i)] = true
					}
				}
				_ = client.SetReadDeadline(time.Now().Add(30 * time.Second))
				got := 0
				messages(client, func(m testcodec.Message) {
					if !want[m.ID] || m.Payload != payload(int(m.ID)) || m.Entry("k") != "v" {
						t.Errorf("got %+v", m)
					}
					delete(want, m.ID)
					if got++; len(want) == 0 {
						_ = client.SetReadDeadline(time.Now())
					}
				})
				if len(want) > 0 {
					t.Errorf("no answer to %v", want)
				}
			})
		}
	}
}

func payload(i int) string { return strings.Repeat(fmt.Sprint(i, "."), 50*(i%9)) }

// TestNoServer calls a server that is not there.
func TestNoServer(t *testing.T) {
	cfg := parse(t, `{"name":"toy"}`)
	handler := &Handler{Config: cfg, Dial: func(context.Context) (net.Conn, error) { return nil, io.ErrClosedPipe }}
	client, rpc := pipe(t)
	edge, manager := pipe(t)
	go (&http2.Server{}).ServeConn(manager, &http2.ServeConnOpts{Handler: handler})
	go func() { _ = Client(cfg, rpc, edge, nil) }()
	_, _ = client.Write(testcodec.Append(nil, testcodec.Message{Kind: sdk.KindRequest, ID: 9, Service: "s", Method: "m"}))
	_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
	messages(client, func(m testcodec.Message) {
		if m.ID != 9 || m.Status != sdk.Unavailable || m.Entry("cause") != "connect_failure" {
			t.Errorf("got %+v", m)
		}
		_ = client.SetReadDeadline(time.Now())
	})
}

// TestDeadlineWhileDialling has a call whose time is over before there is a connection.
func TestDeadlineWhileDialling(t *testing.T) {
	h := &Handler{Config: parse(t, `{"name":"toy"}`), Dial: func(ctx context.Context) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	r := httptest.NewRequest(http.MethodPost, "/s/m", http.NoBody)
	r.Header.Set("grpc-timeout", "20m")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if code, cause := w.Header().Get("grpc-status"), w.Header().Get("x-meltemi-cause"); code != "4" || cause != "504 UT response_timeout" {
		t.Errorf("status %q, cause %q", code, cause)
	}
}

// TestIdleConnectionsAge: one that nobody uses any more is ended, and one that is used is not.
func TestIdleConnectionsAge(t *testing.T) {
	const limit = 200 * time.Millisecond
	servers := make(chan net.Conn, 10)
	h := &Handler{Config: parse(t, `{"name":"toy"}`), IdleLimit: limit, Dial: func(context.Context) (net.Conn, error) {
		near, far := pipe(t)
		servers <- far
		return near, nil
	}}
	t.Cleanup(h.Close)
	kept := time.Now()
	for range 2 { // so that the second is younger
		conn, err := h.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h.give(conn)
		time.Sleep(limit / 4)
	}
	for range 2 {
		far := <-servers
		_ = far.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the connection ends with %v", err)
		}
	}
	if took := time.Since(kept); took < limit+limit/4 {
		t.Errorf("both are gone after %v", took)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.idle) > 0 || h.timer != nil {
		t.Errorf("%d are kept", len(h.idle))
	}
}

// TestPassThrough speaks HTTP/2 to the RPC port.
func TestPassThrough(t *testing.T) {
	cfg := parse(t, `{"name":"toy"}`)
	client, rpc := pipe(t)
	edge, manager := pipe(t)
	go func() { _ = Client(cfg, rpc, edge, nil) }()
	sent := []byte(http2.ClientPreface + "anything at all")
	for i := range sent {
		if _, err := client.Write(sent[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, len(sent))
	_ = manager.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(manager, got); err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%v: %q", err, got)
	}
	if _, err := manager.Write([]byte("back")); err != nil {
		t.Fatal(err)
	}
	_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(client, got[:4]); err != nil || string(got[:4]) != "back" {
		t.Fatalf("%v: %q", err, got[:4])
	}
}

// TestOrdered has a server that answers the first call last.
func TestOrdered(t *testing.T) {
	first := make(chan struct{})
	client := start(t, `{"name":"toy","config":{"in_sequence":true}}`, &http2.Server{}, false, func(conn net.Conn, m testcodec.Message) {
		go func() {
			if m.ID == 0 {
				<-first
			} else if m.ID == 4 {
				close(first)
			}
			echo(conn, m)
		}()
	})
	for i := range 5 {
		_, _ = client.Write(testcodec.Append(nil, testcodec.Message{Kind: sdk.KindRequest, ID: uint64(i), Service: "s", Method: "m", Payload: "x"}))
	}
	_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
	next := uint64(0)
	messages(client, func(m testcodec.Message) {
		if m.ID != next {
			t.Errorf("got the answer to %d, want %d", m.ID, next)
		}
		if next++; next == 5 {
			_ = client.SetReadDeadline(time.Now())
		}
	})
	if next != 5 {
		t.Errorf("%d answers, want 5", next)
	}
}
