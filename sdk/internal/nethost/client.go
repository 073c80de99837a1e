package nethost

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// Client joins an RPC client with an HTTP/2 server until one of them ends. It
// closes both connections and returns the first error that is not such an end. count is
// told of each change of a metric; nil: nobody is.
func Client(cfg *engine.Config, rpc, http net.Conn, count func(m engine.Metric, delta int)) error {
	h := &clientHost{
		edge: engine.NewDownstream(cfg, engine.Env{LocalAddress: []byte(rpc.LocalAddr().String())}),
		rpc:  rpc, http: http, count: count,
	}
	h.resumed = sync.NewCond(&h.mu)
	errs := make(chan error, 2)
	go func() { errs <- h.pump(rpc, h.edge.Read) }()
	go func() { errs <- h.pump(http, h.write) }()
	err := <-errs
	h.close()
	_ = <-errs // the other pump ends because its connection is closed
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer != nil {
		h.timer.Stop()
	}
	h.over = true
	h.counted(h.edge.Closed())
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, errClosed) {
		return nil
	}
	return err
}

var errClosed = errors.New("the edge closed the connection")

// clientHost is the thread that the engine asks for: a lock.
type clientHost struct {
	mu      sync.Mutex
	edge    *engine.Downstream
	rpc     net.Conn
	http    net.Conn
	count   func(m engine.Metric, delta int)
	passing bool
	paused  bool
	over    bool // the edge is closed
	resumed *sync.Cond
	timer   *time.Timer
}

// counted hands over what an output has counted.
func (h *clientHost) counted(out *engine.Output) {
	if h.count != nil {
		out.Counts.Each(h.count)
	}
}

// pump reads one side and gives it to the engine. A panic there is a defect, and costs
// the connection.
func (h *clientHost) pump(from net.Conn, take func(time.Time, [][]byte) *engine.Output) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("the edge panicked: %v\n%s", value, debug.Stack())
		}
	}()
	buf := make([]byte, 16<<10)
	for {
		h.mu.Lock()
		for from == h.rpc && h.paused {
			h.resumed.Wait()
		}
		h.mu.Unlock()
		n, err := from.Read(buf)
		if n > 0 {
			if err := h.step(from, take, buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

func (h *clientHost) step(from net.Conn, take func(time.Time, [][]byte) *engine.Output, b []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.passing {
		to := h.http
		if from == h.http {
			to = h.rpc
		}
		_, err := to.Write(b)
		return err
	}
	return h.carryOut(take(time.Now(), [][]byte{b}))
}

// write is the engine's Write, and at once the Wake that it may ask for: this host
// has no moment at which it must not answer.
func (h *clientHost) write(now time.Time, chunks [][]byte) *engine.Output {
	out := h.edge.Write(now, chunks)
	h.counted(out)
	if !out.Wake {
		return out
	}
	if _, err := h.rpc.Write(out.Peer); err != nil {
		return out
	}
	return h.edge.Wake(now)
}

func (h *clientHost) carryOut(out *engine.Output) error {
	h.counted(out)
	if _, err := h.rpc.Write(out.Peer); err != nil {
		return err
	}
	if _, err := h.http.Write(out.HTTP); err != nil {
		return err
	}
	h.passing = h.passing || out.PassThrough
	switch out.Reading {
	case engine.ReadPause:
		h.paused = true
	case engine.ReadResume:
		h.paused = false
		h.resumed.Broadcast()
	case engine.ReadUnchanged:
	}
	if out.WakeIn > 0 {
		if h.timer != nil {
			h.timer.Stop()
		}
		h.timer = time.AfterFunc(out.WakeIn, h.wake)
	}
	if out.Close != engine.CloseNone {
		return errClosed
	}
	return nil
}

// wake runs on the timer's goroutine.
func (h *clientHost) wake() {
	if err := h.tick(); err != nil {
		h.close()
	}
}

func (h *clientHost) tick() (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("the edge panicked: %v", value)
		}
	}()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return nil
	}
	return h.carryOut(h.edge.Wake(time.Now()))
}

func (h *clientHost) close() {
	_ = h.rpc.Close()
	_ = h.http.Close()
	h.mu.Lock()
	h.paused = false
	h.mu.Unlock()
	h.resumed.Broadcast()
}
