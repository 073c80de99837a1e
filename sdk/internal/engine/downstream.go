package engine

import (
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Downstream is the client's edge of one connection: an RPC server to the client,
// an HTTP/2 client to the connection manager.
//
// The calls come in any order, from one thread at a time; after Output.PassThrough
// and after Closed, no more.
type Downstream struct {
	guarded
	env     Env
	scratch *Scratch
	counts  Counts
	out     Output
	now     time.Time

	// From the client.
	mode     firstBytes
	decideBy time.Time // when it must be decided; zero before the first byte
	in       inbox
	wanted   int   // how many bytes it takes before decoding makes sense
	skip     int   // bytes of a refused message that are still to come
	share    share // of the budget, for in
	encoder  headerEncoder

	// Calls.
	open            map[uint32]*call // by stream
	spare           []*call
	order           []*call // of ordered codecs: calls in the order of their requests
	waiting         queue   // requests that wait for a stream
	blocked         []*call // calls that wait for a window, in order
	kept, keptBytes int     // replies of ordered codecs that wait for their turn

	// To the connection manager.
	http       []byte // of the output at hand, in scratch
	held       []byte // what Write may not inject
	nextStream uint32
	peer       peerSettings
	greeted    bool  // its settings are here
	sendWindow int64 // of the connection
	received   int   // bytes of DATA since the last window update

	// From the connection manager.
	frames   inbox
	decoder  *hpack.Decoder
	fragment []byte // a header block without its end
	pending  frame  // its first frame
	toPeer   []byte // of the output at hand, in scratch

	// The end.
	paused   bool
	drain    drain
	deadline time.Time // when Wake is due
	armed    time.Time // for when the host was asked to call it
}

// call is a request on its way, or waiting for its reply.
type call struct {
	stream   uint32
	id       uint64
	token    uint64
	oneway   bool
	names    []byte // service and method, for Reply
	service  int    // length of service in names
	body     []byte // of the request that no window had room for
	window   int64  // what the connection manager takes on this stream
	response headerCopy
	headed   bool   // the response's headers are here
	reset    bool   // the stream is to be reset once the reply is complete,
	length   int    // which it is with that many bytes
	reply    []byte // of the response; of an ordered codec: what waits for its turn
	done     bool   // ordered: reply is what the client gets
}

// peerSettings are the connection manager's.
type peerSettings struct {
	maxStreams int
	window     int64
	maxFrame   int
}

// beforeSettings are assumed until the connection manager's own arrive, which is
// at once: the first call opens the connection, the next ones wait for the answer.
var beforeSettings = peerSettings{maxStreams: 1, window: defaultWindow, maxFrame: defaultFrameSize}

// NewDownstream returns the edge of a new connection.
func NewDownstream(c *Config, env Env) *Downstream {
	if env.Scratch == nil {
		env.Scratch = new(Scratch)
	}
	d := &Downstream{env: env, scratch: env.Scratch, nextStream: 1, peer: beforeSettings, sendWindow: defaultWindow}
	d.guarded = guarded{cfg: c, codec: c.codecs[0], counts: &d.counts}
	return d
}

// Read takes bytes of the client. Each chunk is borrowed until it returns, and all
// of them are taken.
func (d *Downstream) Read(now time.Time, chunks [][]byte) *Output {
	d.begin(now)
	b, own := d.in.add(chunks, &d.scratch.fromClient)
	if d.mode == undecided {
		if !d.decide(b) {
			d.in.keep(b, own)
			if d.decideBy.IsZero() {
				d.decideBy = d.now.Add(d.cfg.sniffTimeout)
				d.due(d.decideBy)
			}
			return d.end()
		}
		if d.mode == isHTTP {
			d.counts.Add(MetricPassThroughConnections, 1)
			d.out.PassThrough, d.out.HTTP, d.out.Close = true, b, d.closing()
			return &d.out
		}
	}
	d.in.keep(d.messages(b), own)
	return d.end()
}

// Wake is called when an Output asked for it.
func (d *Downstream) Wake(now time.Time) *Output {
	d.begin(now)
	d.armed = time.Time{}
	d.tick()
	return d.end()
}

// Closed ends the edge: the connection is gone.
func (d *Downstream) Closed() *Output {
	d.out = Output{Counts: &d.counts}
	d.counts.Add(MetricOpenCalls, -len(d.open)-d.waiting.len())
	d.open, d.order, d.blocked, d.waiting = nil, nil, nil, queue{}
	d.share.resize(d.cfg.Budget, 0)
	return &d.out
}

// decide finds out what the connection speaks.
func (d *Downstream) decide(b []byte) bool {
	what, index := d.cfg.sniff(b, &d.counts)
	if what == undecided {
		return false
	}
	d.mode, d.deadline = what, time.Time{}
	if what == isRPC {
		d.start(index)
		d.written(nil)
	} else if what == isNothing {
		d.unrecognised()
	}
	return true
}

// unrecognised gives a connection up whose protocol nobody knows.
func (d *Downstream) unrecognised() {
	d.mode = isNothing
	d.counts.Add(MetricUnrecognised, 1)
	d.drain.failed = true
}

// start prepares the edge for a codec. Memory is made here and not before, for the
// sake of connections that pass through.
func (d *Downstream) start(index int) {
	d.index, d.codec = index, d.cfg.codecs[index]
	if p := d.kind().perConnection; p != nil && !d.connect(p) {
		d.codec = d.cfg.codecs[index]
		d.lost(errNoState)
	}
	d.open = make(map[uint32]*call)
	d.encoder.init()
	d.decoder = hpack.NewDecoder(headerTableSize, d.gotField)
	d.decoder.SetMaxStringLength(maxHeaderBlock)
	d.http = appendOpening(d.http)
	d.drain.lastRead = d.now
	if d.cfg.heartbeat > 0 && d.kind().prober != nil {
		d.due(d.now.Add(d.cfg.heartbeat))
	}
}

// gotField takes a field of the header block at hand.
func (d *Downstream) gotField(f hpack.HeaderField) {
	if d.scratch.headers.append(f.Name, f.Value); d.scratch.headers.size > maxHeaderBlock {
		d.decoder.SetEmitEnabled(false)
	}
}

// begin forgets the last output.
func (d *Downstream) begin(now time.Time) {
	d.scratch.trim()
	d.http = d.scratch.http[:0]
	d.http = append(d.http, d.held...)
	d.held = d.held[:0]
	d.toPeer = d.scratch.peer[:0]
	d.toPeer = append(d.toPeer, d.drain.parting...)
	d.drain.parting = d.drain.parting[:0]
	d.out = Output{Counts: &d.counts}
	d.now = now
}

// end completes an output from which everything is allowed.
func (d *Downstream) end() *Output {
	if d.mode == isRPC {
		d.throttle()
	}
	d.out.HTTP = d.http
	d.out.Close = d.closing()
	return d.result()
}

// result completes an output. Its bytes lie in the scratch, which keeps what they have
// grown to.
func (d *Downstream) result() *Output {
	d.out.Peer, d.out.Hurry = d.toPeer, d.drain.draining
	d.scratch.http, d.scratch.peer = d.http, d.toPeer
	d.http, d.toPeer = nil, nil
	d.arm()
	return &d.out
}

// arm asks for a Wake at the deadline, unless that was asked for already.
func (d *Downstream) arm() {
	if d.deadline.IsZero() || d.deadline.Equal(d.armed) {
		return
	}
	d.armed = d.deadline
	d.out.WakeIn = max(d.deadline.Sub(d.now), time.Millisecond)
}

// newCall notes a call whose request has been read.
func (d *Downstream) newCall(m *sdk.Message, oneway bool) *call {
	var c *call
	if n := len(d.spare); n > 0 {
		c, d.spare = d.spare[n-1], d.spare[:n-1]
	} else {
		c = new(call)
	}
	c.id, c.token, c.oneway = m.ID, m.Token, oneway
	c.names = append(append(c.names[:0], m.Service...), m.Method...)
	c.service = len(m.Service)
	c.window = d.peer.window
	return c
}

// maxSpare is how many ended calls are kept for reuse.
const maxSpare = 64

// release gives a call back that nothing refers to any more.
func (d *Downstream) release(c *call) {
	if len(d.spare) >= maxSpare || cap(c.reply) > maxIdleBuffer || cap(c.body) > maxIdleBuffer {
		return
	}
	c.response.reset()
	*c = call{names: c.names[:0], body: c.body[:0], reply: c.reply[:0], response: c.response}
	d.spare = append(d.spare, c)
}

func (c *call) facts() sdk.Call {
	return sdk.Call{ID: c.id, Token: c.token, Service: c.names[:c.service], Method: c.names[c.service:]}
}
