package engine

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// guarded calls a codec behind a barrier: a panic becomes an error, is counted,
// and is reported with its stack.
type guarded struct {
	cfg    *Config
	codec  sdk.Codec
	index  int // in Config.Codecs
	counts *Counts
}

func (g *guarded) kind() *codecKind { return &g.cfg.kinds[g.index] }

// decode is Codec.Decode. Any panic and any impossible result is an error that
// ends the connection. It returns at most one of n > 0 and a ConnectionError.
func (g *guarded) decode(from sdk.Side, b []byte, m *sdk.Message) (n int, err error) {
	defer g.recover("Decode", func(cause error) {
		n, err = 0, &sdk.ConnectionError{Offset: -1, Err: cause}
	})
	n, err = g.codec.Decode(from, b, m)
	switch {
	case err == nil && (n <= 0 || n > len(b)):
		return 0, &sdk.ConnectionError{Offset: -1, Err: fmt.Errorf("codec %s: Decode returned length %d of %d", g.codec.Name(), n, len(b))}
	case err == nil && m.Kind == sdk.KindUnknown:
		return 0, &sdk.ConnectionError{Offset: -1, Err: fmt.Errorf("codec %s: Decode set no kind", g.codec.Name())}
	}
	return n, err
}

func (g *guarded) metadata(m *sdk.Message) (err error) {
	defer g.recover("Metadata", func(cause error) { err = internalError(cause) })
	return g.codec.Metadata(m)
}

func (g *guarded) encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) (b []byte, err error) {
	defer g.recover("Encode", func(cause error) { b, err = dst, internalError(cause) })
	if b, err = g.codec.Encode(dst, m, mut); err != nil {
		return dst, err // what came with the error may be anything
	}
	return b, nil
}

// reply appends the protocol's error. ok is false if the protocol cannot say it.
func (g *guarded) reply(dst []byte, call sdk.Call, f sdk.Failure) (b []byte, ok bool) {
	defer g.recover("Reply", func(error) { b, ok = dst, false })
	if f.Code == sdk.OK {
		f.Code = sdk.Unknown
	}
	b, err := g.codec.Reply(dst, call, f)
	if err != nil || len(b) <= len(dst) {
		return dst, false
	}
	return b, true
}

// nameReply appends the reply m under the name of another method.
func (g *guarded) nameReply(dst []byte, m *sdk.Message, method []byte) (b []byte, err error) {
	defer g.recover("NameReply", func(cause error) { b, err = dst, internalError(cause) })
	if b, err = g.kind().replyNamer.NameReply(dst, m, method); err != nil {
		return dst, err // what came with the error may be anything
	}
	return b, nil
}

// mayBeAnswered reports whether a server may answer a one-way call. A codec that does not
// doubt it knows.
func (g *guarded) mayBeAnswered(m *sdk.Message) (doubt bool) {
	doubter := g.kind().oneWayDoubter
	if doubter == nil {
		return false
	}
	defer g.recover("MayBeAnswered", func(error) { doubt = true })
	return doubter.MayBeAnswered(m)
}

// connect gives a codec with connection state a state of its own. A codec that cannot
// make one ends the connection.
func (g *guarded) connect(from sdk.PerConnection) (ok bool) {
	defer g.recover("NewConnection", func(error) { ok = false })
	g.codec = from.NewConnection()
	return g.codec != nil
}

func (g *guarded) heartbeatReply(dst []byte, m *sdk.Message) (b []byte) {
	h := g.kind().heartbeater
	if h == nil {
		return dst
	}
	defer g.recover("HeartbeatReply", func(error) { b = dst })
	return h.HeartbeatReply(dst, m)
}

func (g *guarded) heartbeat(dst []byte, id uint64) (b []byte) {
	defer g.recover("Heartbeat", func(error) { b = dst })
	return g.kind().prober.Heartbeat(dst, id)
}

func (g *guarded) goAway(dst []byte) (b []byte) {
	w := g.kind().goAwayer
	if w == nil {
		return dst
	}
	defer g.recover("GoAway", func(error) { b = dst })
	return w.GoAway(dst)
}

func (g *guarded) recover(method string, failed func(cause error)) {
	value := recover()
	if value == nil {
		return
	}
	g.counts.Add(MetricPanics, 1)
	if g.cfg.OnPanic != nil {
		g.cfg.OnPanic("codec "+g.codec.Name()+": "+method, value, debug.Stack())
	}
	failed(fmt.Errorf("codec %s panicked", g.codec.Name()))
}

func internalError(err error) *sdk.CallError {
	return &sdk.CallError{Cause: sdk.CauseInternal, Offset: -1, Err: err}
}

func asCallError(err error, target **sdk.CallError) bool { return errors.As(err, target) }
