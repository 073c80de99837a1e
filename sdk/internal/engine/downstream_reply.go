package engine

import (
	"errors"
	"slices"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

var (
	errNotReply = errors.New("the body is not a reply")
	errWrongID  = errors.New("the reply belongs to another call")
	errTooMuch  = errors.New("the response is over the limit")
)

// gotHeaders keeps the response's headers. Trailers come the same way and say
// nothing that the headers have not said.
func (d *Downstream) gotHeaders(c *call, list []Field) {
	if c.headed || c.oneway {
		return
	}
	if status := statusOf(list); 100 <= status && status < 200 {
		return
	}
	c.headed = true
	for i := range list {
		c.response.add(list[i].Name, list[i].Value)
	}
	var length []byte
	if length, c.reset = find(c.response.list, headerReset); !c.reset {
		return
	}
	if n, err := strconv.Atoi(string(length)); err == nil && n > 0 {
		c.length = n
	} else {
		d.cut(c) // there is nothing more to wait for
	}
}

// gotData collects the response's body.
func (d *Downstream) gotData(c *call, p []byte, end bool) {
	switch {
	case c.oneway:
	case len(c.reply)+len(p) > d.cfg.maxMessage:
		d.http = appendReset(d.http, c.stream, errorCancel)
		d.bad(c, errTooMuch) // the last: it may give the call back
		return
	case end && len(c.reply) == 0:
		d.complete(c, p)
		return
	default:
		c.reply = append(c.reply, p...)
	}
	if end {
		d.ended(c)
	} else if c.reset && len(c.reply) >= c.length {
		d.cut(c)
	}
}

// cut ends a call whose response will not end by itself, and resets its stream.
func (d *Downstream) cut(c *call) {
	d.http = appendReset(d.http, c.stream, errorCancel)
	d.complete(c, c.reply)
}

// ended is called when the connection manager has ended the stream.
func (d *Downstream) ended(c *call) { d.complete(c, c.reply) }

// complete turns a response into the client's reply.
func (d *Downstream) complete(c *call, body []byte) {
	if d.open[c.stream] != c {
		return
	}
	if c.oneway {
		d.forget(c)
		d.release(c)
		return
	}
	d.forget(c)
	_, local := find(c.response.list, headerCause)
	if local || len(body) == 0 || statusOf(c.response.list) != 200 {
		d.finish(c, failureOf(c.response.list, body))
		return
	}
	if err := d.deliver(c, body); err != nil {
		d.bad(c, err)
	}
}

// deliver gives the client the reply in body, with what the headers changed.
func (d *Downstream) deliver(c *call, body []byte) error {
	m := &d.scratch.message
	m.Reset()
	n, err := d.decode(sdk.FromServer, body, m)
	switch {
	case err != nil:
		return err
	case n != len(body) || m.Kind != sdk.KindResponse:
		return errNotReply
	case m.ID != c.id && !d.kind().ordered:
		return errWrongID
	}
	m.Bytes = body
	d.scratch.mutation.Reset()
	// What cannot be read goes on as it is: the client may understand it.
	opaque := d.metadata(m) != nil
	if err := d.scratch.fields.responseMutation(d.cfg, &d.guarded, &d.scratch.mutation, m, c.response.list, opaque); err != nil {
		return err
	}
	if !d.kind().ordered {
		if d.scratch.mutation.Empty() {
			d.toPeer = append(d.toPeer, body...)
		} else if d.toPeer, err = d.encode(d.toPeer, m, &d.scratch.mutation); err != nil {
			return err
		}
		d.counts.Add(MetricReplies, 1)
		d.release(c)
		return nil
	}
	if d.scratch.mutation.Empty() {
		if len(c.reply) == 0 {
			c.reply = append(c.reply, body...)
		}
	} else {
		encoded, err := d.encode(nil, m, &d.scratch.mutation)
		if err != nil {
			return err
		}
		c.reply = encoded
	}
	d.counts.Add(MetricReplies, 1)
	d.inOrder(c)
	return nil
}

// bad answers a call whose response cannot be used.
func (d *Downstream) bad(c *call, err error) {
	d.counts.Add(MetricDecodeErrors, 1)
	d.forget(c)
	d.finish(c, badResponse(err))
}

// resetByPeer ends a call whose stream the connection manager has reset.
func (d *Downstream) resetByPeer(c *call) {
	d.forget(c)
	if c.oneway {
		d.release(c)
		return
	}
	d.finish(c, sdk.Failure{Cause: sdk.CauseConnectionLost, Code: sdk.Unknown, Message: "the call was reset"})
}

// forget takes a call out of the open ones.
func (d *Downstream) forget(c *call) {
	if d.open[c.stream] != c {
		return
	}
	delete(d.open, c.stream)
	d.counts.Add(MetricOpenCalls, -1)
	if len(c.body) > 0 {
		d.blocked = slices.DeleteFunc(d.blocked, func(other *call) bool { return other == c })
	}
}

// finish gives the client an error instead of a reply. The call is not open any
// more, or never was.
func (d *Downstream) finish(c *call, f sdk.Failure) {
	d.counts.Add(MetricLocalReplies, 1)
	d.counts.Add(MetricError(f.Cause), 1)
	var ok bool
	if d.kind().ordered {
		c.reply, ok = d.guarded.reply(c.reply[:0], c.facts(), f)
	} else {
		d.toPeer, ok = d.guarded.reply(d.toPeer, c.facts(), f)
	}
	if !ok {
		d.fail() // the protocol cannot say it, and the client must not wait in vain
	}
	if d.kind().ordered {
		d.inOrder(c)
		return
	}
	d.release(c)
}

// inOrder marks an ordered call as answered and sends what has come to its turn.
func (d *Downstream) inOrder(c *call) {
	c.done = true
	d.kept++
	d.keptBytes += len(c.reply)
	n := 0
	for ; n < len(d.order) && d.order[n].done; n++ {
		first := d.order[n]
		d.toPeer = append(d.toPeer, first.reply...)
		d.kept--
		d.keptBytes -= len(first.reply)
		d.release(first)
	}
	if n > 0 {
		d.order = d.order[:copy(d.order, d.order[n:])]
	}
}
