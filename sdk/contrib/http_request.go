package contrib

import (
	"fmt"
	"strings"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// What this host itself fails with.
var (
	failureInternal = sdk.Failure{Cause: sdk.CauseInternal, Code: sdk.Internal}
	failureLost     = sdk.Failure{Cause: sdk.CauseConnectionLost, Code: sdk.Unknown}
	failureTrailers = sdk.Failure{Cause: sdk.CauseMalformed, Code: sdk.InvalidArgument, Message: "the request has trailers"}
)

// DecodeHeaders implements api.StreamFilter.
func (c *call) DecodeHeaders(headers api.RequestHeaderMap, end bool) api.StatusType {
	return c.hook("a filter's begin", false, func() api.StatusType {
		if !strings.HasPrefix(headers.GetRaw("content-type"), rpcPrefix) {
			return api.Continue
		}
		c.requestHeaders = headers
		if c.route.err != nil {
			c.fail(false, sdk.Failure{Cause: sdk.CauseInternal, Code: sdk.Internal, Message: fmt.Sprintf("filter %s: its route's configuration: %v", c.name, c.route.err)})
			return api.LocalReply
		}
		var out *filterhost.Output
		if c.call, out = c.host.Begin(c, fields(headers), end); c.call == nil {
			return api.Continue
		}
		return c.carry(out)
	})
}

// DecodeData implements api.StreamFilter. Of a request that is collected it gets the
// whole message, in one piece.
func (c *call) DecodeData(data api.BufferInstance, end bool) api.StatusType {
	if c.call == nil {
		return api.Continue
	}
	return c.hook("a filter's request", false, func() api.StatusType {
		c.request.bytes += length(data)
		switch c.request.state {
		case passes:
			return api.Continue
		case collects:
			if !end {
				return c.trailers() // whatever comes next, it is no part of a message
			}
			return c.carry(c.call.Message([][]byte{data.Bytes()}))
		case waits, over: // Envoy keeps what comes, or drops it, without asking
		}
		return api.StopNoBuffer
	})
}

// DecodeTrailers implements api.StreamFilter.
func (c *call) DecodeTrailers(api.RequestTrailerMap) api.StatusType {
	if c.call == nil {
		return api.Continue
	}
	return c.hook("a filter's request", false, func() api.StatusType {
		if c.request.state == passes {
			return api.Continue
		}
		return c.trailers()
	})
}

// trailers refuses a request with trailers, of which a call has none, before the filter
// sees its message: the server's edge would refuse it too.
func (c *call) trailers() api.StatusType {
	if c.request.state == over {
		return api.LocalReply
	}
	return c.carry(c.call.Refuse(failureTrailers))
}

// fail answers with an error for which the filter is not to blame.
func (c *call) fail(response bool, f sdk.Failure) {
	status := 500
	if f.Cause == sdk.CauseConnectionLost {
		status = 503
	}
	ask(func() {
		c.reply(response, &filterhost.Reply{
			Failure: f, Status: status, Headers: engine.ReplyFields(f), Details: engine.OwnDetails(f.Cause, c.name),
		})
	})
}

func length(data api.BufferInstance) uint64 { return uint64(data.Len()) } //nolint:gosec // a length is not negative
