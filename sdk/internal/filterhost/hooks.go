package filterhost

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// Begin is called with the headers of a request, which are borrowed until the host has
// carried out the output. end tells that there is no body. A nil Call has nothing to do
// with this request: if the output is nil too, it goes on untouched.
func (c *Config) Begin(s Stream, list []engine.Field, end bool) (*Call, *Output) {
	contentType, _ := engine.Find(list, "content-type")
	codec, index, ours := c.codecOf(contentType)
	if !ours {
		return nil, nil
	}
	call := &Call{config: c, stream: s, began: c.env.Now(), codec: codec, index: index, kind: sdk.KindRequest}
	call.request.list = slices.Clip(list)
	path, _ := engine.Find(list, ":path")
	var err error
	if call.service, call.method, err = engine.ParsePath(path); err != nil {
		// The far edge would refuse it; and a filter must not judge what it misreads.
		call.handler = filter.Base{}
		return call.begun(call.refuse(sdk.Failure{
			Cause: sdk.CauseMalformed, Code: sdk.InvalidArgument, Message: fmt.Sprintf("path %q: %v", path, err),
		}))
	}
	if _, oneway := engine.Find(list, engine.HeaderKind); oneway {
		call.kind = sdk.KindOneWay
	}
	if timeout, ok := engine.Find(list, "grpc-timeout"); ok {
		call.timeout = engine.ParseTimeout(timeout)
	}
	verdict := call.guard("Begin", func() filter.Verdict {
		call.handler = c.filter.Begin(call)
		return filter.Continue
	})
	switch {
	case verdict != filter.Continue: // it panicked
		call.handler = filter.Base{}
		return call.begun(call.decide(verdict))
	case call.handler == nil:
		call.unpause()
		call.over, call.stream = true, ended{}
		return nil, nil
	case c.requests && !end:
		return call.begun(call.act(Collect))
	}
	return call.begun(call.decide(call.guard("Request", func() filter.Verdict { return call.handler.Request(call) })))
}

// begun keeps what the call needs beyond the hook.
func (c *Call) begun(out *Output) (*Call, *Output) {
	c.request.keep()
	return c, out
}

// Message is called when a message that is collected is complete. The chunks are
// borrowed until the host has carried out the output.
func (c *Call) Message(chunks [][]byte) *Output {
	body := joined(chunks)
	switch c.phase {
	case phaseRequest:
		c.requestBody = body
		return c.decide(c.guard("Request", func() filter.Verdict { return c.handler.Request(c) }))
	case phaseResponse:
		c.responseBody = body
		return c.decide(c.guard("Response", func() filter.Verdict { return c.handler.Response(c) }))
	case phaseSent, phaseDone:
	}
	return c.nothing()
}

// Part is called with what there is of a response that is collected and does not end
// by itself (Call.Open). Its output is Collect until that is a whole message.
func (c *Call) Part(chunks [][]byte) *Output {
	if c.phase == phaseResponse && !c.codec.Whole(c.index, joined(chunks)) {
		return c.act(Collect)
	}
	return c.Message(chunks)
}

// joined is the message in chunks, copied only if it is in several.
func joined(chunks [][]byte) []byte {
	if len(chunks) == 1 {
		return chunks[0]
	}
	return bytes.Join(chunks, nil)
}

// Open reports whether the response does not end by itself.
func (c *Call) Open() bool { return c.open }

// Response is called with the headers of the response, which are borrowed until the
// host has carried out the output. end tells that there is no body.
func (c *Call) Response(list []engine.Field, end bool) *Output {
	c.unpause() // somebody else has answered
	if c.phase == phaseDone {
		return c.act(Proceed)
	}
	c.phase = phaseResponse
	c.request.frozen = true
	c.requestBody = nil
	c.response.list = slices.Clip(list)
	c.answer(list)
	_, c.open = engine.Find(list, engine.HeaderReset)
	var out *Output
	if c.config.answers && !end && !c.status.Local {
		out = c.act(Collect)
	} else {
		out = c.decide(c.guard("Response", func() filter.Verdict { return c.handler.Response(c) }))
	}
	c.response.keep()
	return out
}

// answer notes what the headers of an answer say.
func (c *Call) answer(list []engine.Field) {
	c.answered = true
	if engine.IsLocalReply(list) {
		f := engine.FailureOf(list)
		c.status = filter.Status{Code: f.Code, Message: f.Message, Local: true, Cause: f.Cause}
		return
	}
	s := engine.StatusOf(list)
	c.status = filter.Status{Code: s.Code, Native: s.Native, Message: string(s.Message)}
}

var errCallout = errors.New("no response")

// CalledOut is called with what came of the last Callout, and not of one before it. It is
// nil if no response came: there is no such cluster, or the connection broke. The response
// is borrowed until the host has carried out the output.
func (c *Call) CalledOut(r *filter.HTTPResponse) *Output {
	waiting := c.callout
	if waiting == nil {
		return c.nothing()
	}
	c.callout = nil
	var err error
	if r == nil {
		r, err = &filter.HTTPResponse{}, fmt.Errorf("cluster %s: %w", waiting.cluster, errCallout)
	}
	return c.decide(c.guard("a function that Call.HTTP was given", func() filter.Verdict { return waiting.then(c, *r, err) }))
}

// decide turns the verdict of a hook into an output.
func (c *Call) decide(v filter.Verdict) *Output {
	if v.Kind() != filter.KindPaused {
		c.unpause() // it made a pause and did not want it
	}
	switch v.Kind() {
	case filter.KindContinue:
		return c.proceed()
	case filter.KindReply:
		return c.refuse(v.Failure())
	case filter.KindAnswer:
		return c.answerWith(v.Message())
	case filter.KindReset:
		out := c.act(ResetStream)
		c.finish()
		return out
	case filter.KindPaused:
		return c.wait()
	}
	return c.defect("the verdict is none")
}

