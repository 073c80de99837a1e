package filterhost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// grpcCall is a gRPC call that a call waits for.
type grpcCall struct {
	cluster   string
	request   filter.GRPCRequest
	then      func(c filter.Call, r filter.GRPCResponse, err error) filter.Verdict
	event     uint64 // that it could not be begun; with eventLimit: that its limit has passed
	deadline  time.Time
	stopTimer func()
	code      sdk.Code // with problem
	problem   error    // why it is not sent
	answer    grpcAnswer
}

var (
	errNotBegun = errors.New("the call could not be begun: there is no such cluster, or no host of it takes calls")
	errLost     = errors.New("the connection broke before the answer was whole")
	errLimit    = errors.New("no answer within the limit")
)

// GRPC implements filter.Call.
func (c *Call) GRPC(cluster string, r filter.GRPCRequest,
	then func(c filter.Call, r filter.GRPCResponse, err error) filter.Verdict,
) filter.Verdict {
	c.unpause()
	if r.Host == "" {
		r.Host = cluster
	}
	if r.Limit <= 0 {
		r.Limit = time.Second
	}
	r.Limit = max(r.Limit, time.Millisecond).Truncate(time.Millisecond) // as the server is told
	c.pauses++
	event := c.pauses << eventBits
	c.grpc = &grpcCall{
		cluster: cluster, request: r, then: then, event: event, deadline: c.config.env.Now().Add(r.Limit),
		stopTimer: c.stream.WakeIn(r.Limit, event|eventLimit),
	}
	c.grpc.code, c.grpc.problem = checkGRPC(&c.grpc.request)
	return filter.Paused
}

// checkGRPC reports what is wrong with a request. Envoy would not look, and values that
// strangers have sent must not become headers of other requests.
// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Custom-Metadata
func checkGRPC(r *filter.GRPCRequest) (sdk.Code, error) {
	if n := len(r.Message); n > filter.MaxGRPCMessage {
		return sdk.ResourceExhausted, tooLong(n)
	}
	for _, e := range append([][2]string{{"method", r.Method}, {"host", r.Host}}, r.Metadata...) {
		switch {
		case !IsGRPCEntry(e[0]): // it is not sent
		case strings.ContainsFunc(e[0], notOfAName):
			return sdk.Internal, fmt.Errorf("metadata: %q is not lower-case letters, digits, '_', '-' and '.'", e[0])
		case strings.ContainsFunc(e[1], notPrintable):
			return sdk.Internal, fmt.Errorf("%s: %q is not printable ASCII", e[0], e[1])
		}
	}
	return sdk.OK, nil
}

func notOfAName(c rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_-.", c)
}

func notPrintable(c rune) bool { return c < ' ' || c > '~' }

// callGRPC is the output that begins the call that the filter has asked for.
func (c *Call) callGRPC() *Output {
	g := c.grpc
	if g.problem != nil {
		c.stream.Wake(g.event)
		return c.act(Hold)
	}
	out := c.act(CallGRPC)
	out.GRPC, out.Cluster, out.NotSent = &g.request, g.cluster, g.event
	return out
}

// GRPCHeaders is called with the headers of the answer to the last CallGRPC, and not of
// one before it. end tells that they are the whole answer.
func (c *Call) GRPCHeaders(list []engine.Field, end bool) {
	if c.grpc != nil {
		c.grpc.answer.headers(list, end)
	}
}

// GRPCTrailers is called with its trailers, if there are any.
func (c *Call) GRPCTrailers(list []engine.Field) {
	if c.grpc != nil {
		c.grpc.answer.end(list)
	}
}

// GRPCData is called with a part of its body. The chunks are borrowed. An output that is
// not Nothing decides about the call: the host resets what it still gets.
func (c *Call) GRPCData(chunks [][]byte) *Output {
	if c.grpc == nil {
		return c.nothing()
	}
	for _, chunk := range chunks {
		if code, err := c.grpc.answer.data(chunk); err != nil {
			return c.answeredGRPC(filter.GRPCResponse{Code: code}, err)
		}
	}
	return c.nothing()
}

// GRPCDone is called when the answer is whole, or with ok unset if the rest of it will not
// come.
func (c *Call) GRPCDone(ok bool) *Output {
	if c.grpc == nil {
		return c.nothing()
	}
	if !ok {
		return c.answeredGRPC(filter.GRPCResponse{Code: sdk.Unavailable}, errLost)
	}
	return c.answeredGRPC(c.grpc.answer.result())
}

// wokenGRPC is called with an event of the call that the filter waits for.
func (c *Call) wokenGRPC(event uint64) *Output {
	switch {
	case event&eventLimit != 0:
		return c.answeredGRPC(filter.GRPCResponse{Code: sdk.DeadlineExceeded}, errLimit)
	case c.grpc.problem != nil:
		return c.answeredGRPC(filter.GRPCResponse{Code: c.grpc.code}, c.grpc.problem)
	}
	return c.answeredGRPC(filter.GRPCResponse{Code: sdk.Unavailable}, errNotBegun)
}

// answeredGRPC goes on with the filter. The server has the same limit: how it gives up then,
// which may be here before our own timer, is not the filter's business.
func (c *Call) answeredGRPC(r filter.GRPCResponse, err error) *Output {
	g := c.grpc
	c.unpause()
	if r.Code != sdk.OK && !c.config.env.Now().Before(g.deadline) {
		r, err = filter.GRPCResponse{Code: sdk.DeadlineExceeded}, errLimit
	}
	if err != nil {
		err = fmt.Errorf("cluster %s: %s: %w", g.cluster, g.request.Method, err)
	}
	return c.decide(c.guard("a function that Call.GRPC was given", func() filter.Verdict { return g.then(c, r, err) }))
}

// GRPCRequestHeaders are the headers of a unary call.
// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
func GRPCRequestHeaders(r *filter.GRPCRequest) []engine.Field {
	first := [][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":authority", r.Host},
		{":path", r.Method},
		{"te", "trailers"},
		{"content-type", "application/grpc"},
		{"grpc-timeout", string(engine.AppendTimeout(nil, r.Limit))},
	}
	list := make([]engine.Field, 0, len(first)+len(r.Metadata))
	for _, h := range first {
		list = append(list, engine.Field{Name: []byte(h[0]), Value: []byte(h[1])})
	}
	for _, h := range r.Metadata {
		if IsGRPCEntry(h[0]) {
			list = append(list, engine.Field{Name: []byte(h[0]), Value: []byte(h[1])})
		}
	}
	return list
}

// IsGRPCEntry tells whether a header or trailer is an entry of metadata, and not gRPC's own.
func IsGRPCEntry(name string) bool {
	return name != "" && name[0] != ':' && !strings.HasPrefix(name, "grpc-") && name != "content-type" && name != "te"
}

// grpcPrefix is how long the frame before a message is: a flag that tells whether it is
// compressed, and its length in four bytes.
// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
const grpcPrefix = 5

// GRPCFrame is a message with gRPC's frame around it.
func GRPCFrame(message []byte) []byte {
	b := make([]byte, 1, grpcPrefix+len(message))
	b = binary.BigEndian.AppendUint32(b, uint32(len(message))) //nolint:gosec // it is at most MaxGRPCMessage
	return append(b, message...)
}
