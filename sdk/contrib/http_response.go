package contrib

import (
	"strconv"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// EncodeHeaders implements api.StreamFilter. It is called for local replies too, those
// of this filter included.
func (c *call) EncodeHeaders(headers api.ResponseHeaderMap, end bool) api.StatusType {
	if c.call == nil {
		return api.Continue
	}
	return c.hook("a filter's response", true, func() api.StatusType {
		c.responseHeaders = headers
		if c.answer != nil {
			c.writeAnswer(headers)
			return api.Continue
		}
		status := c.carry(c.call.Response(fields(headers), end))
		if status == api.StopAndBuffer && c.call.Open() {
			return api.StopAndBufferWatermark // its parts come as they are
		}
		return status
	})
}

// writeAnswer turns the local reply that Envoy has made for this filter into a response
// with a message. There is no way to add trailers, so the status is in the headers alone.
func (c *call) writeAnswer(headers api.ResponseHeaderMap) {
	answer := c.answer
	c.answer = nil
	for name := range headers.GetAllHeaders() {
		if name[0] != ':' {
			headers.Del(name) // Envoy's mark of a local reply among them
		}
	}
	for _, f := range answer.Fields {
		headers.Set(string(f.Name), string(f.Value))
	}
	c.side(true).AddData(answer.Body, true)
}

// EncodeData implements api.StreamFilter. Of a response that is collected it gets the
// whole message, in one piece, unless the response does not end by itself.
func (c *call) EncodeData(data api.BufferInstance, end bool) api.StatusType {
	if c.call == nil {
		return api.Continue
	}
	return c.hook("a filter's response", true, func() api.StatusType {
		c.response.bytes += length(data)
		switch c.response.state {
		case passes:
			return api.Continue
		case collects:
			if c.call.Open() {
				return c.partOf(data, end)
			}
			return c.carry(c.call.Message([][]byte{data.Bytes()}))
		case waits, over: // Envoy keeps what comes, or drops it, without asking
		}
		return api.StopNoBuffer
	})
}

// partOf takes a part of a response that does not end by itself, and gives all of them
// back once they are a message.
func (c *call) partOf(data api.BufferInstance, end bool) api.StatusType {
	if c.part = append(c.part, data.Bytes()...); len(c.part) > c.room {
		c.fail(true, sdk.Failure{
			Cause: sdk.CauseBadResponse, Code: sdk.Internal,
			Message: "the response has more than " + strconv.Itoa(c.room) + " bytes (max_message_bytes)",
		})
		return api.LocalReply
	}
	out := c.call.Part([][]byte{c.part})
	if out.Action == filterhost.Collect && !end {
		return api.StopNoBuffer
	}
	if end && out.Action == filterhost.Collect {
		out = c.call.Message([][]byte{c.part})
	}
	_ = data.Set(c.part) // it cannot fail
	return c.carry(out)
}

// EncodeTrailers implements api.StreamFilter. Only a response without a message is still
// being collected when they come.
func (c *call) EncodeTrailers(api.ResponseTrailerMap) api.StatusType {
	if c.call == nil {
		return api.Continue
	}
	return c.hook("a filter's response", true, func() api.StatusType {
		switch c.response.state {
		case passes:
		case collects:
			return c.carry(c.call.Message(nil))
		case waits, over:
			return api.LocalReply
		}
		return api.Continue
	})
}

// OnLog implements api.StreamFilter: the request is over, and Envoy knows how.
func (c *call) OnLog(_ api.RequestHeaderMap, _ api.RequestTrailerMap, response api.ResponseHeaderMap, _ api.ResponseTrailerMap) {
	c.end(func(e *filterhost.End) {
		if response != nil && c.responseHeaders == nil && !c.silent {
			e.Headers = fields(response)
		}
		info := c.envoy.StreamInfo()
		e.Upstream, _ = info.UpstreamRemoteAddress()
		e.Details, _ = info.ResponseCodeDetails()
		if flags, err := c.envoy.GetProperty("response.flags"); err == nil {
			e.Flags, _ = strconv.ParseUint(flags, 10, 64) // Envoy's own
		}
	})
}

// OnDestroy implements api.StreamFilter. Envoy has nothing more to say of the request;
// most have ended in OnLog.
func (c *call) OnDestroy(api.DestroyReason) { c.end(func(*filterhost.End) {}) }

// end ends the call, once.
func (c *call) end(facts func(e *filterhost.End)) {
	defer barrier("a filter's end", nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	if c.call == nil {
		return
	}
	e := &filterhost.End{RequestBytes: c.request.bytes, ResponseBytes: c.response.bytes}
	ask(func() { facts(e) })
	c.call.End(e)
}

// OnStreamComplete implements api.StreamFilter.
func (*call) OnStreamComplete() {}

// OnLogDownstreamStart implements api.StreamFilter.
func (*call) OnLogDownstreamStart(api.RequestHeaderMap) {}

// OnLogDownstreamPeriodic implements api.StreamFilter.
func (*call) OnLogDownstreamPeriodic(api.RequestHeaderMap, api.RequestTrailerMap, api.ResponseHeaderMap, api.ResponseTrailerMap) {
}
