package soak

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/test/soak/chaos"
)

// server serves one protocol, and counts how often it was given each call.
type server struct {
	run      *run
	protocol *protocol

	listener net.Listener

	mu       sync.Mutex
	conns    map[net.Conn]bool
	executed map[uint64]int
}

func startServer(r *run, p *protocol) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.tb.Fatal(err)
	}
	s := &server{run: r, protocol: p, listener: l, conns: map[net.Conn]bool{}, executed: map[uint64]int{}}
	r.tb.Cleanup(s.stop)
	go s.accept()
	return s
}

// accept serves whoever comes, until stop.
func (s *server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = true
		s.mu.Unlock()
		go s.serve(conn)
	}
}

func (s *server) address() string { return s.listener.Addr().String() }

// stop closes the listener and all connections.
func (s *server) stop() {
	_ = s.listener.Close()
	s.restart()
}

// restart closes all connections, which is what Envoy sees of a server that ends and
// begins again. The listener stays: the port could be another's by the time it is asked
// for again.
func (s *server) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close()
	}
}

func (s *server) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	codec := s.protocol.codec(s.run.tb)
	in := stream{from: conn, codec: codec, side: sdk.FromClient}
	m := &sdk.Message{}
	var out []byte
	for in.next(m) == nil {
		switch m.Kind {
		case sdk.KindRequest, sdk.KindOneWay:
		case sdk.KindHeartbeat:
			if h, ok := codec.(sdk.Heartbeater); ok {
				_, _ = conn.Write(h.HeartbeatReply(nil, m))
			}
			continue
		default:
			continue
		}
		plan, err := s.take(codec, m)
		if err != nil {
			s.run.problem("the server of %s: %v", s.protocol.name, err)
			return
		}
		time.Sleep(time.Duration(plan.ID%5) * time.Millisecond)
		if m.Kind == sdk.KindOneWay || plan.Server == chaos.Silence {
			continue
		}
		response := sdk.Response{Result: payload(plan.ID, "reply", plan.ReplyBytes)}
		if s.protocol.definition.Name == "brpc" {
			response.Result = map[string]any{"1": response.Result}
		}
		if plan.Server == chaos.Except {
			response = sdk.Response{Exception: &sdk.Exception{Type: s.protocol.exception, Message: chaos.Text(plan.ID, "server")}}
		}
		if out, err = codec.(sdk.ResponseBuilder).BuildResponse(out[:0], m, response); err != nil {
			s.run.problem("the server of %s: %v", s.protocol.name, err)
			return
		}
		if plan.Server == chaos.Hang {
			_, _ = conn.Write(out[:len(out)/2])
			return
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

// take notes a call and compares it with its plan.
func (s *server) take(codec sdk.Codec, m *sdk.Message) (*chaos.Plan, error) {
	number, _ := m.Get(chaos.Key)
	id, err := strconv.ParseUint(string(number), 16, 64)
	if err != nil {
		return nil, fmt.Errorf("a call without a number: %w", err)
	}
	s.mu.Lock()
	s.executed[id]++
	s.mu.Unlock()
	plan := chaos.New(s.run.seed, id)
	for place, a := range plan.Request {
		key := chaos.Marker(chaos.Place(place))
		if mark, ok := m.Get(key); ok != (a == chaos.Mark) || ok && string(mark) != strconv.FormatUint(id, 16) {
			return nil, fmt.Errorf("call %x, whose plan is %+v, has %s: %q", id, plan, key, mark)
		}
	}
	if err := shows(codec, m, payload(id, "request", plan.RequestBytes)); err != nil {
		return nil, fmt.Errorf("call %x: %w", id, err)
	}
	return plan, nil
}

// forget returns how often each call was executed, and begins anew.
func (s *server) forget() map[uint64]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	executed := s.executed
	s.executed = map[uint64]int{}
	return executed
}