// wait holds the call. The message that the filter reads is Envoy's, which may move it
// meanwhile.
func (c *Call) wait() *Output {
	c.requestBody, c.responseBody = bytes.Clone(c.requestBody), bytes.Clone(c.responseBody)
	switch {
	case c.callout != nil:
		out := c.act(Callout)
		out.Callout, out.Cluster, out.NotSent = &c.callout.request, c.callout.cluster, c.callout.event
		return out
	case c.grpc != nil:
		return c.callGRPC()
	case c.pause != nil:
		return c.act(Hold)
	}
	return c.defect("the verdict is Paused, and nothing was asked for")
}

// proceed lets the message go on with its changes.
func (c *Call) proceed() *Output {
	h := &c.request
	if c.phase == phaseResponse {
		h = &c.response
	}
	if h.refused != "" {
		return c.refuse(sdk.Failure{
			Cause: sdk.CauseUnsupported, Code: sdk.Unimplemented,
			Message: fmt.Sprintf("filter %s: Envoy cannot carry an empty value, which %q was given", c.config.name, h.refused),
		})
	}
	out := c.act(Proceed)
	out.Changes = h.changes
	out.Reroute = c.phase == phaseRequest && len(h.changes) > 0
	h.frozen = true
	if c.phase == phaseRequest {
		c.phase, c.requestBody = phaseSent, nil
	} else {
		c.phase, c.responseBody = phaseDone, nil
	}
	return out
}

// Refuse answers the call with an error of the host's own, before Request was called.
func (c *Call) Refuse(f sdk.Failure) *Output {
	c.unpause()
	return c.refuse(f)
}

// refuse answers with an error.
func (c *Call) refuse(f sdk.Failure) *Output {
	if f.Code == sdk.OK {
		f.Code = engine.CodeOf(f.Cause)
	}
	c.status = filter.Status{Code: f.Code, Message: f.Text(), Local: true, Cause: f.Cause}
	c.answered = true
	out := c.act(SendReply)
	out.Reply = Reply{
		Failure: f, Status: httpStatus(f.Cause), Headers: engine.ReplyFields(f),
		Details: engine.OwnDetails(f.Cause, c.config.name),
	}
	c.finish()
	return out
}

// answerWith answers with a message.
func (c *Call) answerWith(message []byte) *Output {
	if c.phase != phaseRequest {
		return c.defect("Answer is for requests")
	}
	if !slices.Contains(c.config.env.Has, filter.AnswerCalls) {
		return c.defect("this host cannot answer calls; the filter has to need it (AnswerCalls)")
	}
	r, err := c.codec.AnswerTo(c.index, c.requestBody, message)
	if err != nil {
		return c.defect(err.Error())
	}
	r.Fields = append([]engine.Field{{Name: []byte(":status"), Value: []byte("200")}}, r.Fields...)
	c.answer(r.Fields)
	out := c.act(SendAnswer)
	out.Answer = r
	c.finish()
	return out
}

// finish notes that the filter has had its say.
func (c *Call) finish() {
	c.phase = phaseDone
	c.request.frozen, c.response.frozen = true, true
	c.requestBody, c.responseBody = nil, nil
}

// defect answers a call whose filter asked for what cannot be.
func (c *Call) defect(what string) *Output {
	c.unpause()
	f := internalFailure
	f.Message = "filter " + c.config.name + ": " + what
	return c.refuse(f)
}

func (c *Call) act(a Action) *Output {
	c.out = Output{Action: a, Response: c.phase >= phaseResponse}
	if a == Collect {
		c.out.Room = c.codec.MaxMessage()
	}
	return &c.out
}

func (c *Call) nothing() *Output {
	c.out = Output{Action: Nothing}
	return &c.out
}

// guard calls a hook behind a barrier.
func (c *Call) guard(where string, hook func() filter.Verdict) (v filter.Verdict) {
	defer func() {
		if value := recover(); value != nil {
			c.panicked(where, value)
			v = filter.Reply(internalFailure)
		}
	}()
	return hook()
}

func (c *Call) panicked(where string, value any) {
	c.config.panics.Add(c, 1)
	c.config.env.OnPanic("filter "+c.config.name+": "+where, value, debug.Stack())
}

// httpStatus is the HTTP status of a local reply for a cause, which access logs show.
// The client's edge goes by the cause.
func httpStatus(cause sdk.Cause) int {
	switch cause { //nolint:exhaustive // the others are failures of this proxy
	case sdk.CauseDenied:
		return 403
	case sdk.CauseNoRoute:
		return 404
	case sdk.CauseTooLarge:
		return 413
	case sdk.CauseRateLimited:
		return 429
	case sdk.CauseMalformed, sdk.CauseUnreadable, sdk.CauseUnsupported:
		return 400
	case sdk.CauseInternal:
		return 500
	case sdk.CauseTimeout:
		return 504
	}
	return 503
}

// HTTPResponse makes a response of what Envoy's client got.
func HTTPResponse(list []engine.Field, chunks [][]byte) *filter.HTTPResponse {
	r := &filter.HTTPResponse{Headers: make([][2]string, 0, len(list)), Body: joined(chunks)}
	for _, f := range list {
		if string(f.Name) == ":status" {
			r.Status, _ = strconv.Atoi(string(f.Value)) // Envoy's own
			continue
		}
		r.Headers = append(r.Headers, [2]string{string(f.Name), string(f.Value)})
	}
	return r
}
