package engine

import (
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Response is an HTTP response.
type Response struct {
	Status   int // :status
	Fields   []Field
	Body     []byte
	Trailers []Field
	// End says that the response ends with its last part. If not, it must be left
	// open, and the server's connection dies with it.
	End bool
}

// Deferred gives the answer that could not be given before.
func (b *Bridge) Deferred() *BridgeOutput {
	b.begin()
	switch {
	case b.answered:
	case b.failure != nil:
		b.fail(*b.failure, b.upstream.clean() && !b.sent)
	case b.oneway:
		b.answered = true
		b.fields.reset()
		b.fields.add(nameContentType, b.cfg.contentTypes[0])
		b.fields.addInt(nameGRPCStatus, 0)
		b.response = Response{Status: 200, Fields: b.fields.list, End: true}
		b.out.Response = &b.response
		if b.doubtful || b.upstream.goAway || !b.upstream.clean() {
			b.spoil()
		}
	}
	return &b.out
}

// FromServer takes bytes of the server, borrowed until it returns. End says that
// the server has closed its side.
func (b *Bridge) FromServer(chunks [][]byte, end bool) *BridgeOutput {
	b.begin()
	err := b.upstream.feed(chunks, b)
	if err == nil && end {
		err = errEarlyEnd
	}
	if !b.upstream.in.empty() && b.answered && err == nil {
		err = errTrailing
	}
	if err == nil && !(b.answered && (b.upstream.goAway || len(b.response.Body) > streamBuffer)) {
		return &b.out
	}
	if b.answered {
		b.spoil()
		return &b.out
	}
	if b.sent && !b.oneway && err != nil {
		f := badResponse(err)
		if errors.Is(err, errEarlyEnd) {
			f = sdk.Failure{Cause: sdk.CauseConnectionLost, Code: sdk.Unknown, Message: err.Error()}
		}
		b.fail(f, false)
	}
	return &b.out
}

// streamBuffer is how much of a response Envoy holds for a slow HTTP/2 client, by default,
// before it stops to read from the server. A connection whose response ends in that state
// is never read again, so one with a longer response must not go back to the pool.
const streamBuffer = 16 << 20

// spoil leaves the response that is on its way open, so that the server's
// connection is not used again. The client's edge has all that it needs by then.
func (b *Bridge) spoil() {
	if r := b.out.Response; r != nil && r.End {
		r.End, r.Trailers = false, nil
		b.fields.addInt(nameReset, int64(len(r.Body)))
		r.Fields = b.fields.list
	}
}

// reply makes the response of the server's reply; part of upstreamHandler.
func (b *Bridge) reply(_ uint32, _ uint64, m *sdk.Message, opaque bool) {
	b.answered = true
	body, err := b.named(m, opaque)
	if err == nil {
		err = b.fields.response(b.cfg, &b.upstream.guarded, m, opaque)
	}
	if err != nil {
		b.answered = false
		b.fail(badResponse(err), true)
		return
	}
	b.trailers.reset()
	b.trailers.addInt(nameGRPCStatus, int64(m.Status.Code))
	b.response = Response{Status: 200, Fields: b.fields.list, Body: body, Trailers: b.trailers.list, End: true}
	b.out.Response = &b.response
}

// named is the reply under the method that the client called. One that cannot be read
// stays as it is: the client may understand it.
func (b *Bridge) named(m *sdk.Message, opaque bool) (body []byte, err error) {
	if len(b.method) == 0 || opaque {
		return m.Bytes, nil
	}
	b.encoded, err = b.upstream.nameReply(b.encoded[:0], m, b.method)
	return b.encoded, err
}

// send adds to what goes to the server; part of upstreamHandler.
func (b *Bridge) send(p []byte) { b.out.ToServer = append(b.out.ToServer, p...) }

// fail answers with a failure instead of a reply. Reusable says that the server's
// connection is as it was.
func (b *Bridge) fail(f sdk.Failure, reusable bool) {
	b.answered = true
	b.fields.failure(b.cfg, &b.upstream.guarded, f)
	if !reusable {
		b.fields.addInt(nameReset, 0)
	}
	b.response = Response{Status: 200, Fields: b.fields.list, End: reusable}
	b.out.Response = &b.response
}
