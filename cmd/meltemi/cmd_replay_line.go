package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/answers"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/rpcclient"
	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// replayLine makes calls one after the other, on a connection for each codec.
type replayLine struct {
	*replayer
	conns  map[*madeCodec]*rpcclient.Conn
	oneWay bool // some call was
}

// run makes a call and judges what became of it.
func (l *replayLine) run(ctx context.Context, j *job) *replayResult {
	ctx, cancel := context.WithTimeout(ctx, l.options.timeout)
	defer cancel()
	started := time.Now()
	reply, err := l.try(ctx, j)
	r := &replayResult{job: j, err: err, latency: time.Since(started)}
	if errors.Is(err, rpcclient.ErrTimeout) {
		r.err = fmt.Errorf("%w: waited %v", err, l.options.timeout)
	}
	if err != nil || reply == nil {
		return r
	}
	r.latency = reply.Latency
	if l.options.diff {
		r.compare(reply, l.ignore)
	} else if s := j.call.Status; !reply.OK() && s != nil && s.Code == sdk.OK.String() {
		r.err = errors.New(failureText(&callResult{reply: reply}))
	}
	return r
}

func (l *replayLine) try(ctx context.Context, j *job) (*rpcclient.Reply, error) {
	conn := l.conns[j.codec]
	if conn != nil && !conn.Usable() {
		conn.Close()
		conn = nil
	}
	if conn == nil {
		var err error
		o := rpcclient.Options{Codec: j.codec.codec, MaxMessage: l.options.maxMessage, Frames: true}
		if conn, err = rpcclient.Dial(ctx, l.options.to, o); err != nil {
			delete(l.conns, j.codec)
			return nil, err
		}
		l.conns[j.codec] = conn
	}
	set := l.setFor(j.call)
	if j.call.Kind == format.KindOneWay {
		l.oneWay = true
		return nil, conn.SendFrame(ctx, j.call.Request.Frame, set)
	}
	return conn.CallFrame(ctx, j.call.Request.Frame, set)
}

// setFor are the entries that a call gets. One that was redacted gets its own spelling
// again.
func (r *replayer) setFor(c *format.Call) []sdk.Entry {
	set := slices.Clone(r.set)
	for i := range set {
		for _, name := range c.Redacted {
			if strings.EqualFold(name, string(set[i].Key)) {
				set[i].Key = []byte(name)
			}
		}
	}
	return set
}

// end closes the connections, when they have been open long enough for one-way calls.
func (l *replayLine) end(ctx context.Context) {
	if l.oneWay {
		select {
		case <-ctx.Done():
		case <-time.After(l.options.linger):
		}
	}
	for _, conn := range l.conns {
		conn.Close()
	}
}

// replayResult is what became of a call.
type replayResult struct {
	*job
	err         error
	latency     time.Duration
	compared    bool
	whole       bool // with the recorded message, not its status alone
	differences []answers.Difference
}

// compare compares an answer with the recorded one.
func (r *replayResult) compare(reply *rpcclient.Reply, ignore answers.Ignore) {
	s := r.call.Status
	if s == nil {
		return // there is nothing to compare with
	}
	got := answers.Facts(r.codec.codec, reply)
	recorded := answers.StatusFacts(s.Code, s.Native, s.Cause == "")
	if m := r.call.Response; m != nil && m.Frame != nil {
		before, err := rpcclient.ReadReply(r.codec.codec, m.Frame)
		if err != nil {
			r.err = fmt.Errorf("the recorded answer cannot be read: %w", err)
			return
		}
		recorded, r.whole = answers.Facts(r.codec.codec, before), true
	}
	if !r.whole {
		got = answers.Only(got, recorded)
	}
	r.compared = true
	for _, d := range answers.Compare(recorded, got, ignore) {
		if d.Recorded != nil || !r.wasRedacted(d.Path) {
			r.differences = append(r.differences, d)
		}
	}
}

// wasRedacted tells whether a path is that of an entry that was taken out of the recorded
// answer.
func (r *replayResult) wasRedacted(path string) bool {
	return strings.HasPrefix(path, "metadata") && answers.Ignore(r.call.Redacted).Match(path)
}
