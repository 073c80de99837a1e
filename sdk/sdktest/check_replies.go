package sdktest

import (
	"maps"
	"slices"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// texts are what a failure may say: Envoy's own words, and what a filter or a header put
// there.
func texts() []string {
	return []string{"no healthy upstream", "", "two\r\nlines", "a\x00b\xff", strings.Repeat("long ", 20_000)}
}

// checkReplies refuses each request for each cause, and reads the reply as its client.
func checkReplies(c *checker) {
	c.calls(func(f *Frame, codec sdk.Codec, m *sdk.Message) {
		if m.Kind != sdk.KindRequest {
			return
		}
		for _, cause := range sdk.Causes() {
			c.replied(f, codec, m, sdk.Failure{Cause: cause, Code: codeOf(cause), Message: "a text"}, true)
		}
		for _, text := range texts() {
			c.replied(f, codec, m, sdk.Failure{Cause: sdk.CauseTimeout, Code: sdk.DeadlineExceeded, Message: text}, true)
		}
		c.replied(f, codec, m, sdk.Failure{Cause: sdk.CauseMalformed, Code: sdk.InvalidArgument, Message: "unread"}, false)
	})
	if c.cases() == 0 {
		c.decline("there is no request among the frames that could be refused")
	}
}

// codeOf is a code that comes with a cause.
func codeOf(cause sdk.Cause) sdk.Code {
	switch cause {
	case sdk.CauseNoRoute:
		return sdk.Unimplemented
	case sdk.CauseNoUpstream, sdk.CauseConnectFailure, sdk.CauseOverloaded, sdk.CauseDraining:
		return sdk.Unavailable
	case sdk.CauseTimeout:
		return sdk.DeadlineExceeded
	case sdk.CauseDenied:
		return sdk.PermissionDenied
	case sdk.CauseRateLimited, sdk.CauseTooLarge:
		return sdk.ResourceExhausted
	case sdk.CauseMalformed, sdk.CauseUnreadable, sdk.CauseUnsupported:
		return sdk.InvalidArgument
	case sdk.CauseInternal:
		return sdk.Internal
	default:
		return sdk.Unknown
	}
}

// replied asks for a reply and reads it. A request that was refused unread has neither
// service nor method.
func (c *checker) replied(f *Frame, codec sdk.Codec, m *sdk.Message, failure sdk.Failure, read bool) {
	c.tried()
	call := sdk.Call{ID: m.ID, Token: m.Token}
	if read {
		call.Service, call.Method = m.Service, m.Method
	}
	c.begin("Reply", f.Bytes)
	out, err := codec.Reply(space(), call, failure)
	c.end()
	if err != nil {
		c.note("has no reply to some calls; their connection is closed: %v", err)
		return
	}
	if out = c.behind("Reply", out, f.Bytes); len(out) == 0 {
		c.note("has no reply to some calls; their connection is closed")
		return
	}
	c.reads(out, sdk.FromServer, "the reply to "+failure.Cause.String(), func(r *reading) string {
		switch {
		case r.kind != sdk.KindResponse:
			return "is a " + r.kind.String() + ", not a response"
		case r.id != m.ID && !c.ordered():
			return "answers another call: its id is " + short(r.id) + ", and the request's is " + short(m.ID)
		case r.code == sdk.OK:
			return "reads as a success"
		}
		return ""
	})
}

// reads reads what the codec wrote itself, which is to be one whole message.
func (c *checker) reads(b []byte, from sdk.Side, what string, wrong func(*reading) string) {
	m := &sdk.Message{}
	if err := c.read(c.connection(), from, b, m); err != nil {
		c.fail(b, "%s is not read: %v", what, err)
		return
	}
	if problem := wrong(readingOf(m)); problem != "" {
		c.fail(b, "%s %s", what, problem)
	}
}

// checkHeartbeats answers each heartbeat, and those that the codec makes itself.
func checkHeartbeats(c *checker) {
	heartbeater, answers := c.Codec.(sdk.Heartbeater)
	prober, probes := c.Codec.(sdk.Prober)
	for i := range c.Frames {
		f := &c.Frames[i]
		c.on(f)
		m := &sdk.Message{}
		if c.read(c.connection(), f.From, f.Bytes, m) != nil || m.Kind != sdk.KindHeartbeat {
			continue
		}
		if !answers {
			c.fail(f.Bytes, "is a heartbeat, and the codec is no sdk.Heartbeater: nobody would answer it")
			continue
		}
		c.answered(heartbeater, f.From, m, f.Bytes)
	}
	for _, id := range []uint64{0, 1, 0x7fffffff} {
		if !probes {
			break
		}
		c.begin("Heartbeat", nil)
		b := c.behind("Heartbeat", prober.Heartbeat(space(), id), nil)
		c.end()
		if len(b) == 0 {
			c.note("the codec sends no heartbeats as it is configured")
			break
		}
		for _, from := range []sdk.Side{sdk.FromClient, sdk.FromServer} {
			c.reads(b, from, "the codec's own heartbeat", func(r *reading) string {
				if r.kind != sdk.KindHeartbeat {
					return "is a " + r.kind.String()
				}
				return ""
			})
			m := &sdk.Message{}
			if answers && c.read(c.connection(), from, b, m) == nil {
				c.answered(heartbeater, from, m, b)
			}
		}
	}
	if !answers && !probes {
		c.decline("the codec knows no heartbeats")
	}
}

// answered asks for the answer to a heartbeat, which the other side reads.
func (c *checker) answered(h sdk.Heartbeater, from sdk.Side, m *sdk.Message, heartbeat []byte) {
	c.tried()
	c.begin("HeartbeatReply", heartbeat)
	b := c.behind("HeartbeatReply", h.HeartbeatReply(space(), m), heartbeat)
	c.end()
	if len(b) == 0 {
		c.note("some heartbeats want no answer")
		return
	}
	c.reads(b, sdk.FromServer-from, "the answer to the heartbeat", func(r *reading) string {
		switch {
		case r.kind != sdk.KindHeartbeatReply:
			return "is a " + r.kind.String()
		case r.id != m.ID:
			return "has another id: " + short(r.id) + " instead of " + short(m.ID)
		}
		return ""
	})
}

// checkGoAway reads what the codec sends when it wants no new calls.
func checkGoAway(c *checker) {
	g, ok := c.Codec.(sdk.GoAwayer)
	if !ok {
		c.decline("the protocol has no go-away, or the codec does not send it")
		return
	}
	c.tried()
	c.begin("GoAway", nil)
	b := c.behind("GoAway", g.GoAway(space()), nil)
	c.end()
	if len(b) == 0 {
		c.note("the codec sends no go-away as it is configured")
		return
	}
	c.reads(b, sdk.FromServer, "the go-away", func(r *reading) string {
		if r.kind != sdk.KindGoAway {
			return "is a " + r.kind.String()
		}
		return ""
	})
}
