package rpcserver

import (
	"context"
	"net"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Call is a call that a client made.
type Call struct {
	// Message is the request after Metadata has read it. It and all that it points to
	// are the handler's, and must not be modified.
	Message *sdk.Message
	// View shows the arguments; ViewErr says why not, if they cannot be shown.
	View    sdk.View
	ViewErr error
	// Peer is the client.
	Peer net.Addr
}

// OneWay reports whether the answer will be thrown away.
func (c *Call) OneWay() bool { return c.Message.Kind == sdk.KindOneWay }

// Answer is what a handler makes of a call.
type Answer struct {
	Response sdk.Response
	// Failure, if not nil, is sent instead, as an error of the protocol.
	Failure *sdk.Failure
}

// Handler answers calls. It is called from several goroutines at once, also for calls
// of one connection unless the protocol answers in order. ctx ends when the server
// cannot wait any longer.
type Handler interface {
	Handle(ctx context.Context, call *Call) Answer
}
