package wasm

import (
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// carryOut does what a call wants, and returns how the message that it is about stands
// then. What Envoy does about a reply or a reset, it does when the hook has returned.
func (s *stream) carryOut(out *filterhost.Output) state {
	switch out.Action {
	case filterhost.Proceed:
		s.change(out)
		return passes
	case filterhost.Nothing:
		return passes
	case filterhost.Collect:
		return collects
	case filterhost.Hold:
		return waits
	case filterhost.Callout:
		s.callOut(out)
		return waits
	case filterhost.CallGRPC:
		s.Wake(out.NotSent) // the Go SDK of proxy-wasm has no gRPC calls
		return waits
	case filterhost.SendReply:
		s.reply(&out.Reply)
	case filterhost.ResetStream:
		resetStream()
	case filterhost.SendAnswer:
		panic("a filter answers, which this host cannot do") // filterhost knows
	}
	s.request, s.response = ended, ended
	return ended
}

// resume carries out an output that comes while Envoy is not in a hook of the message:
// what was held is let go.
func (s *stream) resume(out *filterhost.Output) {
	action, response := out.Action, out.Response
	next := s.carryOut(out)
	switch {
	case action == filterhost.Nothing || next == ended:
	case response:
		s.response = next
	default:
		s.request = next
	}
	if action == filterhost.Proceed {
		letGo := proxywasm.ResumeHttpRequest
		if response {
			letGo = proxywasm.ResumeHttpResponse
		}
		if err := letGo(); err != nil {
			panic(err)
		}
	}
}

// change makes the changes of a message that goes on.
func (s *stream) change(out *filterhost.Output) {
	replace, remove := proxywasm.ReplaceHttpRequestHeader, proxywasm.RemoveHttpRequestHeader
	if out.Response {
		replace, remove = proxywasm.ReplaceHttpResponseHeader, proxywasm.RemoveHttpResponseHeader
	}
	for _, f := range out.Changes {
		var err error
		if len(f.Value) == 0 {
			err = remove(string(f.Name))
		} else {
			err = replace(string(f.Name), string(f.Value))
		}
		if err != nil {
			panic(err) // Envoy keeps the headers until it has been told to go on
		}
	}
	if out.Reroute {
		if _, err := proxywasm.CallForeignFunction("clear_route_cache", nil); err != nil {
			panic(err)
		}
	}
}

// reply answers with an error.
func (s *stream) reply(r *filterhost.Reply) {
	headers := make([][2]string, 0, len(r.Headers))
	for _, f := range r.Headers {
		if string(f.Name) != "grpc-status" { // Envoy writes it
			headers = append(headers, [2]string{string(f.Name), string(f.Value)})
		}
	}
	err := sendReply(uint32(r.Status), int32(r.Failure.Code), headers, r.Failure.Text(), r.Details) //nolint:gosec // they are small
	if err != nil {
		panic(err)
	}
}

// fail answers a request whose host is defective, without any text.
func (s *stream) fail() {
	if s.over {
		return
	}
	s.request, s.response = ended, ended
	if err := sendReply(500, int32(sdk.Internal), nil, "", "meltemi_defect"); err != nil {
		proxywasm.LogErrorf("meltemi: a reply: %v", err)
	}
}

// barrier is deferred by the hooks of messages.
func (s *stream) barrier(where string, action *types.Action) {
	s.plugin.barrier(where, func() {
		s.fail()
		*action = pauseAll
	})
}

// callOut sends an HTTP request. One that Envoy could not begin is told later, from the
// next tick.
func (s *stream) callOut(out *filterhost.Output) {
	r := out.Callout
	headers := append([][2]string{{":method", r.Method}, {":scheme", "http"}, {":authority", r.Host}, {":path", r.Path}}, r.Headers...)
	limit := uint32(min(r.Limit, maxLimit).Milliseconds()) //nolint:gosec // it is bounded
	asked := out.NotSent
	s.asked = asked
	_, err := proxywasm.DispatchHttpCall(out.Cluster, headers, r.Body, nil, limit, func(headers, size, _ int) {
		if s.asked == asked { // not of a callout that the filter has given up
			s.calledOut(headers, size)
		}
	})
	if err != nil {
		s.Wake(asked)
	}
}

// maxLimit is the longest limit that the ABI has room for.
const maxLimit = time.Duration(1<<31-1) * time.Millisecond

// calledOut is called with what came of a callout; without headers if nothing did.
func (s *stream) calledOut(headers, size int) {
	s.within("a filter's callout", func() {
		var response *filter.HTTPResponse
		if headers > 0 {
			list, err := proxywasm.GetHttpCallResponseHeaders()
			if err != nil {
				panic(err)
			}
			response = filterhost.HTTPResponse(fields(list), body(proxywasm.GetHttpCallResponseBody, size))
		}
		s.resume(s.call.CalledOut(response))
	})
	s.plugin.tick()
}

// getBody is one of the SDK's functions that read a body.
type getBody func(start, maxSize int) ([]byte, error)

// wholeBody is a size that no body has.
const wholeBody = 1<<31 - 1

// body reads a body of that size at most.
func body(get getBody, size int) [][]byte {
	if size == 0 {
		return nil
	}
	b, err := get(0, size)
	if err != nil {
		return nil // there is none
	}
	return [][]byte{b}
}

// fields makes headers of what the SDK returns.
func fields(list [][2]string) []engine.Field {
	size := 0
	for _, h := range list {
		size += len(h[0]) + len(h[1])
	}
	text := make([]byte, 0, size)
	fields := make([]engine.Field, len(list))
	for i, h := range list {
		from := len(text)
		text = append(append(text, h[0]...), h[1]...)
		split := from + len(h[0])
		fields[i] = engine.Field{Name: text[from:split:split], Value: text[split:len(text):len(text)]}
	}
	return fields
}
