package rpcclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
)

// ErrInterrupted is the error of a call whose context was cancelled before an answer.
var ErrInterrupted = errors.New("interrupted before an answer came")

// ErrTimeout is the error of a call whose context's deadline came before an answer.
var ErrTimeout = errors.New("no answer in time")

// ConnectError is a connection that could not be made.
type ConnectError struct {
	Address string
	Err     error
}

// Error is one sentence without the layers of package net.
func (e *ConnectError) Error() string {
	return "cannot connect to " + e.Address + ": " + reason(e.Err)
}

// Unwrap returns Err.
func (e *ConnectError) Unwrap() error { return e.Err }

// BuildError is a request that the codec could not make of its words. Nothing was
// sent.
type BuildError struct{ Err error }

// Error says what could not be written.
func (e *BuildError) Error() string { return "cannot make the request: " + e.Err.Error() }

// Unwrap returns Err.
func (e *BuildError) Unwrap() error { return e.Err }

// BadAnswerError is an answer to the call that cannot be read.
type BadAnswerError struct{ Err error }

// Error says what is wrong with it.
func (e *BadAnswerError) Error() string { return "the answer cannot be read: " + e.Err.Error() }

// Unwrap returns Err.
func (e *BadAnswerError) Unwrap() error { return e.Err }

// failed turns what a read or a write returned in a call into an error for people,
// and decides whether the connection can still be used.
func (c *Conn) failed(ctx context.Context, err error) error {
	if _, bad := errors.AsType[*BadAnswerError](err); bad {
		return err // the boundary is sound
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		return c.cut(ctx)
	}
	c.broken = true
	_, truncated := errors.AsType[*framing.TruncatedError](err)
	switch {
	case truncated:
		return fmt.Errorf("the server closed the connection in the middle of an answer: it %w", err)
	case errors.Is(err, io.EOF) && c.goAway:
		return errors.New("the server closed the connection without an answer, after it had asked for no new calls")
	case errors.Is(err, io.EOF):
		return errors.New("the server closed the connection without an answer")
	case isNetwork(err):
		return errors.New("connection lost: " + reason(err))
	default:
		return fmt.Errorf("the server's bytes are not %s: %w", c.codec.Name(), err)
	}
}

// cut is failed for a call that ctx ended. Where answers are paired by order, or one
// has partly arrived, later answers could not be told apart.
func (c *Conn) cut(ctx context.Context) error {
	pending := c.reader.Pending()
	if c.ordered || pending > 0 {
		c.broken = true
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ErrInterrupted
	}
	if pending > 0 {
		return fmt.Errorf("%w: only %d bytes of it came", ErrTimeout, pending)
	}
	return ErrTimeout
}

func isNetwork(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}

// reason is the innermost reason of a network error, such as "connection refused".
func reason(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Error()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return "no answer to the connection attempt in time"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		return op.Err.Error()
	}
	return err.Error()
}
