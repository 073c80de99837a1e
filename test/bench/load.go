package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// load is what a subject bears in one round.
type load struct {
	shape
	carrier  carrier
	address  string
	exchange *exchange
	rate     float64 // calls per second over all connections; 0: as fast as it goes
	warmUp   time.Duration
	duration time.Duration
}

// answerLimit is how long the last calls of a round may take.
const answerLimit = 10 * time.Second

// run bears the load. It calls begin and end around the time that counts, and returns
// how long each call took whose reply came in that time. A call that gets no good
// answer is an error.
func (l *load) run(ctx context.Context, begin, end func() error) ([]time.Duration, error) {
	conns := make([]*connection, l.connections)
	defer func() {
		for _, c := range conns {
			if c != nil {
				_ = c.net.Close()
			}
		}
	}()
	var counting atomic.Bool
	for i := range conns {
		c, err := l.connect(ctx, i, &counting)
		if err != nil {
			return nil, err
		}
		conns[i] = c
	}
	failed := make(chan error, len(conns))
	var running sync.WaitGroup
	start := time.Now()
	for i, c := range conns {
		if l.rate > 0 {
			interval := time.Duration(float64(l.connections) / l.rate * float64(time.Second))
			c.pace = &pace{next: start.Add(interval * time.Duration(i) / time.Duration(l.connections)), interval: interval}
			running.Go(func() { c.keepPace() })
		}
		running.Go(func() {
			if err := c.work(); err != nil {
				failed <- err
			}
		})
	}
	err := l.count(ctx, &counting, failed, begin, end)
	for _, c := range conns {
		c.stop()
	}
	running.Wait()
	if err == nil {
		select {
		case err = <-failed:
		default:
		}
	}
	var all []time.Duration
	for _, c := range conns {
		all = append(all, c.took...)
	}
	return all, err
}

func (l *load) count(ctx context.Context, counting *atomic.Bool, failed <-chan error, begin, end func() error) error {
	wait := func(d time.Duration) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case <-time.After(d):
			return nil
		}
	}
	if err := wait(l.warmUp); err != nil {
		return err
	}
	if err := begin(); err != nil {
		return err
	}
	counting.Store(true)
	err := wait(l.duration)
	counting.Store(false)
	return errors.Join(err, end())
}

// connection is one of the load's connections, with its calls in flight.
type connection struct {
	net      net.Conn
	exchange *exchange
	counting *atomic.Bool
	inFlight int
	pace     *pace // nil: as fast as it goes
	token    uint64

	mu      sync.Mutex
	session session
	open    map[uint64]openCall
	stopped bool
	took    []time.Duration
}

type openCall struct {
	token uint64
	start time.Time
}

// pace says when the next call is due. A call that has to wait for one before it is
// as late as its wait: what a proxy delays counts in full.
type pace struct {
	next     time.Time
	interval time.Duration
}

func (l *load) connect(ctx context.Context, number int, counting *atomic.Bool) (*connection, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	c := &connection{
		net: conn, exchange: l.exchange, counting: counting, inFlight: l.inFlight,
		token: uint64(number) << 32, open: map[uint64]openCall{},
	}
	if l.carrier == rpc {
		c.session = newRPCSession(conn, l.exchange)
		return c, nil
	}
	c.session, err = newHTTP2Session(conn, l.exchange)
	return c, err
}

// work makes calls and takes replies until stop, and until each call has its answer.
func (c *connection) work() error {
	if err := c.advance(); err != nil {
		return err
	}
	for {
		if err := c.session.wait(); err != nil {
			return c.ended(err)
		}
		c.mu.Lock()
		err := c.session.read(c.answered)
		c.mu.Unlock()
		if err == nil {
			err = c.advance()
		}
		if err != nil {
			return c.ended(err)
		}
	}
}

// answered takes a reply.
func (c *connection) answered(call uint64, reply []byte) error {
	o, ok := c.open[call]
	if !ok {
		return fmt.Errorf("%w: no call has number %d", errNotOurs, call)
	}
	delete(c.open, call)
	if c.counting.Load() {
		c.took = append(c.took, time.Since(o.start))
	}
	return c.exchange.check(reply, o.token)
}

// advance makes the calls that are due, as far as there is room for them.
func (c *connection) advance() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for !c.stopped && len(c.open) < c.inFlight {
		due := now
		if c.pace != nil {
			if due = c.pace.next; due.After(now) {
				break
			}
		}
		number, ok, err := c.session.call(c.token)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		c.open[number] = openCall{c.token, due}
		c.token++
		if c.pace != nil {
			c.pace.next = due.Add(c.pace.interval)
		}
	}
	if c.stopped && len(c.open) == 0 {
		return net.ErrClosed
	}
	return c.session.flush()
}

// keepPace makes the calls that are due while no reply comes.
func (c *connection) keepPace() {
	for {
		c.mu.Lock()
		stopped, next := c.stopped, c.pace.next
		c.mu.Unlock()
		if stopped {
			return
		}
		// A connection that is behind goes on when a reply makes room.
		time.Sleep(max(time.Until(next), c.pace.interval/4))
		if err := c.advance(); err != nil {
			_ = c.net.Close() // work tells
			return
		}
	}
}

// stop lets the open calls end and makes no others.
func (c *connection) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	deadline := time.Now()
	if len(c.open) > 0 {
		deadline = deadline.Add(answerLimit)
	}
	_ = c.net.SetReadDeadline(deadline)
}

// ended tells whether the end of a connection is an error.
func (c *connection) ended(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped && len(c.open) == 0 {
		return nil
	}
	return fmt.Errorf("with %d calls open: %w", len(c.open), err)
}
