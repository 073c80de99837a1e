package rpcclient_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/rpcclient"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/toycodec"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// peer is the server's end of a scripted connection.
type peer struct {
	t    *testing.T
	conn net.Conn
	in   *framing.Reader
}

// next reads a message and checks its kind.
func (p *peer) next(want sdk.Kind) *sdk.Message {
	p.t.Helper()
	m := new(sdk.Message)
	if err := p.in.Next(m); err != nil {
		p.t.Errorf("server: %v, want a %v", err, want)
	} else if m.Kind != want {
		p.t.Errorf("server: got a %v, want a %v", m.Kind, want)
	}
	return m
}

// send writes a frame.
func (p *peer) send(kind byte, id uint64, body any) {
	p.t.Helper()
	b, err := toycodec.Append(nil, kind, id, body)
	if err != nil {
		p.t.Error(err)
	}
	p.write(b)
}

func (p *peer) write(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Error(err)
	}
}

type object = map[string]any

// dial connects to a server that runs script on the connection and then closes it.
func dial(t *testing.T, codec sdk.Codec, script func(p *peer)) *rpcclient.Conn {
	t.Helper()
	c, err := rpcclient.Dial(t.Context(), serveOnce(t, script, codec), rpcclient.Options{Codec: codec, MaxMessage: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serveOnce is the address of a server that runs script on its only connection, and then
// closes it.
func serveOnce(t *testing.T, script func(p *peer), codec sdk.Codec) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, refused := ln.Accept()
		if refused != nil {
			t.Error(refused)
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		script(&peer{t, conn, framing.NewReader(conn, codec, sdk.FromClient, 0)})
	}()
	t.Cleanup(func() {
		<-done
		_ = ln.Close()
	})
	return ln.Addr().String()
}

func call(t *testing.T, c *rpcclient.Conn) (*rpcclient.Reply, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return c.Call(ctx, &sdk.Request{Service: "s", Method: "m"})
}

func mustCall(t *testing.T, c *rpcclient.Conn) *rpcclient.Reply {
	t.Helper()
	r, err := call(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCall(t *testing.T) {
	c := dial(t, &toycodec.Codec{}, func(p *peer) {
		m := p.next(sdk.KindRequest)
		p.send('r', m.ID, object{"result": "hi", "metadata": object{"a": "b"}})
	})
	r := mustCall(t, c)
	if !r.OK() || r.View.Result != "hi" || len(r.Metadata) != 1 || string(r.Metadata[0].Value) != "b" || r.Size == 0 {
		t.Errorf("got %+v", r)
	}
}

func TestCallTellsErrorsAndExceptions(t *testing.T) {
	c := dial(t, &toycodec.Codec{}, func(p *peer) {
		p.send('r', p.next(sdk.KindRequest).ID, object{"code": "UNAVAILABLE", "native": 7, "text": "busy"})
		p.send('r', p.next(sdk.KindRequest).ID, object{"exception": sdk.Exception{Type: "X", Message: "y"}})
	})
	if r := mustCall(t, c); r.OK() || r.Status.Code != sdk.Unavailable || r.Status.Native != 7 || string(r.Status.Message) != "busy" {
		t.Errorf("error: got %+v", r)
	}
	if r := mustCall(t, c); r.OK() || r.View.Exception == nil || r.View.Exception.Type != "X" {
		t.Errorf("exception: got %+v", r)
	}
}

func TestWhatComesBeforeTheAnswer(t *testing.T) {
	c := dial(t, &toycodec.Codec{}, func(p *peer) {
		m := p.next(sdk.KindRequest)
		p.send('h', 77, object{})
		if beat := p.next(sdk.KindHeartbeatReply); beat.ID != 77 {
			t.Errorf("heartbeat answered with id %d", beat.ID)
		}
		p.send('q', 5, object{"method": "callback"})
		if refusal := p.next(sdk.KindResponse); refusal.ID != 5 {
			t.Errorf("callback answered with id %d", refusal.ID)
		}
		p.send('o', 6, object{})
		p.send('H', 9, object{})
		p.send('r', m.ID+1000, object{"result": "not yours"})
		p.send('g', 0, object{})
		p.send('r', m.ID, object{"result": "yours"})
	})
	if r := mustCall(t, c); r.View.Result != "yours" {
		t.Errorf("got %v", r.View.Result)
	}
	if c.Usable() {
		t.Error("still usable after the server asked for no new calls")
	}
}

func TestLateAnswerIsNotTheNextOne(t *testing.T) {
	gone := make(chan struct{})
	c := dial(t, &toycodec.Codec{}, func(p *peer) {
		late := p.next(sdk.KindRequest)
		<-gone
		next := p.next(sdk.KindRequest)
		p.send('r', late.ID, object{"result": "late"})
		p.send('r', next.ID, object{"result": "next"})
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Call(ctx, &sdk.Request{Method: "m"})
	if !errors.Is(err, rpcclient.ErrTimeout) || !c.Usable() {
		t.Fatalf("got %v, usable %v", err, c.Usable())
	}
	close(gone)
	if r := mustCall(t, c); r.View.Result != "next" {
		t.Errorf("got %v", r.View.Result)
	}
}

func TestLateAnswerInOrderEndsTheConnection(t *testing.T) {
	codec, err := toycodec.Definition().New([]byte(`{"ordered":true}`))
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	c := dial(t, codec, func(p *peer) {
		p.next(sdk.KindRequest)
		<-gone
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = c.Call(ctx, &sdk.Request{Method: "m"})
	close(gone)
	if !errors.Is(err, rpcclient.ErrTimeout) || c.Usable() {
		t.Fatalf("got %v, usable %v", err, c.Usable())
	}
}

func TestAnswersInOrderNeedNoID(t *testing.T) {
	codec, err := toycodec.Definition().New([]byte(`{"ordered":true}`))
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, codec, func(p *peer) {
		for range 2 {
			p.next(sdk.KindRequest)
			p.send('r', 0, object{"result": "hi"})
		}
	})
	for range 2 {
		if r := mustCall(t, c); r.View.Result != "hi" {
			t.Errorf("got %v", r.View.Result)
		}
	}
}

func TestBadAnswers(t *testing.T) {
	whole, err := toycodec.Append(nil, 'r', 1, object{"result": "hi"})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		script func(p *peer)
		want   string
		usable bool
	}{
		"none":      {func(*peer) {}, "the server closed the connection without an answer", false},
		"half":      {func(p *peer) { p.write(whole[:20]) }, "in the middle of an answer", false},
		"too large": {func(p *peer) { p.write([]byte("Tr\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x00\x00\x00")) }, "over the limit of 65536 bytes", false},
		"other":     {func(p *peer) { p.write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, "the server's bytes are not toy: magic: at byte 0", false},
		"unreadable": {func(p *peer) {
			p.write([]byte("Tr\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02xx"))
		}, "the answer cannot be read: malformed: body: at byte 14", true},
		"go-away": {func(p *peer) { p.send('g', 0, object{}) }, "after it had asked for no new calls", false},
		"reset": {func(p *peer) {
			if err := p.conn.(*net.TCPConn).SetLinger(0); err != nil {
				t.Error(err)
			}
		}, "connection lost: connection reset by peer", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, &toycodec.Codec{}, func(p *peer) {
				p.next(sdk.KindRequest)
				test.script(p)
			})
			_, err := call(t, c)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if c.Usable() != test.usable {
				t.Errorf("usable %v, want %v", c.Usable(), test.usable)
			}
		})
	}
}

func TestTimeoutTellsOfAHalfAnswer(t *testing.T) {
	gone := make(chan struct{})
	c := dial(t, &toycodec.Codec{}, func(p *peer) {
		p.next(sdk.KindRequest)
		p.write([]byte("Tr\x00"))
		<-gone
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Call(ctx, &sdk.Request{Method: "m"})
	close(gone)
	if err == nil || err.Error() != "no answer in time: only 3 bytes of it came" || c.Usable() {
		t.Errorf("got %v, usable %v", err, c.Usable())
	}
}

func TestSendWaitsUntilTheCallWasRead(t *testing.T) {
	c := dial(t, &toycodec.Codec{}, func(p *peer) {
		p.next(sdk.KindOneWay)
		p.send('H', p.next(sdk.KindHeartbeat).ID, object{})
	})
	if err := c.Send(t.Context(), &sdk.Request{Method: "m"}); err != nil {
		t.Fatal(err)
	}
}

func TestSendTellsOfALostConnection(t *testing.T) {
	c := dial(t, &toycodec.Codec{}, func(p *peer) { p.next(sdk.KindOneWay) })
	if err := c.Send(t.Context(), &sdk.Request{Method: "m"}); err == nil {
		t.Fatal("no error")
	}
}

func TestCancelledCall(t *testing.T) {
	gone := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	c := dial(t, &toycodec.Codec{}, func(p *peer) {
		p.next(sdk.KindRequest)
		cancel()
		<-gone
	})
	_, err := c.Call(ctx, &sdk.Request{Method: "m"})
	close(gone)
	if !errors.Is(err, rpcclient.ErrInterrupted) {
		t.Errorf("got %v", err)
	}
}

func TestImpossibleRequest(t *testing.T) {
	c := dial(t, &toycodec.Codec{}, func(*peer) {})
	_, err := c.Call(t.Context(), &sdk.Request{Method: "m", Arguments: []sdk.Argument{{Type: "impossible"}}})
	var build *rpcclient.BuildError
	if !errors.As(err, &build) || err.Error() != `cannot make the request: argument 1: type "impossible" is not known` {
		t.Errorf("got %v", err)
	}
}

func TestDialErrors(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	if err = ln.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = rpcclient.Dial(t.Context(), address, rpcclient.Options{Codec: &toycodec.Codec{}})
	if want := "cannot connect to " + address + ": connection refused"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	_, err = rpcclient.Dial(t.Context(), address, rpcclient.Options{Codec: bare{}})
	if want := "codec bare cannot make requests"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

// bare is a codec with nothing optional.
type bare struct{ sdk.Codec }

func (bare) Name() string { return "bare" }
