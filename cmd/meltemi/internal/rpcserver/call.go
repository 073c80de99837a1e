package rpcserver

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// call reads the request m and has it answered. An error ends the connection.
func (c *conn) call(ctx context.Context, m *sdk.Message) error {
	c.codecMu.Lock()
	err := framing.Metadata(c.codec, m)
	call := &Call{Message: m, Peer: c.conn.RemoteAddr()}
	if err == nil {
		call.View, _, call.ViewErr = framing.View(c.codec, m)
	}
	c.codecMu.Unlock()
	if err != nil {
		return c.refuse(m, err)
	}
	if c.ordered {
		return c.handle(ctx, call)
	}
	c.open.enter(len(m.Bytes))
	c.calls.Go(func() {
		if err := c.handle(ctx, call); err != nil {
			shut(c.conn) // the reader sees it and ends
			c.server.report(call.Peer, err)
		}
		c.open.leave(len(m.Bytes))
	})
	return nil
}

// handle has the call answered and sends the answer.
func (c *conn) handle(ctx context.Context, call *Call) error {
	answer := c.server.options.Handler.Handle(ctx, call)
	if call.OneWay() {
		return nil
	}
	select {
	case <-ctx.Done(): // the server could not wait any longer
		return nil
	default:
	}
	if answer.Failure != nil {
		return c.fail(call.Message, *answer.Failure)
	}
	err := c.respond(call.Message, answer.Response)
	var build *buildError
	if asBuildError(err, &build) {
		if text, ok := asText(answer.Response); ok {
			err = c.respond(call.Message, text)
		}
	}
	if asBuildError(err, &build) {
		return c.fail(call.Message, sdk.Failure{Cause: sdk.CauseInternal, Code: sdk.Internal, Message: build.Error()})
	}
	return err
}

// respond sends a response.
func (c *conn) respond(m *sdk.Message, r sdk.Response) error {
	return c.send("BuildResponse", func(dst []byte) ([]byte, error) {
		return c.builder.BuildResponse(dst, m, r)
	})
}

// asText returns a response whose result is JSON text, for protocols that write
// structured values only with types, which nobody told us. It is false if the result is
// a simple value already.
func asText(r sdk.Response) (sdk.Response, bool) {
	switch r.Result.(type) {
	case sdk.OrderedMap, []any:
	default:
		return r, false
	}
	text, err := json.Marshal(r.Result)
	if err != nil {
		return r, false
	}
	r.Result = string(text)
	return r, true
}

// refuse answers a request that cannot be read. It costs the call only.
func (c *conn) refuse(m *sdk.Message, err error) error {
	c.server.report(c.conn.RemoteAddr(), fmt.Errorf("refused a %v: %w", m.Kind, err))
	if m.Kind != sdk.KindRequest {
		return nil
	}
	return c.fail(m, sdk.Failure{Cause: sdk.CauseMalformed, Code: sdk.InvalidArgument, Message: err.Error()})
}

// fail sends an error of the protocol. A failure that the protocol cannot tell ends
// the connection, so that the client does not wait in vain.
func (c *conn) fail(m *sdk.Message, f sdk.Failure) error {
	call := sdk.Call{ID: m.ID, Token: m.Token, Service: m.Service, Method: m.Method}
	return c.send("Reply", func(dst []byte) ([]byte, error) {
		b, err := c.codec.Reply(dst, call, f)
		if err == nil && len(b) == 0 {
			err = fmt.Errorf("the protocol cannot say %q", f.Text())
		}
		return b, err
	})
}

// send writes what build, which calls that method of the codec, appends.
func (c *conn) send(method string, build func(dst []byte) ([]byte, error)) error {
	var b []byte
	c.codecMu.Lock()
	err := framing.Protect(c.codec, method, func() (err error) {
		b, err = build(nil)
		return err
	})
	c.codecMu.Unlock()
	if err != nil {
		return &buildError{err}
	}
	if len(b) == 0 {
		return nil
	}
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	err = c.conn.SetWriteDeadline(time.Now().Add(c.server.writeTime))
	if err == nil {
		_, err = c.conn.Write(b)
	}
	return err
}
