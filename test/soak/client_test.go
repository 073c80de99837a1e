package soak

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/test/soak/chaos"
)

// bound is how long a call may take. The longest wait is for the timeouts of the route
// (3 s) of all calls that were sent before it on a connection whose answers are in order;
// the rest is for a busy machine.
const bound = 45 * time.Second

// shortDeadline is how long a caller waits whose plan has a deadline.
const shortDeadline = 400 * time.Millisecond

// client is a connection with calls on it.
type client struct {
	run      *run
	protocol *protocol
	random   *rand.Rand
	conn     net.Conn
	codec    sdk.Codec
	ordered  bool
	last     uint64 // id on the connection
	out      []byte

	mu   sync.Mutex
	room *sync.Cond
	open map[uint64]*chaos.Plan // by id on the connection
	line []uint64               // ids in their order
	mute map[uint64]*chaos.Plan // one-way calls
	left bool                   // the client has gone: what happens to its calls is not known
	err  error
}

func (r *run) dial(p *protocol, random *rand.Rand) (*client, error) {
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+r.proxy.PortOf(p.name), bound)
	if err != nil {
		return nil, err
	}
	c := &client{run: r, protocol: p, random: random, conn: conn, codec: p.codec(r.tb), open: map[uint64]*chaos.Plan{}, mute: map[uint64]*chaos.Plan{}}
	c.room = sync.NewCond(&c.mu)
	if o, ok := c.codec.(sdk.Ordered); ok {
		c.ordered = o.InOrder()
	}
	go c.read()
	return c, nil
}

// calls makes n calls, at most window at a time, and waits for their ends.
func (c *client) calls(n, window int) error {
	clear(c.mute)
	for range n {
		if err := c.await(window - 1); err != nil {
			return err
		}
		if err := c.call(); err != nil {
			return err
		}
	}
	return c.await(0)
}

// leave makes calls and goes away in the middle, of a message too.
func (c *client) leave(n int) {
	for range n {
		if c.call() != nil {
			break
		}
	}
	time.Sleep(time.Duration(c.random.IntN(40)) * time.Millisecond)
	rude := c.random.IntN(4) == 0
	c.mu.Lock()
	c.left = true
	// An answer that comes now resets the connection, and its one-way calls with it. Without
	// one it ends as that of a client does that has said all it had to say.
	if c.run.lose(c.open); len(c.open) > 0 || rude {
		c.run.lose(c.mute)
	}
	c.mu.Unlock()
	if rude {
		if frame, _, err := c.build(c.run.number(), false); err == nil {
			_, _ = c.conn.Write(frame[:len(frame)/2])
		}
	}
	c.close()
}

func (c *client) close() { _ = c.conn.Close() }

// await waits until at most n calls are open.
func (c *client) await(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.open) > n && c.err == nil {
		c.room.Wait()
	}
	return c.err
}

// build makes the message of a call.
func (c *client) build(id uint64, oneWay bool) ([]byte, *chaos.Plan, error) {
	plan := chaos.New(c.run.seed, id)
	c.last++
	r := sdk.Request{
		ID: c.last, Service: "soak.Echo", Method: "echo", OneWay: oneWay, Timeout: time.Minute,
		Arguments: []sdk.Argument{{Type: c.protocol.argument, Value: payload(id, "request", plan.RequestBytes)}},
		Metadata:  []sdk.Entry{{Key: []byte(chaos.Key), Value: strconv.AppendUint(nil, id, 16)}},
	}
	if plan.Deadline {
		r.Timeout = shortDeadline
	}
	var err error
	c.out, err = c.codec.(sdk.RequestBuilder).BuildRequest(c.out[:0], r)
	return c.out, plan, err
}

// call sends a call.
func (c *client) call() error {
	oneWay := c.protocol.oneWay && c.random.IntN(8) == 0
	frame, plan, err := c.build(c.run.number(), oneWay)
	if err != nil {
		return fmt.Errorf("building a call: %w", err)
	}
	c.run.expect(c.protocol, plan, oneWay)
	c.mu.Lock()
	if oneWay {
		c.mute[c.last] = plan
	} else {
		c.open[c.last] = plan
		c.line = append(c.line, c.last)
	}
	c.mu.Unlock()
	_ = c.conn.SetDeadline(time.Now().Add(bound))
	_, err = c.conn.Write(frame)
	return err
}

// read takes answers until the connection ends.
func (c *client) read() {
	err := c.answers()
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, os.ErrDeadlineExceeded) && len(c.open) > 0 {
		for _, plan := range c.open {
			err = fmt.Errorf("call %x has no end after %v; its plan is %+v", plan.ID, bound, plan)
		}
	} else if len(c.open) > 0 {
		err = fmt.Errorf("%d calls are open, and then: %w", len(c.open), err)
	}
	if !c.left && c.run.lose(c.open) > 0 {
		c.run.problem("a client of %s: %v", c.protocol.name, err)
	}
	c.err = err
	c.room.Broadcast()
}

func (c *client) answers() error {
	in := stream{from: c.conn, codec: c.codec, side: sdk.FromServer}
	m := &sdk.Message{}
	for {
		if err := in.next(m); err != nil {
			return err
		}
		if m.Kind != sdk.KindResponse {
			continue
		}
		plan, err := c.take(m.ID)
		if err != nil {
			return err
		}
		if err := c.judge(plan, m); err != nil {
			c.run.problem("%s, call %x: %v; its plan is %+v", c.protocol.name, plan.ID, err, plan)
		}
	}
}

// take finds the call that an answer is to.
func (c *client) take(id uint64) (*chaos.Plan, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ordered {
		if len(c.line) == 0 {
			return nil, errors.New("an answer to no call")
		}
		id = c.line[0]
	}
	plan := c.open[id]
	if plan == nil {
		return nil, fmt.Errorf("an answer to call %d, which is not open", id)
	}
	delete(c.open, id)
	for i, other := range c.line {
		if other == id {
			c.line = append(c.line[:i], c.line[i+1:]...)
			break
		}
	}
	c.room.Broadcast()
	return plan, nil
}
