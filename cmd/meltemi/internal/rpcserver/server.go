package rpcserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// The bounds of a server. Those that a test wants smaller are fields of Server.
const (
	maxConnections = 8192
	maxOpenCalls   = 1024             // of one connection; then its reading stops
	maxOpenBytes   = 64 << 20         // of the requests of one connection; likewise
	messageTime    = 30 * time.Second // from the first byte of a message to its last
	writeTime      = 10 * time.Second // for one answer
	quietTime      = 500 * time.Millisecond
	acceptPause    = 50 * time.Millisecond
)

// Options say what a server does.
type Options struct {
	Codec sdk.Codec
	// Handler answers the calls.
	Handler Handler
	// MaxMessage is the greatest length of a message from a client in bytes; below 1
	// it is sdk.DefaultMaxMessage.
	MaxMessage int
	// OnError is told what goes wrong with a connection and does not concern one call.
	// It may be nil, and may be called from several goroutines at once.
	OnError func(peer net.Addr, err error)
}

// Server serves the connections of one listener.
type Server struct {
	options Options
	builder sdk.ResponseBuilder

	messageTime, writeTime time.Duration

	done sync.WaitGroup // connections, and what Shutdown does with them

	mu       sync.Mutex
	listener net.Listener
	conns    map[*conn]struct{}
	draining bool
}

// New returns a server. It fails if the codec cannot make responses.
func New(o Options) (*Server, error) {
	builder, ok := o.Codec.(sdk.ResponseBuilder)
	if !ok {
		return nil, fmt.Errorf("codec %s cannot make responses", o.Codec.Name())
	}
	return &Server{
		options: o, builder: builder, conns: make(map[*conn]struct{}),
		messageTime: messageTime, writeTime: writeTime,
	}, nil
}

// Serve accepts connections until Shutdown, and then returns nil. It owns ln. ctx is the
// parent of what handlers get; its end does not stop the server.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	s.mu.Lock()
	s.listener = ln
	stopped := s.draining
	s.mu.Unlock()
	if stopped {
		return ln.Close()
	}
	for {
		c, err := ln.Accept()
		switch {
		case err == nil:
			s.start(ctx, c)
		case errors.Is(err, net.ErrClosed):
			return nil
		default: // such as too many open files: some will be closed
			s.report(ln.Addr(), err)
			time.Sleep(acceptPause)
		}
	}
}

// Shutdown stops the server: no new connections, a go-away on each where the protocol
// has one, then the end of each connection once its calls are answered and its client
// is quiet. When ctx ends first, what is left is cut off, and its error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	if s.listener != nil {
		shut(s.listener)
	}
	for c := range s.conns {
		s.done.Go(c.drain)
	}
	s.mu.Unlock()

	finished := make(chan struct{})
	go func() {
		s.done.Wait()
		close(finished)
	}()
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := range s.conns {
		c.cancel()
		shut(c.conn)
	}
	s.mu.Unlock()
	<-finished
	return ctx.Err()
}

// start serves nc in a goroutine of its own, unless there are too many.
func (s *Server) start(ctx context.Context, nc net.Conn) {
	ctx, cancel := context.WithCancel(ctx) // Shutdown ends it
	c := newConn(s, nc, cancel)
	s.mu.Lock()
	refuse := s.draining || len(s.conns) >= maxConnections
	if !refuse {
		s.conns[c] = struct{}{}
		s.done.Add(1)
	}
	s.mu.Unlock()
	if refuse {
		s.report(nc.RemoteAddr(), errors.New("refused: too many connections, or stopping"))
		cancel()
		shut(nc)
		return
	}
	go func() {
		defer s.done.Done()
		defer cancel()
		c.serve(ctx)
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
}

func (s *Server) report(peer net.Addr, err error) {
	if s.options.OnError != nil {
		s.options.OnError(peer, err)
	}
}

// shut closes what nobody will use again. There is nobody to tell that it failed.
func shut(c io.Closer) { _ = c.Close() }
