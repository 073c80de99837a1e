package sdktest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// checkDamage gives the codec damaged frames. It may refuse them or make of them what it
// can; it may not panic, hang, take memory by what they claim, or find a message that
// other bytes behind it would change.
func checkDamage(c *checker) {
	const cases = 60_000
	places := min(max(cases/(40*len(c.Frames)), 12), 200)
	for i := range c.Frames {
		f := &c.Frames[i]
		c.on(f)
		for b := range damages(f.Bytes, places) {
			c.endures(f.From, b)
			if c.enough() {
				return
			}
		}
		c.endures(sdk.FromServer-f.From, f.Bytes) // the other side must not send it
	}
}

// checkRandomDamage goes on with random damage for as long as the suite wants.
func checkRandomDamage(c *checker) {
	if c.Random <= 0 {
		c.decline("not asked for; systematic damage was tried")
		return
	}
	r := rand.New(rand.NewPCG(c.Seed, 0))
	c.note("seed %d", c.Seed)
	for start := time.Now(); time.Since(start) < c.Random && !c.enough(); {
		f := &c.Frames[r.IntN(len(c.Frames))]
		c.on(f)
		c.endures(f.From, randomly(bytes.Clone(f.Bytes), r))
	}
}

// endures holds the codec to what is true of any bytes.
func (c *checker) endures(from sdk.Side, b []byte) {
	c.tried()
	c.bounded(b, func() { c.handles(from, b) })
}

// handles does with any bytes what hosts and tools do.
func (c *checker) handles(from sdk.Side, b []byte) {
	codec, m := c.connection(), &sdk.Message{}
	n, err := c.decode(codec, from, b, m)
	if errors.Is(err, errContract) {
		return
	}
	cause, refused := causeOf(err)
	if err == nil || refused {
		c.ends(from, b, n)
	}
	if m.Kind == sdk.KindRequest && (err == nil || refused) {
		c.refuses(codec, m, b[:n], cause)
	}
	if err != nil {
		return
	}
	switch m.Kind {
	case sdk.KindRequest, sdk.KindOneWay, sdk.KindResponse:
	case sdk.KindHeartbeat:
		if h, ok := c.Codec.(sdk.Heartbeater); ok {
			m.Bytes = b[:n:n]
			c.begin("HeartbeatReply", b)
			h.HeartbeatReply(nil, m)
			c.end()
		}
		return
	default:
		return
	}
	own := bytes.Clone(b[:n])
	err = c.metadata(codec, m, own)
	if _, call := causeOf(err); err != nil && !call {
		return // any other error counts as one
	}
	if viewer, ok := c.Codec.(sdk.Viewer); ok {
		c.content(viewer, m)
	}
	if reader, ok := codec.(sdk.ArgumentReader); ok && m.Kind != sdk.KindResponse && err == nil {
		c.arguments(reader, m)
	}
	if err != nil {
		return
	}
	out, err := c.encode(codec, m, &sdk.Mutation{})
	if err != nil || !bytes.Equal(out, b[:n]) {
		c.fail(b, "without a change, Encode does not write the bytes that were read: %v", err)
	}
	mut := sdk.Mutation{NewID: true, ID: newID, Set: entry(newKey, newValue)}
	if m.Kind != sdk.KindResponse {
		mut.Method = []byte(newMethod)
	}
	if out, err = c.encode(codec, m, &mut); err == nil && len(out) == 0 {
		c.fail(b, "with a change, Encode writes nothing")
	}
}

// ends checks that a message is the same without what is behind it, and that none of
// its parts is a message.
func (c *checker) ends(from sdk.Side, b []byte, n int) {
	m := &sdk.Message{}
	again, err := c.decode(c.connection(), from, b[:n:n], m)
	if _, call := causeOf(err); again != n || err != nil && !call {
		c.fail(b, "Decode finds a message of %d bytes, but in those bytes alone one of %d: %v", n, again, err)
	}
	if n < 2 {
		return
	}
	if part, err := c.decode(c.connection(), from, b[:n-1:n-1], m); !errors.Is(err, sdk.ErrNeedMore) {
		c.fail(b, "Decode finds a message of %d bytes; with a byte fewer: message of %d bytes, error %v; want ErrNeedMore", n, part, err)
	}
}

func (c *checker) refuses(codec sdk.Codec, m *sdk.Message, b []byte, cause sdk.Cause) {
	c.begin("Reply", b)
	_, _ = codec.Reply(nil, sdk.Call{ID: m.ID, Token: m.Token}, sdk.Failure{Cause: cause, Code: sdk.InvalidArgument, Message: "refused"})
	c.end()
}

// Fuzz lets go test -fuzz look for bytes that the codec does not endure, from the
// suite's frames on.
func Fuzz(f *testing.F, s Suite) {
	f.Helper()
	for i := range s.Frames {
		f.Add(s.Frames[i].Bytes, s.Frames[i].From == sdk.FromServer)
	}
	f.Fuzz(func(t *testing.T, b []byte, fromServer bool) {
		if len(b) == 0 {
			return
		}
		from := sdk.FromClient
		if fromServer {
			from = sdk.FromServer
		}
		c := &checker{Suite: s}
		c.endures(from, b)
		for _, failure := range c.result.Failures {
			t.Error(failure.String())
		}
	})
}
