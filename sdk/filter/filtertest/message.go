package filtertest

import (
	"strconv"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// Request is a call in words.
type Request struct {
	Codec           string // "" for a protocol of this package
	Service, Method string // "service" and "method" if empty
	OneWay          bool
	Timeout         time.Duration
	Metadata, Local map[string]string
	// Arguments are what the filter reads in the message; of this package's protocol
	// only.
	Arguments []any
	// Payload is the message, where Codec names another protocol.
	Payload []byte

	Source, Destination, Principal string
	Route, Cluster, Upstream       string
	// RouteConfig is what the route says to the filter, a JSON object.
	RouteConfig string
}

// Response is an answer in words.
type Response struct {
	Code     sdk.Code
	Native   int
	Message  string // of a failure
	Metadata map[string]string
	// Cause makes it an answer of Envoy instead of one of a server.
	Cause sdk.Cause
	// Result is what the message carries; of this package's protocol only.
	Result any
	// Payload is the message, where the request has another protocol.
	Payload []byte
}

// Result is what became of a call.
type Result struct {
	State State
	// Service, Method, Metadata and Local are those of the request as it left the
	// filter, whether it did or not.
	Service, Method string
	Metadata, Local map[string]string
	// Rerouted tells whether the route is chosen anew.
	Rerouted bool
	// Answer is the metadata of the answer as the client gets it, Payload its message.
	Answer  map[string]string
	Payload []byte
	// Failure is that of a call which the filter has refused.
	Failure sdk.Failure
	// Dynamic is the dynamic metadata, Tags are the tracing tags.
	Dynamic map[string]any
	Tags    map[string]string
}

// Result is what became of the call so far.
func (c *Call) Result() Result {
	r := Result{
		State: c.state, Rerouted: c.rerouted, Payload: c.payload, Failure: c.failure, Dynamic: c.dynamic, Tags: c.tags,
		Metadata: filterhost.Entries(c.codec, c.headers, false), Local: filterhost.Entries(c.codec, c.headers, true),
		Answer: filterhost.Entries(c.codec, c.answer, false),
	}
	path, _ := engine.Find(c.headers, ":path")
	var err error
	if r.Service, r.Method, err = engine.ParsePath(path); err != nil {
		c.host.tb.Errorf("path %q: %v", path, err)
	}
	return r
}

func (r *Request) codec() string {
	if r.Codec == "" {
		return wordsName
	}
	return r.Codec
}

// headers are the headers that the client's edge makes of the request.
func (r *Request) headers(tb testing.TB, codec *engine.Config) []engine.Field {
	tb.Helper()
	field := func(name, value string) engine.Field {
		return engine.Field{Name: []byte(name), Value: []byte(value)}
	}
	path := string(engine.AppendPath(nil, []byte(r.service()), []byte(r.method())))
	list := []engine.Field{
		field(":method", "POST"), field(":path", path), field("content-type", "application/grpc+"+r.codec()),
	}
	if r.Timeout > 0 {
		list = append(list, field("grpc-timeout", strconv.FormatInt(r.Timeout.Milliseconds(), 10)+"m"))
	}
	if r.OneWay {
		list = append(list, field(engine.HeaderKind, "oneway"))
	}
	for key, value := range r.Metadata {
		list = filterhost.AddEntry(codec, list, key, value, false)
	}
	for key, value := range r.Local {
		list = filterhost.AddEntry(codec, list, key, value, true)
	}
	return list
}

func (r *Request) service() string {
	if r.Service == "" {
		return "service"
	}
	return r.Service
}

func (r *Request) method() string {
	if r.Method == "" {
		return "method"
	}
	return r.Method
}

func (r *Request) message(tb testing.TB) []byte {
	tb.Helper()
	if r.Codec != "" {
		return r.Payload
	}
	return wordsMessage(tb, &word{Kind: kindRequest, ID: 1, Service: r.service(), Method: r.method(), Arguments: r.Arguments, Metadata: r.Metadata})
}

// headers are the headers of the response.
func (r *Response) headers(codec *engine.Config) []engine.Field {
	field := func(name, value string) engine.Field {
		return engine.Field{Name: []byte(name), Value: []byte(value)}
	}
	list := []engine.Field{field(":status", "200")}
	if r.Cause != sdk.CauseUnknown {
		f := sdk.Failure{Cause: r.Cause, Code: r.Code}
		if f.Code == sdk.OK {
			f.Code = engine.CodeOf(r.Cause)
		}
		return append(append(list, engine.ReplyFields(f)...), field("grpc-message", r.Message))
	}
	list = append(list, field("grpc-status", strconv.Itoa(int(r.Code))))
	if r.Native != 0 {
		list = append(list, field("x-rpc-status", strconv.Itoa(r.Native)))
	}
	if r.Message != "" {
		list = append(list, field("grpc-message", r.Message))
	}
	for key, value := range r.Metadata {
		list = filterhost.AddEntry(codec, list, key, value, false)
	}
	return list
}

func (r *Response) message(tb testing.TB, request *Request) []byte {
	tb.Helper()
	switch {
	case r.Cause != sdk.CauseUnknown:
		return nil
	case request.Codec != "":
		return r.Payload
	}
	return wordsMessage(tb, &word{Kind: kindResponse, ID: 1, Code: r.Code, Native: r.Native, Result: r.Result, Metadata: r.Metadata, Text: r.Message})
}

var _ filterhost.Stream = (*Call)(nil)
