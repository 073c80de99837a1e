package rpcclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// Options say how a Conn works.
type Options struct {
	Codec sdk.Codec
	// MaxMessage is the greatest length of a message from the server in bytes;
	// below 1 it is sdk.DefaultMaxMessage.
	MaxMessage int
	// Frames says that all calls are messages that were made before (CallFrame,
	// SendFrame), so that the codec need not be able to make requests.
	Frames bool
}

// Conn is a connection to a server. It is used by one goroutine at a time.
type Conn struct {
	codec   sdk.Codec
	shared  sdk.Codec // codec, or what it was made of for this connection
	ordered bool
	builder sdk.RequestBuilder // nil only with Options.Frames

	conn   net.Conn
	reader *framing.Reader
	m      sdk.Message
	out    []byte
	lastID uint64

	goAway bool // the server asked for no new calls
	broken bool // no further call can work
}

// Dial connects to a TCP address, "host:port", until ctx ends. It fails without connecting if the
// codec cannot make requests.
func Dial(ctx context.Context, address string, o Options) (*Conn, error) {
	codec := o.Codec
	if p, ok := codec.(sdk.PerConnection); ok {
		codec = p.NewConnection()
	}
	builder, ok := codec.(sdk.RequestBuilder)
	if !ok && !o.Frames {
		return nil, fmt.Errorf("codec %s cannot make requests", codec.Name())
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, &ConnectError{Address: address, Err: err}
	}
	c := &Conn{codec: codec, shared: o.Codec, builder: builder, conn: conn}
	if order, ok := codec.(sdk.Ordered); ok {
		c.ordered = order.InOrder()
	}
	c.reader = framing.NewReader(conn, codec, sdk.FromServer, o.MaxMessage)
	return c, nil
}

// Usable reports whether the connection can take another call: it is whole, and the
// server has not asked for no new calls.
func (c *Conn) Usable() bool { return !c.broken && !c.goAway }

// Close closes the connection.
func (c *Conn) Close() { shut(c.conn) }

// Call sends r and waits for the answer, at most until ctx ends. It does not change r,
// and chooses the id and OneWay itself.
//
// A Reply, with whatever outcome, means that the server, or a proxy, answered. An
// error means that there is no answer; it leaves the connection usable only if the
// request was not sent, or if its late answer could be told from others.
func (c *Conn) Call(ctx context.Context, r *sdk.Request) (*Reply, error) {
	return c.call(ctx, c.request(r, false))
}

// call is Call for a request that build appends to c.out, with c.lastID as its id.
func (c *Conn) call(ctx context.Context, build builder) (*Reply, error) {
	stop, err := c.begin(ctx, build)
	if err != nil {
		return nil, err
	}
	defer stop()
	started := time.Now()
	if err := c.write(c.out); err != nil {
		return nil, c.failed(ctx, err)
	}
	for {
		if err := c.next(); err != nil {
			return nil, c.failed(ctx, err)
		}
		if c.m.Kind == sdk.KindResponse && (c.ordered || c.m.ID == c.lastID) {
			return c.reply(time.Since(started))
		}
	}
}

// Send sends r, to which there is no answer. If the protocol has heartbeats that a
// client can send, Send waits for the answer to one, so that the server, or the proxy
// before it, is known to have read r. As Call, it does not change r.
func (c *Conn) Send(ctx context.Context, r *sdk.Request) error {
	return c.send(ctx, c.request(r, true))
}

// send is Send for a request that build makes.
func (c *Conn) send(ctx context.Context, build builder) error {
	stop, err := c.begin(ctx, build)
	if err != nil {
		return err
	}
	defer stop()
	prober, probes := c.codec.(sdk.Prober)
	if probes {
		c.lastID++
		before := len(c.out)
		c.out = prober.Heartbeat(c.out, c.lastID)
		probes = len(c.out) > before
	}
	if err := c.write(c.out); err != nil {
		return c.failed(ctx, err)
	}
	for probes {
		if err := c.next(); err != nil {
			return c.failed(ctx, err)
		}
		if c.m.Kind == sdk.KindHeartbeatReply {
			return nil
		}
	}
	return nil
}

// builder appends a request with that id.
type builder func(dst []byte, id uint64) ([]byte, error)

// request builds r.
func (c *Conn) request(r *sdk.Request, oneWay bool) builder {
	return func(dst []byte, id uint64) (b []byte, err error) {
		if c.builder == nil {
			return dst, fmt.Errorf("codec %s cannot make requests", c.codec.Name())
		}
		numbered := *r
		numbered.ID, numbered.OneWay = id, oneWay
		err = framing.Protect(c.codec, "BuildRequest", func() error {
			b, err = c.builder.BuildRequest(dst, numbered)
			return err
		})
		return b, err
	}
}

// begin builds a request, with an id of its own, into c.out and ties the connection's
// deadline to ctx, until stop is called.
func (c *Conn) begin(ctx context.Context, build builder) (stop func(), err error) {
	if c.broken {
		return nil, errors.New("the connection is not usable any more")
	}
	c.lastID++
	b, err := build(c.out[:0], c.lastID)
	if err != nil {
		return nil, &BuildError{Err: err}
	}
	if c.out = b; len(c.out) == 0 {
		return nil, &BuildError{Err: fmt.Errorf("codec %s made an empty request", c.codec.Name())}
	}
	if err := c.conn.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	fired := make(chan struct{})
	release := context.AfterFunc(ctx, func() {
		if c.conn.SetDeadline(time.Unix(1, 0)) != nil {
			shut(c.conn) // the call must end
		}
		close(fired)
	})
	return func() {
		if !release() {
			<-fired // or it could end the next call instead
		}
	}, nil
}

// next reads messages until one is the caller's business: a response, or the answer
// to a heartbeat. The rest is dealt with here.
func (c *Conn) next() error {
	for {
		err := c.reader.Next(&c.m)
		var refused *sdk.CallError
		if errors.As(err, &refused) && c.m.Kind == sdk.KindResponse {
			return &BadAnswerError{Err: err}
		}
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		switch c.m.Kind {
		case sdk.KindResponse, sdk.KindHeartbeatReply:
			return nil
		case sdk.KindHeartbeat:
			err = c.answerHeartbeat()
		case sdk.KindGoAway:
			c.goAway = true
		case sdk.KindRequest:
			err = c.refuseRequest()
		case sdk.KindOneWay, sdk.KindUnknown:
		}
		if err != nil {
			return err
		}
	}
}

func (c *Conn) answerHeartbeat() error {
	h, ok := c.codec.(sdk.Heartbeater)
	if !ok {
		return nil
	}
	var b []byte
	err := framing.Protect(c.codec, "HeartbeatReply", func() error {
		b = h.HeartbeatReply(nil, &c.m)
		return nil
	})
	if err != nil {
		return err
	}
	return c.write(b)
}

// refuseRequest answers a call that the server makes to us. What the protocol cannot
// say is left unsaid: it is not our call that fails.
func (c *Conn) refuseRequest() error {
	var b []byte
	err := framing.Protect(c.codec, "Reply", func() (err error) {
		b, err = c.codec.Reply(nil, sdk.Call{ID: c.m.ID, Token: c.m.Token}, sdk.Failure{
			Cause: sdk.CauseUnsupported, Code: sdk.Unimplemented, Message: "this client serves no calls",
		})
		return err
	})
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	return c.write(b)
}

func (c *Conn) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_, err := c.conn.Write(b)
	if err != nil {
		c.broken = true // part of a message may have been sent
	}
	return err
}

// shut closes a connection that nobody will use again: there is nobody to tell that it
// failed.
func shut(c net.Conn) { _ = c.Close() }
