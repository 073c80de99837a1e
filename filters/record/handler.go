package record

import (
	"bytes"
	"time"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// callOverhead is about what a call takes in memory beside its messages and metadata.
const callOverhead = 1 << 10

// handler is the filter's part in one call.
type handler struct {
	*recorder
	redaction

	call     format.Call
	held     int64 // bytes of the writer's room that the call has
	overload bool  // there was no more
}

// begin notes what is known from the beginning.
func (h *handler) begin(c filter.Call) {
	h.names = h.secret
	h.call.Time = h.host.Now()
	h.take(c, callOverhead)
}

// take reserves room. A call that finds none is not recorded.
func (h *handler) take(c filter.Call, n int) {
	if h.overload {
		return
	}
	if h.writer.reserve(int64(n)) {
		h.held += int64(n)
		return
	}
	h.drop(c)
}

// drop gives up recording the call, and keeps nothing of it.
func (h *handler) drop(c filter.Call) {
	h.overload = true
	h.writer.release(h.held)
	h.held, h.call, h.redaction = 0, format.Call{}, redaction{}
	h.dropped.Add(c, 1, droppedOverload)
}

// Request implements filter.Handler.
func (h *handler) Request(c filter.Call) filter.Verdict {
	if h.overload {
		return filter.Continue
	}
	r := &h.call
	r.Codec, r.Service, r.Method = c.Codec(), c.Service(), c.Method()
	r.Kind = format.KindRequest
	if c.Kind() == sdk.KindOneWay {
		r.Kind = format.KindOneWay
	}
	r.TimeoutMS = milliseconds(c.Timeout())
	r.Source, r.Destination, r.Principal = c.Source(), c.Destination(), c.Principal()
	r.Metadata = h.entries(c, c.Metadata())
	r.Request = h.message(c, c.Payload(), c.Rewrite)
	return filter.Continue
}

// Response implements filter.Handler.
func (h *handler) Response(c filter.Call) filter.Verdict {
	if h.overload {
		return filter.Continue
	}
	h.call.ResponseMetadata = h.entries(c, c.ResponseMetadata())
	h.call.Response = h.message(c, c.ResponsePayload(), c.RewriteResponse)
	return filter.Continue
}

// entries are the entries without what is redacted; nil if there is no room for all.
func (h *handler) entries(c filter.Call, m filter.Metadata) map[string]string {
	size := 0
	for key, value := range m.All() {
		size += len(key) + len(value)
	}
	if h.take(c, size); h.overload {
		return nil
	}
	entries := map[string]string{}
	for key, value := range m.All() {
		if h.isSecret(key) {
			h.found(key, value)
		} else {
			entries[key] = value
		}
	}
	return entries
}

// message is a message as it is recorded, nil if there is none.
func (h *handler) message(c filter.Call, payload []byte, rewrite rewriter) *format.Message {
	m := &format.Message{Bytes: len(payload)}
	switch {
	case len(payload) == 0 || h.overload:
		return nil
	case len(payload) > h.settings.MaxMessageBytes:
		m.Omitted = format.OmittedSize
	default:
		if h.take(c, len(payload)); h.overload { // for the secrets too that are taken out
			return nil
		}
		frame, ok := h.strip(payload, rewrite)
		if !ok {
			m.Omitted = format.OmittedRedaction
			break
		}
		m.Frame = bytes.Clone(frame)
	}
	return m
}

// End implements filter.Handler.
func (h *handler) End(c filter.Call, o filter.Outcome) {
	if h.overload {
		return
	}
	r := &h.call
	if r.Codec == "" || !h.wants(&o, c.Kind()) { // it ended before its message was there
		h.writer.release(h.held)
		return
	}
	r.LatencyMS = milliseconds(o.Duration)
	r.Route, r.Cluster, r.Upstream = c.Route(), c.Cluster(), o.Upstream
	r.Details, r.Flags = o.Details, o.Flags
	// Envoy has an answer to one-way calls too, which nobody gets.
	if o.Answered && (c.Kind() == sdk.KindRequest || o.Status.Code != sdk.OK) {
		r.Status = &format.Status{Code: o.Status.Code.String(), Native: o.Status.Native, Message: o.Status.Message}
		if o.Status.Local {
			r.Status.Cause = o.Status.Cause.String()
		}
	}
	h.scrub(r)
	if !h.writer.put(&entry{r, h.held}) {
		h.drop(c)
		return
	}
	h.recorded.Add(c, 1)
	for _, m := range []*format.Message{r.Request, r.Response} {
		if m != nil && m.Omitted != "" {
			h.omitted.Add(c, 1, m.Omitted)
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
