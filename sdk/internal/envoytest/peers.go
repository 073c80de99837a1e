package envoytest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// callTimeout is how long a test waits for a reply that should come at once.
const callTimeout = 20 * time.Second

// Server is an RPC server of the test protocol.
type Server struct {
	Port        int
	Connections atomic.Int64 // that were ever accepted
	Calls       atomic.Int64 // requests and one-way calls that arrived

	listener net.Listener
	mu       sync.Mutex
	seen     []testcodec.Message
	conns    map[net.Conn]bool
	wg       sync.WaitGroup
}

// Handler answers a message. It may write anything to the connection, or close it.
type Handler func(conn net.Conn, m testcodec.Message)

// Echo answers each request with its payload and its entries.
func Echo(conn net.Conn, m testcodec.Message) {
	if m.Kind == sdk.KindRequest {
		Answer(conn, m, m.Payload)
	}
}

// Answer answers a request with a payload and the request's entries.
func Answer(conn net.Conn, m testcodec.Message, payload string) {
	_, _ = conn.Write(testcodec.Append(nil, testcodec.Message{
		Kind: sdk.KindResponse, ID: m.ID, Payload: payload, Entries: m.Entries,
	}))
}

// Serve starts a server and stops it at the test's end.
func Serve(t testing.TB, handle Handler) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Port: l.Addr().(*net.TCPAddr).Port, listener: l, conns: map[net.Conn]bool{}}
	s.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.Connections.Add(1)
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			s.wg.Go(func() { s.serve(conn, handle) })
		}
	})
	t.Cleanup(s.Close)
	return s
}

// Close ends the server and its connections.
func (s *Server) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// Eventually waits until that many calls have arrived: Envoy has counted a one-way call
// when it has written it, and the server reads it when it likes.
func (s *Server) Eventually(t testing.TB, calls int64) {
	t.Helper()
	for end := time.Now().Add(callTimeout); s.Calls.Load() < calls && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := s.Calls.Load(); n != calls {
		t.Errorf("the server got %d calls, want %d", n, calls)
	}
}

// Seen returns the messages that arrived.
func (s *Server) Seen() []testcodec.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]testcodec.Message(nil), s.seen...)
}

func (s *Server) serve(conn net.Conn, handle Handler) {
	defer conn.Close()
	r := reader{conn: conn}
	for {
		m, err := r.next()
		if err != nil {
			return
		}
		if m.Kind == sdk.KindRequest || m.Kind == sdk.KindOneWay {
			s.Calls.Add(1)
		}
		s.mu.Lock()
		s.seen = append(s.seen, m)
		s.mu.Unlock()
		handle(conn, m)
	}
}

// Client is an RPC client of the test protocol.
type Client struct {
	net.Conn
	t testing.TB
	r reader
}

// Dial connects to a port of 127.0.0.1.
func Dial(t testing.TB, port int) *Client {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	return clientOf(t, conn)
}

// clientOf is the client on a connection, which it closes at the test's end.
func clientOf(t testing.TB, conn net.Conn) *Client {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	return &Client{Conn: conn, t: t, r: reader{conn: conn}}
}

// Send writes messages, in one piece.
func (c *Client) Send(messages ...testcodec.Message) {
	c.t.Helper()
	var b []byte
	for _, m := range messages {
		b = testcodec.Append(b, m)
	}
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// Next reads a message and fails the test if none comes.
func (c *Client) Next() testcodec.Message {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(callTimeout))
	m, err := c.r.next()
	if err != nil {
		c.t.Fatalf("no message: %v", err)
	}
	return m
}

// Call sends a request and returns the message that comes next.
func (c *Client) Call(m testcodec.Message) testcodec.Message {
	c.t.Helper()
	c.Send(m)
	return c.Next()
}

// Silent fails the test if anything arrives within d. It reports whether the
// connection was closed meanwhile.
func (c *Client) Silent(d time.Duration) (closed bool) {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(d))
	m, err := c.r.next()
	var timeout net.Error
	switch {
	case err == nil:
		c.t.Fatalf("unexpected message: %+v", m)
	case errors.As(err, &timeout) && timeout.Timeout():
		return false
	}
	return true
}

// reader reads messages of the test protocol.
type reader struct {
	conn net.Conn
	buf  bytes.Buffer
}

func (r *reader) next() (testcodec.Message, error) {
	chunk := make([]byte, 64<<10)
	for {
		if m, rest, ok := testcodec.Parse(r.buf.Bytes()); ok {
			r.buf.Next(r.buf.Len() - len(rest))
			return m, nil
		}
		n, err := r.conn.Read(chunk)
		r.buf.Write(chunk[:n])
		if err != nil && n == 0 {
			if errors.Is(err, io.EOF) && r.buf.Len() > 0 {
				return testcodec.Message{}, io.ErrUnexpectedEOF
			}
			return testcodec.Message{}, err
		}
	}
}

// ClosedPort returns a port at which nobody listens until the test ends: a socket holds
// it without listening, so that no other test, and no connection of anybody, gets it
// meanwhile.
func ClosedPort(t testing.TB) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return name.(*syscall.SockaddrInet4).Port
}
