package filters

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/codecs/brpc"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/codecs/thrift"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// patience is how long a peer waits for bytes that have to come.
const patience = time.Minute

// protocol is the codec of test peers. Thrift is TTHeader, which has metadata.
func protocol(t *testing.T, name string) sdk.Codec {
	t.Helper()
	d, config := map[string]sdk.Definition{"dubbo": dubbo.Definition(), "thrift": thrift.Definition(), "brpc": brpc.Definition()}[name], ""
	if name == "thrift" {
		config = `{"transport":"ttheader"}`
	}
	c, err := d.New([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wire is a connection that carries messages of a protocol.
type wire struct {
	conn  net.Conn
	codec sdk.Codec
	from  sdk.Side // who sends what is read
	rest  []byte
}

// read returns the next message.
func (w *wire) read() (*sdk.Message, error) {
	for {
		m := &sdk.Message{}
		n, err := 0, sdk.ErrNeedMore
		if len(w.rest) > 0 {
			n, err = w.codec.Decode(w.from, w.rest, m)
		}
		switch {
		case err == nil:
			m.Bytes, w.rest = w.rest[:n:n], w.rest[n:]
			if m.Kind == sdk.KindRequest || m.Kind == sdk.KindResponse {
				return m, w.codec.Metadata(m)
			}
			continue // a heartbeat
		case !errors.Is(err, sdk.ErrNeedMore):
			return nil, err
		}
		b := make([]byte, 64<<10)
		if n, err = w.conn.Read(b); err != nil {
			return nil, err
		}
		w.rest = append(w.rest, b[:n]...)
	}
}

// counting is a server that counts its calls and tells each its number. It can hold
// answers back, and answer with exceptions.
type counting struct {
	address string
	codec   sdk.Codec

	mu    sync.Mutex
	calls int
	fails bool
	gate  chan struct{} // closed when answers may go; nil: they may
}

// count starts a server until the test's end.
func count(t *testing.T, codec string) *counting {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &counting{address: ln.Addr().String(), codec: protocol(t, codec)}
	var connections sync.WaitGroup
	done := make(chan struct{})
	connections.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			connections.Go(func() {
				defer conn.Close()
				s.serve(conn, done)
			})
			connections.Go(func() {
				<-done
				conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		close(done)
		connections.Wait()
	})
	return s
}

func (s *counting) serve(conn net.Conn, done <-chan struct{}) {
	w := &wire{conn: conn, codec: s.codec}
	for {
		m, err := w.read()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.calls++
		answer, gate := sdk.Response{Result: "answer " + strconv.Itoa(s.calls)}, s.gate
		if control, ok := m.Get("want"); ok {
			answer.Metadata = []sdk.Entry{{Key: []byte("cache-control"), Value: control}}
		}
		s.mu.Unlock()
		if gate != nil {
			select {
			case <-gate:
			case <-done:
				return
			}
		}
		if s.failing() {
			answer = sdk.Response{Exception: &sdk.Exception{Type: "Failure", Message: "on purpose"}}
		}
		b, err := s.codec.(sdk.ResponseBuilder).BuildResponse(nil, m, answer)
		if err != nil {
			return
		}
		if _, err := conn.Write(b); err != nil {
			return
		}
	}
}

// seen is how many calls the server has had.
func (s *counting) seen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// hold lets calls wait until release is called.
func (s *counting) hold() (release func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = gate
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.gate = nil
		close(gate)
	})
}

func (s *counting) failing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fails
}

// fail makes answers exceptions, or results again.
func (s *counting) fail(exceptions bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = exceptions
}

// client is a connection of a client to the proxy.
type client struct {
	wire
	t       *testing.T
	service string
}

// dial connects to the proxy.
func (m *mesh) dial() *client {
	m.t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+m.Port)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		m.t.Fatal(err)
	}
	return &client{wire: wire{conn: conn, codec: protocol(m.t, m.codec), from: sdk.FromServer}, t: m.t, service: m.service}
}

// ask is a call of a test client: metadata is "key=value" each.
type ask struct {
	id               uint64
	method, argument string
	metadata         []string
}

// send sends calls, all at once.
func (c *client) send(calls ...ask) {
	c.t.Helper()
	var b []byte
	for _, a := range calls {
		r := sdk.Request{ID: a.id, Service: c.service, Method: a.method, Arguments: []sdk.Argument{{Value: a.argument}}}
		for _, pair := range a.metadata {
			key, value, _ := strings.Cut(pair, "=")
			r.Metadata = append(r.Metadata, sdk.Entry{Key: []byte(key), Value: []byte(value)})
		}
		var err error
		if b, err = c.codec.(sdk.RequestBuilder).BuildRequest(b, r); err != nil {
			c.t.Fatal(err)
		}
	}
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// receive reads a reply: its id, and the text of its result, or "failed".
func (c *client) receive() (id uint64, result string) {
	c.t.Helper()
	m, err := c.read()
	if err != nil {
		c.t.Fatalf("no reply: %v", err)
	}
	if m.Status.Code != sdk.OK {
		return m.ID, "failed"
	}
	v, err := c.codec.(sdk.Viewer).View(m)
	if err != nil {
		c.t.Fatal(err)
	}
	if fields, ok := v.Result.(sdk.OrderedMap); ok && len(fields) == 1 {
		return m.ID, fmt.Sprint(fields[0].Value) // bRPC knows no names: field 1 of a message
	}
	return m.ID, fmt.Sprint(v.Result)
}

// get makes one call, on a connection of its own, and returns its result.
func (m *mesh) get(method, argument string, metadata ...string) string {
	m.t.Helper()
	c := m.dial()
	defer c.conn.Close()
	c.send(ask{7, method, argument, metadata})
	id, result := c.receive()
	if id != 7 {
		m.t.Errorf("call 7 got answer %d", id)
	}
	return result
}
