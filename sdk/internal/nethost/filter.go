package nethost

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// Filter is a layer-7 filter before an http.Handler, such as a [Handler] or another
// Filter. It can read messages, wait and answer; it knows no routes, no access log, no
// spans and no other clusters.
type Filter struct {
	Config *filterhost.Config
	Next   http.Handler
	// Source and Destination are the ends of the client's connection.
	Source, Destination string
	// Record changes a metric, on any goroutine; nil: there are none.
	Record func(m *filter.Metric, op filter.Op, n uint64, labels []string)
}

// filtered is a request on which a filter runs; filterhost.Stream. All of it belongs to
// the request's goroutine but the channel, on which others wake it.
type filtered struct {
	*Filter
	call    *filterhost.Call
	ctx     context.Context //nolint:containedctx // it is the request's
	woken   chan uint64
	request *http.Request
	body    []byte
	read    bool // the body is here
	end     filterhost.End
}

// maxEvents is how many events can be on their way to a request at once: one of a pause
// that has ended may come beside that of the next, and its limit's.
const maxEvents = 8

// ServeHTTP implements http.Handler.
func (f *Filter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c := &filtered{Filter: f, ctx: ctx, woken: make(chan uint64, maxEvents), request: r}
	call, out := f.Config.Begin(c, requestFields(r), false)
	if call == nil {
		f.Next.ServeHTTP(w, r)
		return
	}
	c.call = call
	defer call.End(&c.end) // also where the next handler is another Filter, which aborts by a panic
	if c.serve(w, out) {
		panic(http.ErrAbortHandler) // net/http's way to reset a stream
	}
}

// serve takes the request through the filter, to the next handler, and back. It reports
// whether the request has to be reset.
func (c *filtered) serve(w http.ResponseWriter, out *filterhost.Output) (aborted bool) {
	out = c.settle(out, c.readRequest)
	if out == nil {
		return true
	}
	if out.Action != filterhost.Proceed {
		return c.answer(w, out)
	}
	c.change(out.Changes)
	answer := &recorder{header: http.Header{}, code: http.StatusOK}
	c.request.Body = io.NopCloser(io.MultiReader(bytes.NewReader(c.body), c.rest()))
	c.Next.ServeHTTP(answer, c.request)
	body := answer.body.Bytes()
	c.end.ResponseBytes = uint64(len(body))
	list := responseFields(answer)
	out = c.settle(c.call.Response(list, len(body) == 0), func() ([]byte, error) { return body, nil })
	if out == nil {
		return true
	}
	if out.Action != filterhost.Proceed {
		return c.answer(w, out)
	}
	for _, f := range filterhost.Apply(list, out.Changes) {
		if f.Name[0] != ':' {
			w.Header().Add(string(f.Name), string(f.Value))
		}
	}
	for name, values := range answer.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.code)
	_, _ = w.Write(body)
	return false
}

// settle goes on with a message until the filter has decided about it; nil: the request
// is gone.
func (c *filtered) settle(out *filterhost.Output, message func() ([]byte, error)) *filterhost.Output {
	for {
		switch out.Action {
		case filterhost.Collect:
			body, err := message()
			if err != nil {
				return nil
			}
			out = c.call.Message([][]byte{body})
			continue
		case filterhost.Callout, filterhost.CallGRPC:
			go c.Wake(out.NotSent) // there is no client
		case filterhost.Hold, filterhost.Nothing:
		case filterhost.Proceed, filterhost.SendReply, filterhost.SendAnswer, filterhost.ResetStream:
			return out
		}
		select {
		case event := <-c.woken:
			out = c.call.Woken(event)
		case <-c.ctx.Done():
			return nil
		}
	}
}

// readRequest reads the whole request. The edge before it has seen to its length.
func (c *filtered) readRequest() ([]byte, error) {
	body, err := io.ReadAll(c.request.Body)
	c.body, c.read = body, true
	c.end.RequestBytes = uint64(len(body))
	return body, err
}

// rest is what has not been read of the body.
func (c *filtered) rest() io.Reader {
	if c.read {
		return http.NoBody
	}
	return counter{c.request.Body, &c.end.RequestBytes}
}

// counter counts what is read.
type counter struct {
	io.Reader
	n *uint64
}

// Read implements io.Reader.
func (c counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	*c.n += uint64(n) //nolint:gosec // a length is not negative
	return n, err
}

// change makes the filter's changes of a request.
func (c *filtered) change(changes []engine.Field) {
	r := c.request.Clone(c.ctx)
	for _, f := range changes {
		switch name := string(f.Name); {
		case name == ":path":
			if u, err := url.ParseRequestURI(string(f.Value)); err == nil {
				r.URL, r.RequestURI = u, string(f.Value)
			}
		case len(f.Value) == 0:
			r.Header.Del(name)
		default:
			r.Header.Set(name, string(f.Value))
		}
	}
	c.request = r
}

// answer answers instead of the server.
func (c *filtered) answer(w http.ResponseWriter, out *filterhost.Output) (aborted bool) {
	switch out.Action {
	case filterhost.SendReply:
		c.end.Details = out.Reply.Details
		Refuse(w, strconv.Itoa(out.Reply.Status)+" - "+out.Reply.Details, out.Reply.Failure.Code, out.Reply.Failure.Text())
	case filterhost.SendAnswer:
		list := out.Answer.Fields[:0:0]
		for _, f := range out.Answer.Fields {
			if f.Name[0] != ':' {
				list = append(list, f)
			}
		}
		answer := *out.Answer
		answer.Fields = list
		respond(w, &answer)
	default:
		return true
	}
	return false
}

// recorder keeps a response until the filter has decided about it. The edge behind it
// has seen to its length.
type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(code int) { r.code = code }

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// responseFields are the headers of a response, without its trailers.
func responseFields(w *recorder) []engine.Field {
	list := []engine.Field{{Name: []byte(":status"), Value: []byte(strconv.Itoa(w.code))}}
	for name, values := range w.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		for _, v := range values {
			list = append(list, engine.Field{Name: []byte(strings.ToLower(name)), Value: []byte(v)})
		}
	}
	return list
}

// Attribute implements filterhost.Stream.
func (c *filtered) Attribute(a filterhost.Attribute) string {
	switch a { //nolint:exhaustive // the others are of a proxy
	case filterhost.AttributeSource:
		return c.Source
	case filterhost.AttributeDestination:
		return c.Destination
	}
	return ""
}

// RouteConfig implements filterhost.Stream: there are no routes.
func (*filtered) RouteConfig() any { return nil }

// Record implements filterhost.Stream.
func (c *filtered) Record(m *filter.Metric, op filter.Op, n uint64, labels []string) {
	if c.Filter.Record != nil {
		c.Filter.Record(m, op, n, labels)
	}
}

// SetDynamicString implements filterhost.Stream: there is no access log.
func (*filtered) SetDynamicString(string, string) {}

// SetDynamicNumber implements filterhost.Stream.
func (*filtered) SetDynamicNumber(string, float64) {}

// Tag implements filterhost.Stream: there are no spans.
func (*filtered) Tag(string, string) {}

// Wake implements filterhost.Stream.
func (c *filtered) Wake(event uint64) {
	select {
	case c.woken <- event:
	case <-c.ctx.Done():
	}
}

// WakeIn implements filterhost.Stream.
func (c *filtered) WakeIn(d time.Duration, event uint64) (stop func()) {
	timer := time.AfterFunc(d, func() { c.Wake(event) })
	return func() { timer.Stop() }
}
