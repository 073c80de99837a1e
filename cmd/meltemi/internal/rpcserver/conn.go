package rpcserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// conn is a client's connection. Its goroutine reads; each call has a goroutine of its
// own, unless answers must come in order.
type conn struct {
	server  *Server
	conn    net.Conn
	cancel  context.CancelFunc // ends the handlers of its calls
	codec   sdk.Codec
	builder sdk.ResponseBuilder
	ordered bool
	reader  *framing.Reader

	open  *gate
	calls sync.WaitGroup // those of open

	// codecMu is for codecs that know their connection: they are used by one
	// goroutine at a time.
	codecMu sync.Mutex
	writeMu sync.Mutex

	mu       sync.Mutex // of the rest
	draining bool
	offset   int64     // of the message that is being read
	began    time.Time // when its first byte came
}

func newConn(s *Server, nc net.Conn, cancel context.CancelFunc) *conn {
	c := &conn{
		server: s, conn: nc, cancel: cancel, codec: s.options.Codec, builder: s.builder,
		open: newGate(maxOpenCalls, maxOpenBytes),
	}
	if p, ok := c.codec.(sdk.PerConnection); ok {
		c.codec = p.NewConnection()
		if b, ok := c.codec.(sdk.ResponseBuilder); ok {
			c.builder = b
		}
	}
	if o, ok := c.codec.(sdk.Ordered); ok {
		c.ordered = o.InOrder()
	}
	c.reader = framing.NewReader(timedReader{c}, lockedCodec{c.codec, &c.codecMu}, sdk.FromClient, s.options.MaxMessage)
	return c
}

// lockedCodec is a codec as framing uses it, under a lock.
type lockedCodec struct {
	sdk.Codec
	mu *sync.Mutex
}

func (l lockedCodec) Decode(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Codec.Decode(from, b, m)
}

// serve reads messages until the connection ends, and returns once its calls have
// ended too.
func (c *conn) serve(ctx context.Context) {
	err := c.read(ctx)
	c.calls.Wait() // their answers may still reach the client
	shut(c.conn)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		c.server.report(c.conn.RemoteAddr(), err)
	}
}

func (c *conn) read(ctx context.Context) error {
	for {
		m := new(sdk.Message) // a call's goroutine may keep it
		err := c.reader.Next(m)
		var refused *sdk.CallError
		switch {
		case err == nil:
			err = c.message(ctx, m)
		case errors.As(err, &refused):
			err = c.refuse(m, refused)
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			err = c.timedOut()
			if errors.Is(err, io.EOF) {
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// timedOut decides what the end of the time for a read means: io.EOF for a connection
// that has been drained, nil to go on, or an error.
func (c *conn) timedOut() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	pending := c.reader.Pending()
	if pending > 0 && time.Since(c.began) >= c.server.messageTime {
		return fmt.Errorf("client too slow: %d bytes of a message in %v", pending, c.server.messageTime)
	}
	if c.draining && pending == 0 && c.open.empty() {
		return io.EOF
	}
	return nil
}

func (c *conn) message(ctx context.Context, m *sdk.Message) error {
	switch m.Kind {
	case sdk.KindRequest, sdk.KindOneWay:
		m.Bytes = bytes.Clone(m.Bytes) // the reader keeps its own
		return c.call(ctx, m)
	case sdk.KindHeartbeat:
		return c.answerHeartbeat(m)
	case sdk.KindResponse, sdk.KindHeartbeatReply, sdk.KindGoAway, sdk.KindUnknown:
		// Nothing was asked of us.
	}
	return nil
}

func (c *conn) answerHeartbeat(m *sdk.Message) error {
	h, ok := c.codec.(sdk.Heartbeater)
	if !ok {
		return nil
	}
	return c.send("HeartbeatReply", func(dst []byte) ([]byte, error) { return h.HeartbeatReply(dst, m), nil })
}

// drain asks the client for no new calls and makes the connection end once it is
// quiet.
func (c *conn) drain() {
	if g, ok := c.codec.(sdk.GoAwayer); ok {
		err := c.send("GoAway", func(dst []byte) ([]byte, error) { return g.GoAway(dst), nil })
		var build *buildError
		if asBuildError(err, &build) { // of a failed write the reader knows
			c.server.report(c.conn.RemoteAddr(), err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	if err := c.conn.SetReadDeadline(time.Now().Add(quietTime)); err != nil {
		shut(c.conn) // it would not end otherwise
	}
}

// timedReader reads from the connection with the deadlines of its state.
type timedReader struct{ c *conn }

func (t timedReader) Read(b []byte) (int, error) {
	if err := t.c.setReadDeadline(); err != nil {
		return 0, err
	}
	return t.c.conn.Read(b)
}

func (c *conn) setReadDeadline() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var deadline time.Time // none: a client may be idle for as long as it likes
	if c.reader.Pending() > 0 {
		if at := c.reader.Offset(); c.began.IsZero() || at != c.offset {
			c.offset, c.began = at, time.Now()
		}
		deadline = c.began.Add(c.server.messageTime)
	}
	if quiet := time.Now().Add(quietTime); c.draining && (deadline.IsZero() || quiet.Before(deadline)) {
		deadline = quiet
	}
	return c.conn.SetReadDeadline(deadline)
}
