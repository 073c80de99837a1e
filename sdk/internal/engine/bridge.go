package engine

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Bridge carries one HTTP request to a connection that its host has chosen, and
// the reply back. The connection may serve other Bridges before and after, one at
// a time; a Bridge sees only what arrives while it is there. So it leaves a
// response open wherever the connection must not be used again: the host closes a
// connection whose response never ended.
//
// The calls come in this order: Headers, any number of Data, at most one Trailers;
// FromServer at any time; Deferred after an output asked for it; Release last.
type Bridge struct {
	cfg      *Config
	upstream Upstream
	counts   Counts
	out      BridgeOutput
	response Response

	headers  headerCopy
	body     inbox
	share    share  // of the budget, for body
	joined   []byte // scratch of body
	complete bool   // the request has ended
	sent     bool   // the server has it
	oneway   bool
	doubtful bool // the server may answer, though the call is one-way
	answered bool

	failure *sdk.Failure // to be told by Deferred

	mutation sdk.Mutation
	encoded  []byte // the message with changes, first the request and then the reply
	method   []byte // the client's, where the server gets another and its reply names it
	fields   fields
	trailers fields
}

// BridgeOutput says what the host has to do. It is reused by the next call.
type BridgeOutput struct {
	// ToServer goes to the server, without ending the stream.
	ToServer []byte
	// Response is the answer to the request, if there is one now.
	Response *Response
	// Defer asks for a call of Deferred from a scheduler of the same thread:
	// nothing may be answered while the request is being encoded.
	Defer bool
	// Counts are changes of metrics.
	Counts *Counts
}

var bridges = sync.Pool{New: func() any { return new(Bridge) }}

var (
	errNoBody     = errors.New("the request has no body")
	errTrailers   = errors.New("the request has trailers")
	errIncomplete = errors.New("the body ends in the middle of a message")
	errBehind     = errors.New("bytes follow the message")
	errEarlyEnd   = errors.New("the server closed its side in the middle of a call")
)

// NewBridge returns a bridge to a server that speaks the first codec of c.
func NewBridge(c *Config) *Bridge {
	b, ok := bridges.Get().(*Bridge)
	if !ok {
		b = new(Bridge)
	}
	b.cfg = c
	b.upstream.reset(c, &b.counts, false)
	return b
}

// Release gives the bridge back. It must not be used afterwards.
func (b *Bridge) Release() {
	b.letGo()
	b.headers.reset()
	b.fields.reset()
	b.trailers.reset()
	b.mutation.Reset()
	if cap(b.method) > maxIdleBuffer {
		b.method = nil
	}
	*b = Bridge{
		upstream: b.upstream, headers: b.headers, body: b.body, joined: b.joined, mutation: b.mutation,
		encoded: b.encoded[:0], method: b.method[:0], fields: b.fields, trailers: b.trailers,
	}
	bridges.Put(b)
}

// Carried says that the last output has been carried out. What a long request took is
// not kept until its reply comes.
func (b *Bridge) Carried() {
	if b.sent || b.failure != nil {
		b.letGo()
	}
}

func (b *Bridge) letGo() {
	if cap(b.encoded) > maxIdleBuffer {
		b.encoded = nil
	}
	if cap(b.joined) > maxIdleBuffer {
		b.joined = nil
	}
	b.body.reset()
	b.share.resize(b.cfg.Budget, 0)
}

// Headers takes the request's headers, borrowed until it returns.
func (b *Bridge) Headers(list []Field, end bool) *BridgeOutput {
	b.begin()
	for i := range list {
		if matters(b.cfg, list[i].Name) {
			b.headers.add(list[i].Name, list[i].Value)
		}
	}
	if end {
		b.complete = true
		b.refuse(sdk.Malformed("body", -1, errNoBody))
	}
	return &b.out
}

