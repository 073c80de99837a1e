package mesh

import (
	"context"
	"io"
	"net"
	"sync"
)

// Relay has the pod listen at an address, and passes each connection on to another one that
// it dials, both in the pod's network. So programs that dial 127.0.0.1 reach a Service, and
// those that listen there are reached. It ends with the test.
func (p *Pod) Relay(from, to string) {
	p.t().Helper()
	var listener net.Listener
	var err error
	p.Within(func() { listener, err = (&net.ListenConfig{}).Listen(p.t().Context(), "tcp", from) })
	p.must(err)
	p.t().Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go p.relay(near, to)
		}
	}()
}

// relay passes bytes on in both directions, and the end of either.
func (p *Pod) relay(near net.Conn, to string) {
	defer func() { _ = near.Close() }()
	far, err := p.Dial(context.WithoutCancel(p.t().Context()), "tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	var both sync.WaitGroup
	pass := func(dst, src net.Conn) {
		_, _ = io.Copy(dst, src)
		if half, ok := dst.(*net.TCPConn); ok {
			_ = half.CloseWrite()
		}
	}
	both.Go(func() { pass(far, near) })
	both.Go(func() { pass(near, far) })
	both.Wait()
}
