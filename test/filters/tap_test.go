package filters

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
)

// tap passes connections on to an address, and keeps what both sides send.
type tap struct {
	address string

	mu             sync.Mutex
	client, server bytes.Buffer
}

func newTap(t *testing.T, to string) *tap {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{address: ln.Addr().String()}
	var open sync.WaitGroup
	t.Cleanup(func() {
		_ = ln.Close()
		open.Wait()
	})
	open.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				t.Error(err)
				_ = in.Close()
				continue
			}
			open.Go(func() { p.pass(out, in, &p.client) })
			open.Go(func() { p.pass(in, out, &p.server) })
		}
	})
	return p
}

// pass copies what one side sends, until it ends, and then ends the other.
func (p *tap) pass(to, from net.Conn, kept *bytes.Buffer) {
	keep := writer(func(b []byte) {
		p.mu.Lock()
		defer p.mu.Unlock()
		kept.Write(b)
	})
	_, _ = io.Copy(io.MultiWriter(keep, to), from) // who gets them may look at once
	_ = to.Close()
	_ = from.Close()
}

type writer func(b []byte)

func (w writer) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}

// take returns what both sides have sent since it was called last.
func (p *tap) take() (client, server []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	client, server = bytes.Clone(p.client.Bytes()), bytes.Clone(p.server.Bytes())
	p.client.Reset()
	p.server.Reset()
	return client, server
}