// Data takes a part of the request's body, borrowed until it returns.
func (b *Bridge) Data(chunks [][]byte, end bool) *BridgeOutput {
	b.begin()
	b.complete = b.complete || end
	switch {
	case b.sent:
	case b.failure != nil:
		b.out.Defer = b.complete
	default:
		b.take(chunks, end)
	}
	return &b.out
}

func (b *Bridge) take(chunks [][]byte, end bool) {
	size := b.body.len()
	for _, c := range chunks {
		size += len(c)
	}
	if size > b.cfg.maxMessage {
		b.body.reset()
		b.refuse(&sdk.CallError{
			Cause: sdk.CauseTooLarge, Element: "message", Offset: -1,
			Err: fmt.Errorf("more than %d bytes, the limit of the cluster (max_message_bytes)", b.cfg.maxMessage),
		})
		return
	}
	if !end && !b.share.resize(b.cfg.Budget, size) {
		b.body.reset()
		b.refuse(overBudget())
		return
	}
	frame, own := b.body.add(chunks, &b.joined)
	if !end {
		b.body.keep(frame, own)
		return
	}
	if err := b.forward(frame); err != nil {
		b.refuse(err)
	}
}

// Trailers takes the end of a request with trailers: no request of ours has any.
func (b *Bridge) Trailers() *BridgeOutput {
	b.begin()
	b.complete = true
	switch {
	case b.sent:
	case b.failure != nil:
		b.out.Defer = true
	default:
		b.refuse(sdk.Malformed("trailers", -1, errTrailers))
	}
	return &b.out
}

// forward checks the frame against the headers, applies what differs, and sends it.
func (b *Bridge) forward(frame []byte) error {
	u := &b.upstream
	m := &u.message
	m.Reset()
	n, err := u.decode(sdk.FromClient, frame, m)
	switch {
	case len(frame) == 0:
		return sdk.Malformed("body", -1, errNoBody)
	case errors.Is(err, sdk.ErrNeedMore):
		return sdk.Malformed("body", len(frame), errIncomplete)
	case err != nil:
		return err
	case n != len(frame):
		return sdk.Malformed("body", n, errBehind)
	}
	m.Bytes = frame
	opaque := false
	if err := u.metadata(m); err != nil {
		if opaque = b.cfg.passOpaque && isUnreadable(err); !opaque {
			return err
		}
	}
	b.mutation.Reset()
	if err := b.fields.requestMutation(b.cfg, &u.guarded, &b.mutation, m, b.headers.list, opaque); err != nil {
		return err
	}
	if u.broken != nil {
		return &sdk.CallError{Cause: sdk.CauseConnectFailure, Element: "connection", Offset: -1, Err: u.broken}
	}
	if !b.mutation.Empty() {
		if b.encoded, err = u.encode(b.encoded[:0], m, &b.mutation); err != nil {
			return err
		}
		frame = b.encoded
		if b.mutation.Method != nil && u.kind().replyNamer != nil {
			b.method = append(b.method[:0], m.Method...)
		}
	}
	b.sent = true
	b.out.ToServer = frame
	if b.oneway = b.cfg.isOneway(m); b.oneway {
		b.doubtful = m.Kind == sdk.KindOneWay && u.mayBeAnswered(m)
		b.out.Defer = true
		return nil
	}
	u.open(m.ID)
	return nil
}

// refuse keeps the reason why the call does not go to the server. It is told once
// the request has ended.
func (b *Bridge) refuse(err error) {
	f := failureFrom(err, sdk.CauseMalformed, sdk.InvalidArgument)
	b.failure = &f
	b.counts.Add(MetricRefused(f.Cause), 1)
	b.out.Defer = b.complete
}

func (b *Bridge) begin() { b.out = BridgeOutput{Counts: &b.counts} }

// matters reports whether a request header says anything about the message.
func matters(c *Config, name []byte) bool {
	switch string(name) {
	case ":method", ":path", "content-type":
		return true
	}
	return bytes.HasPrefix(name, []byte(prefix)) || c.isTracing(name)
}
