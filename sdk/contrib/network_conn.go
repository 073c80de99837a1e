package contrib

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"
)

// conn is one of Envoy's connections as a net.Conn. Envoy's callbacks feed it, on a
// worker; a goroutine reads and writes.
//
// The lock is between the two. It is held for a look and for a call that posts. It also
// sees to it that Envoy's object is not asked for anything after Envoy has said that it
// is gone: a finalizer frees it then.
type conn struct {
	local, remote address
	limit         int // how much may wait to be read

	mu     sync.Mutex
	more   sync.Cond // there is something to be read, or never will be
	envoy  api.ConnectionCallback
	in     []byte
	ended  bool // nothing more comes
	closed bool // by this side
}

// address is an address in Envoy's words.
type address string

// Network implements net.Addr.
func (address) Network() string { return "tcp" }

// String implements net.Addr.
func (a address) String() string { return string(a) }

func newConn(envoy api.ConnectionCallback, limit int) *conn {
	c := &conn{envoy: envoy, limit: limit}
	c.more.L = &c.mu
	if envoy != nil {
		c.local, c.remote = addresses(envoy)
	}
	return c
}

// addresses are the two ends; the names of the methods are Envoy's, of both kinds of
// connection.
func addresses(envoy api.ConnectionCallback) (local, remote address) {
	near, _ := envoy.StreamInfo().UpstreamLocalAddress()
	far, _ := envoy.StreamInfo().UpstreamRemoteAddress()
	return address(near), address(far)
}

// feed takes bytes that have arrived. Envoy's Go package cannot stop a peer from sending:
// one that sends more than limit ahead of its reader loses the connection.
func (c *conn) feed(b []byte, end bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.in = append(c.in, b...)
	c.ended = c.ended || end
	if len(c.in) > c.limit {
		logf(api.Warn, "%s: %d bytes wait for their turn; the connection is closed", c.remote, len(c.in))
		c.close(api.NoFlush)
	}
	c.more.Broadcast()
}

// gone is called when Envoy's connection is no more.
func (c *conn) gone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended, c.envoy = true, nil
	c.more.Broadcast()
}

// Closed reports whether the connection cannot be used any more.
func (c *conn) Closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed || c.ended
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.in) == 0 && !c.ended && !c.closed {
		c.more.Wait()
	}
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case len(c.in) == 0:
		return 0, io.EOF
	}
	n := copy(b, c.in)
	if c.in = c.in[n:]; len(c.in) == 0 {
		c.in = nil // what a long message took is not kept
	}
	return n, nil
}

// Write implements net.Conn. Envoy copies the bytes and keeps them until they are sent.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed || c.envoy == nil:
		return 0, net.ErrClosed
	case len(b) > 0:
		c.envoy.Write(b, false)
	}
	return len(b), nil
}

// Close implements net.Conn, after what was written has been sent.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close(api.FlushWrite)
	return nil
}

func (c *conn) close(how api.ConnectionCloseType) {
	if c.closed {
		return
	}
	c.closed, c.in = true, nil
	if c.envoy != nil {
		c.envoy.Close(how)
	}
	c.more.Broadcast()
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

var errDeadline = errors.New("connections of Envoy have no deadlines")

// SetDeadline implements net.Conn.
func (*conn) SetDeadline(time.Time) error { return errDeadline }

// SetReadDeadline implements net.Conn.
func (*conn) SetReadDeadline(time.Time) error { return errDeadline }

// SetWriteDeadline implements net.Conn.
func (*conn) SetWriteDeadline(time.Time) error { return errDeadline }
