package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"strconv"
)

// servers is where the echo servers listen. They run in a process of their own.
type servers struct {
	rpc, http1, http2, traces string
}

const serversLine = "rpc=%s http1=%s http2=%s traces=%s\n"

// serve runs the echo servers of a protocol until in ends.
func serve(name string, out io.Writer, in io.Reader) error {
	p := protocolOf(name)
	if p == nil {
		return fmt.Errorf("no protocol %q", name)
	}
	r, err := newResponder(p)
	if err != nil {
		return err
	}
	var s servers
	for _, listen := range []struct {
		address *string
		serve   func(net.Conn) error
	}{
		{&s.rpc, r.serveRPC},
		{&s.http1, r.serveHTTP1},
		{&s.http2, r.serveHTTP2},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		*listen.address = l.Addr().String()
		go accept(l, listen.serve)
	}
	// Spans are taken and forgotten.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.traces = l.Addr().String()
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
		}))
	}()
	if _, err := fmt.Fprintf(out, serversLine, s.rpc, s.http1, s.http2, s.traces); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

func accept(l net.Listener, serve func(net.Conn) error) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = c.Close() }()
			if err := serve(c); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				fmt.Fprintln(os.Stderr, "bench serve:", err)
			}
		}()
	}
}

// responder knows the reply to each of the requests.
type responder struct{ small, large *exchange }

func newResponder(p *protocol) (*responder, error) {
	s, err := p.newExchange(small)
	if err != nil {
		return nil, err
	}
	l, err := p.newExchange(large)
	return &responder{s, l}, err
}

func (r *responder) appendReply(dst, request []byte) ([]byte, error) {
	if len(request) >= len(r.large.request) {
		return r.large.appendReply(dst, request)
	}
	return r.small.appendReply(dst, request)
}

const ioBuffer = 64 << 10

// serveRPC answers frames, and writes when it has read all that came.
func (r *responder) serveRPC(c net.Conn) error {
	in := bufio.NewReaderSize(c, ioBuffer)
	var frame, out []byte
	for {
		var err error
		if frame, err = r.small.readFrame(in, frame); err != nil {
			return err
		}
		if out, err = r.appendReply(out, frame); err != nil {
			return err
		}
		if in.Buffered() == 0 || len(out) > ioBuffer {
			if _, err := c.Write(out); err != nil {
				return err
			}
			out = out[:0]
		}
	}
}

// readFrame reads one frame into buf.
func (f *framing) readFrame(in *bufio.Reader, buf []byte) ([]byte, error) {
	head, err := in.Peek(f.head())
	if err != nil {
		return buf, err
	}
	n := f.length(head)
	if n > 2*large || n < max(f.head(), f.idAt+f.idSize) {
		return buf, fmt.Errorf("a frame of %d bytes", n)
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err = io.ReadFull(in, buf)
	return buf, err
}

// serveHTTP1 answers HTTP/1.1 requests whose bodies have a length.
func (r *responder) serveHTTP1(c net.Conn) error {
	in := bufio.NewReaderSize(c, ioBuffer)
	text := textproto.NewReader(in)
	var body, reply, out []byte
	for {
		if _, err := text.ReadLineBytes(); err != nil {
			return err
		}
		headers, err := text.ReadMIMEHeader()
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(headers.Get("Content-Length"))
		if err != nil || n > 2*large {
			return fmt.Errorf("a request with content-length %q", headers.Get("Content-Length"))
		}
		if cap(body) < n {
			body = make([]byte, n)
		}
		body = body[:n]
		if _, err := io.ReadFull(in, body); err != nil {
			return err
		}
		if reply, err = r.appendReply(reply[:0], body); err != nil {
			return err
		}
		out = append(out[:0], "HTTP/1.1 200 OK\r\ncontent-type: "...)
		out = append(append(out, r.small.contentType...), "\r\ncontent-length: "...)
		out = append(strconv.AppendInt(out, int64(len(reply)), 10), "\r\n\r\n"...)
		if _, err := c.Write(append(out, reply...)); err != nil {
			return err
		}
	}
}
