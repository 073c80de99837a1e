package main

import (
	"bufio"
	"fmt"
	"net"
)

// session is a connection of the load in one protocol. Its methods are called by one
// goroutine at a time.
type session interface {
	// wait blocks until there is something to read.
	wait() error
	// read takes all replies that have come and calls done with each, in the frame
	// of the RPC, and with the number that call returned.
	read(done func(call uint64, reply []byte) error) error
	// call adds a call to what flush writes, and returns its number. It is false
	// if the other side has no room for it now.
	call(token uint64) (uint64, bool, error)
	// flush writes what has gathered.
	flush() error
}

// rpcSession speaks RPC, as the frames are.
type rpcSession struct {
	conn  net.Conn
	e     *exchange
	in    *bufio.Reader
	frame []byte
	out   []byte
	last  uint64
}

func newRPCSession(conn net.Conn, e *exchange) *rpcSession {
	return &rpcSession{conn: conn, e: e, in: bufio.NewReaderSize(conn, ioBuffer)}
}

func (s *rpcSession) wait() error {
	_, err := s.in.Peek(1)
	return err
}

func (s *rpcSession) read(done func(uint64, []byte) error) error {
	for {
		var err error
		if s.frame, err = s.e.readFrame(s.in, s.frame); err != nil {
			return err
		}
		if err := done(s.e.id(s.frame), s.frame); err != nil {
			return err
		}
		if s.in.Buffered() == 0 {
			return nil
		}
	}
}

func (s *rpcSession) call(token uint64) (uint64, bool, error) {
	s.last++
	s.out = s.e.appendRequest(s.out, s.last, token)
	return s.last, true, nil
}

func (s *rpcSession) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.conn.Write(s.out)
	s.out = s.out[:0]
	return err
}

// http2Session carries the same frames as bodies of HTTP/2 requests.
type http2Session struct {
	*http2Peer
	conn   net.Conn
	e      *exchange
	bodies *bodies
	frame  []byte
	next   uint32
	status string // of the last header block
}

func newHTTP2Session(conn net.Conn, e *exchange) (*http2Session, error) {
	s := &http2Session{http2Peer: newHTTP2Peer(conn), conn: conn, e: e, bodies: newBodies(), next: 1}
	s.field = func(f hpackField) {
		if f.Name == ":status" {
			s.status = f.Value
		}
	}
	if _, err := s.out.WriteString(preface); err != nil {
		return nil, err
	}
	if err := s.hello(); err != nil {
		return nil, err
	}
	return s, s.flush()
}

func (s *http2Session) wait() error {
	_, err := s.in.Peek(1)
	return err
}

func (s *http2Session) read(done func(uint64, []byte) error) error {
	for {
		s.status = "200"
		f, err := s.framer.ReadFrame()
		if err != nil {
			return err
		}
		handled, err := s.common(f)
		if err != nil {
			return err
		}
		if s.status != "200" {
			return fmt.Errorf("%w: status %s", errNotOurs, s.status)
		}
		if !handled {
			if stream, body, ended := s.bodies.take(f); ended {
				if err := done(uint64(stream), body); err != nil {
					return err
				}
				s.bodies.free(stream)
			}
		}
		if s.in.Buffered() == 0 {
			return nil
		}
	}
}

func (s *http2Session) call(token uint64) (uint64, bool, error) {
	if s.window < int64(len(s.e.request)) {
		return 0, false, nil
	}
	stream := s.next
	s.next += 2
	if err := s.headers(stream, s.e.headers); err != nil {
		return 0, false, err
	}
	s.frame = s.e.appendRequest(s.frame[:0], uint64(stream), token)
	return uint64(stream), true, s.body(stream, s.frame)
}

func (s *http2Session) flush() error {
	if s.out.Len() == 0 {
		return nil
	}
	_, err := s.out.WriteTo(s.conn)
	return err
}
