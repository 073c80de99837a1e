package wasm

import (
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// stream is one HTTP request; types.HttpContext and filterhost.Stream.
type stream struct {
	id     uint32
	plugin *plugin
	call   *filterhost.Call // nil for requests that are none of the filter's business

	request, response state
	answered          bool   // Response was called
	asked             uint64 // the event of the last callout
	over              bool
	bodyTimer         func() // stops what awaitBody has begun
}

// state is how the message of one direction stands.
type state uint8

const (
	passes   state = iota
	collects       // its body is being gathered
	waits          // it is held until the filter decides
	ended          // the filter has answered, or reset the stream
)

// What hooks return beside types.ActionContinue. Of headers, pause holds the headers
// alone, if Envoy's allow_on_headers_stop_iteration is set; of a body, it keeps what has
// come; and pauseAll holds everything that follows the headers.
// Source: proxy-wasm-cpp-host, include/proxy-wasm/context.h, enums FilterHeadersStatus and
// FilterDataStatus.
const (
	pass     = types.ActionContinue
	pause    = types.ActionPause
	pauseAll = types.Action(4)
)

// OnHttpRequestHeaders implements types.HttpContext.
func (s *stream) OnHttpRequestHeaders(_ int, end bool) (action types.Action) {
	defer s.barrier("a filter's begin", &action)
	list, err := proxywasm.GetHttpRequestHeaders()
	if err != nil {
		panic(err) // Envoy has called us with them
	}
	call, out := s.plugin.config.Begin(s, fields(list), end)
	if call == nil {
		s.over = true
		return pass
	}
	s.call = call
	s.request = s.carryOut(out)
	if s.request == collects {
		s.awaitBody()
	}
	s.plugin.tick()
	return afterHeaders(s.request)
}

// OnHttpRequestBody implements types.HttpContext.
func (s *stream) OnHttpRequestBody(size int, end bool) (action types.Action) {
	defer s.barrier("a filter's message", &action)
	if s.request == collects {
		s.bodyCame()
		if end {
			s.request = s.message(proxywasm.GetHttpRequestBody, size)
		}
	}
	return afterMore(s.request)
}

// OnHttpRequestTrailers implements types.HttpContext.
func (s *stream) OnHttpRequestTrailers(int) (action types.Action) {
	defer s.barrier("a filter's message", &action)
	if s.request == collects {
		s.request = s.message(proxywasm.GetHttpRequestBody, wholeBody)
	}
	return afterMore(s.request)
}

// OnHttpResponseHeaders implements types.HttpContext.
func (s *stream) OnHttpResponseHeaders(_ int, end bool) (action types.Action) {
	defer s.barrier("a filter's response", &action)
	if s.call == nil {
		return pass
	}
	list, err := proxywasm.GetHttpResponseHeaders()
	if err != nil {
		panic(err) // Envoy has called us with them
	}
	s.answered = true
	s.response = s.carryOut(s.call.Response(fields(list), end))
	s.plugin.tick()
	return afterHeaders(s.response)
}

// OnHttpResponseBody implements types.HttpContext.
func (s *stream) OnHttpResponseBody(size int, end bool) (action types.Action) {
	defer s.barrier("a filter's message", &action)
	switch {
	case s.response != collects:
	case end:
		s.response = s.message(proxywasm.GetHttpResponseBody, size)
	case s.call.Open():
		s.response = s.carryOut(s.call.Part(body(proxywasm.GetHttpResponseBody, size)))
	}
	return afterMore(s.response)
}

// OnHttpResponseTrailers implements types.HttpContext.
func (s *stream) OnHttpResponseTrailers(int) (action types.Action) {
	defer s.barrier("a filter's message", &action)
	if s.response == collects {
		s.response = s.message(proxywasm.GetHttpResponseBody, wholeBody)
	}
	return afterMore(s.response)
}

// OnHttpStreamDone implements types.HttpContext. Envoy calls it last, when it would write
// its access log.
func (s *stream) OnHttpStreamDone() {
	defer s.plugin.barrier("a filter's end", nil)
	s.over = true
	s.bodyCame()
	if s.call != nil {
		s.call.End(s.outcome())
	}
	s.plugin.tick()
}

// message hands over a message that is complete.
func (s *stream) message(get getBody, size int) state {
	next := s.carryOut(s.call.Message(body(get, size)))
	s.plugin.tick()
	return next
}

// afterHeaders tells Envoy what to do after a hook of headers.
func afterHeaders(now state) types.Action {
	switch now {
	case passes:
		return pass
	case collects:
		return pause
	case waits, ended:
	}
	return pauseAll
}

// afterMore tells Envoy what to do after a hook of a body or of trailers.
func afterMore(now state) types.Action {
	if now == passes {
		return pass
	}
	return pause
}

// woken carries out an event that the stream was promised. Envoy is in a call of the
// plugin.
func (s *stream) woken(number uint64) {
	s.within("a filter's wake", func() {
		if number == eventNoBody {
			s.refuseWithoutBody()
			return
		}
		s.resume(s.call.Woken(number))
	})
}

// within goes on with a stream that is not over while Envoy is in a call of the plugin:
// meanwhile calls into Envoy are about the stream. The reply to a panic is one of them,
// so the inner barrier is passed before the plugin's turn comes again; the outer one is
// for that change itself.
func (s *stream) within(where string, goOn func()) {
	if s.over {
		return
	}
	defer s.plugin.barrier(where, nil)
	effective(s.id)
	defer effective(s.plugin.id)
	defer s.plugin.barrier(where, s.fail)
	goOn()
}

// effective chooses the context that calls into Envoy are about.
func effective(id uint32) {
	if err := proxywasm.SetEffectiveContext(id); err != nil {
		panic(err) // Envoy has made the context, and not told of its end
	}
}

// Attribute implements filterhost.Stream.
func (s *stream) Attribute(a filterhost.Attribute) string {
	for _, path := range attributes[a] {
		if text := property(path); text != "" {
			return text
		}
	}
	return ""
}

// RouteConfig implements filterhost.Stream. Envoy does not show what routes say to a
// Wasm filter.
func (s *stream) RouteConfig() any { return nil }

// Record implements filterhost.Stream.
func (s *stream) Record(m *filter.Metric, op filter.Op, n uint64, labels []string) {
	s.plugin.metrics.record(m, op, n, labels)
}

// Tag implements filterhost.Stream. Envoy does not show its spans.
func (s *stream) Tag(string, string) {}

// Wake implements filterhost.Stream.
func (s *stream) Wake(number uint64) { s.plugin.events.post(event{s, number}) }

// WakeIn implements filterhost.Stream.
func (s *stream) WakeIn(d time.Duration, number uint64) (stop func()) {
	return s.plugin.events.postAt(time.Now().Add(d), event{s, number})
}
