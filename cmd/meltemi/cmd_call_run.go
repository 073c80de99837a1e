package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/rpcclient"
	"github.com/meltemi-mesh/meltemi/sdk"
)

const maxConcurrency = 1024

// caller makes calls.
type caller struct {
	codec   sdk.Codec
	address string
	request sdk.Request
	options *callOptions
}

// callResult is what became of a call. Reply is nil if there was no answer, also for a
// one-way call, which is good if err is nil.
type callResult struct {
	request *sdk.Request
	reply   *rpcclient.Reply
	err     error
	latency time.Duration
}

func (r *callResult) ok() bool {
	return r.err == nil && (r.reply == nil || r.reply.OK())
}

// line is one connection with the calls that it makes, one after the other.
type line struct {
	*caller
	conn *rpcclient.Conn
}

// call makes one call, on a new connection if there is no usable one.
func (l *line) call(ctx context.Context) callResult {
	started := time.Now()
	reply, err := l.try(ctx)
	r := callResult{request: &l.request, reply: reply, err: err, latency: time.Since(started)}
	if reply != nil {
		r.latency = reply.Latency
	}
	return r
}

func (l *line) try(ctx context.Context) (*rpcclient.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, l.options.timeout)
	defer cancel()
	if l.conn != nil && !l.conn.Usable() {
		l.close()
	}
	if l.conn == nil {
		conn, err := rpcclient.Dial(ctx, l.address, rpcclient.Options{Codec: l.codec, MaxMessage: l.options.maxMessage})
		if err != nil {
			return nil, err
		}
		l.conn = conn
	}
	var reply *rpcclient.Reply
	var err error
	if l.options.oneWay {
		err = l.conn.Send(ctx, &l.request)
	} else {
		reply, err = l.conn.Call(ctx, &l.request)
	}
	var build *rpcclient.BuildError
	switch {
	case errors.As(err, &build):
		return nil, &cli.Error{Code: cli.Usage, Err: err}
	case errors.Is(err, rpcclient.ErrTimeout):
		return nil, fmt.Errorf("%w: waited %v", err, l.options.timeout)
	}
	return reply, err
}

// end closes the connection when it has been open long enough.
func (l *line) end(ctx context.Context) {
	if l.conn != nil && l.options.oneWay {
		select {
		case <-ctx.Done():
		case <-time.After(l.options.linger):
		}
	}
	l.close()
}

func (l *line) close() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}

// once makes one call.
func (c *caller) once(ctx context.Context) callResult {
	l := &line{caller: c}
	defer l.end(ctx)
	return l.call(ctx)
}

// many makes all calls and counts what became of them. When ctx ends, those that have
// not begun are left out.
func (c *caller) many(ctx context.Context) *callSummary {
	sum := newCallSummary(c.options)
	var next atomic.Int64
	var workers sync.WaitGroup
	started := time.Now()
	for range min(c.options.concurrency, c.options.repeat) {
		workers.Go(func() {
			l := &line{caller: c}
			defer l.end(ctx)
			for ctx.Err() == nil && next.Add(1) <= int64(c.options.repeat) {
				r := l.call(ctx)
				sum.add(&r)
				if cli.CodeOf(r.err) == cli.Usage {
					return // the next would fail in the same way
				}
			}
		})
	}
	workers.Wait()
	sum.elapsed = time.Since(started)
	return sum
}
