package filterhost

import (
	"errors"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// phase is where a call is.
type phase uint8

const (
	phaseRequest  phase = iota
	phaseSent           // Request has decided
	phaseResponse       // Response has not decided yet
	phaseDone           // Response has decided, or the filter has answered
)

// Call is one filter's part in one call; filter.Call. Its methods are called on the
// call's thread alone.
type Call struct {
	config  *Config
	stream  Stream
	handler filter.Handler
	began   time.Time

	codec           *engine.Config
	index           int // of the codec in its configuration
	kind            sdk.Kind
	service, method string
	timeout         time.Duration

	request, response         headers
	requestBody, responseBody []byte         // whole messages, for a filter that reads them
	opened                    *engine.Opened // requestBody, if the filter has asked for arguments
	status                    filter.Status
	answered                  bool

	phase   phase
	open    bool // the response does not end by itself
	over    bool
	pauses  uint64
	pause   *pause
	callout *callout
	grpc    *grpcCall
	out     Output
}

// callout is an HTTP request that a call waits for.
type callout struct {
	cluster string
	request filter.HTTPRequest
	then    func(c filter.Call, r filter.HTTPResponse, err error) filter.Verdict
	event   uint64 // that it could not be sent
}

var errNoPayload = errors.New("the message is not there: the filter has to ask for it (PayloadReader)")

// Codec implements filter.Call.
func (c *Call) Codec() string { return c.codec.Codecs()[c.index].Name() }

// Kind implements filter.Call.
func (c *Call) Kind() sdk.Kind { return c.kind }

// Service implements filter.Call.
func (c *Call) Service() string { return c.service }

// Method implements filter.Call.
func (c *Call) Method() string { return c.method }

// SetMethod implements filter.Call.
func (c *Call) SetMethod(service, method string) {
	if c.request.frozen {
		return
	}
	if service != "" {
		c.service = service
	}
	if method != "" {
		c.method = method
	}
	c.request.set([]byte(":path"), engine.AppendPath(nil, []byte(c.service), []byte(c.method)))
}

// Timeout implements filter.Call.
func (c *Call) Timeout() time.Duration { return c.timeout }

// Metadata implements filter.Call.
func (c *Call) Metadata() filter.Metadata { return view{headers: &c.request, codec: c.codec} }

// Local implements filter.Call.
func (c *Call) Local() filter.Metadata {
	return view{headers: &c.request, codec: c.codec, local: true}
}

// ResponseMetadata implements filter.Call.
func (c *Call) ResponseMetadata() filter.Metadata { return view{headers: &c.response, codec: c.codec} }

// Status implements filter.Call.
func (c *Call) Status() filter.Status { return c.status }

// Payload implements filter.Call.
func (c *Call) Payload() []byte { return c.requestBody }

// ResponsePayload implements filter.Call.
func (c *Call) ResponsePayload() []byte { return c.responseBody }

// Arguments implements filter.Call.
func (c *Call) Arguments() ([]sdk.Argument, error) {
	v, err := c.View()
	return v.Arguments, err
}

// View implements filter.Call.
func (c *Call) View() (sdk.View, error) { return c.viewOf(sdk.FromClient, c.requestBody) }

// ResponseView implements filter.Call.
func (c *Call) ResponseView() (sdk.View, error) { return c.viewOf(sdk.FromServer, c.responseBody) }

// Argument implements filter.Call.
func (c *Call) Argument(p *sdk.Path) (value string, ok bool, err error) {
	if len(c.requestBody) == 0 {
		return "", false, errNoPayload
	}
	if c.opened == nil || !c.opened.Is(c.requestBody) { // it moves when the call waits
		if c.opened, err = c.codec.Open(c.index, c.requestBody); err != nil {
			return "", false, err
		}
	}
	text, ok, err := c.opened.AppendArgument(nil, p)
	return string(text), ok, err
}

// AppendKey implements filter.Call.
func (c *Call) AppendKey(dst []byte) ([]byte, error) {
	if len(c.requestBody) == 0 {
		return dst, errNoPayload
	}
	return c.codec.AppendKey(dst, c.index, c.requestBody, c.service, c.method, c.Metadata().Get)
}

// CanAnswer implements filter.Call.
func (c *Call) CanAnswer() error {
	if len(c.responseBody) == 0 {
		return errNoPayload
	}
	return c.codec.CanAnswer(c.index, c.responseBody)
}

func (c *Call) viewOf(from sdk.Side, message []byte) (sdk.View, error) {
	if len(message) == 0 {
		return sdk.View{}, errNoPayload
	}
	return c.codec.View(c.index, from, message)
}

// Rewrite implements filter.Call.
func (c *Call) Rewrite(change func(m *sdk.Message, mut *sdk.Mutation)) ([]byte, error) {
	return c.rewritten(sdk.FromClient, c.requestBody, change)
}

// RewriteResponse implements filter.Call.
func (c *Call) RewriteResponse(change func(m *sdk.Message, mut *sdk.Mutation)) ([]byte, error) {
	return c.rewritten(sdk.FromServer, c.responseBody, change)
}

func (c *Call) rewritten(from sdk.Side, message []byte, change func(*sdk.Message, *sdk.Mutation)) ([]byte, error) {
	if len(message) == 0 {
		return nil, errNoPayload
	}
	return c.codec.Rewrite(c.index, from, message, change)
}

// Source implements filter.Call.
func (c *Call) Source() string { return c.stream.Attribute(AttributeSource) }

// Destination implements filter.Call.
func (c *Call) Destination() string { return c.stream.Attribute(AttributeDestination) }

// Principal implements filter.Call.
func (c *Call) Principal() string { return c.stream.Attribute(AttributePrincipal) }

// Route implements filter.Call.
func (c *Call) Route() string { return c.stream.Attribute(AttributeRoute) }

// Cluster implements filter.Call.
func (c *Call) Cluster() string { return c.stream.Attribute(AttributeCluster) }

// RouteConfig implements filter.Call.
func (c *Call) RouteConfig() any { return c.stream.RouteConfig() }

// HTTP implements filter.Call.
func (c *Call) HTTP(cluster string, r filter.HTTPRequest,
	then func(c filter.Call, r filter.HTTPResponse, err error) filter.Verdict,
) filter.Verdict {
	c.unpause()
	if r.Method == "" {
		r.Method = "GET"
		if len(r.Body) > 0 {
			r.Method = "POST"
		}
	}
	if r.Host == "" {
		r.Host = cluster
	}
	if r.Path == "" {
		r.Path = "/"
	}
	if r.Limit <= 0 {
		r.Limit = time.Second
	}
	r.Limit = max(r.Limit, time.Millisecond)
	c.pauses++
	c.callout = &callout{cluster, r, then, c.pauses << eventBits}
	return filter.Paused
}

// SetDynamicMetadata implements filter.Call.
func (c *Call) SetDynamicMetadata(key, value string) { c.stream.SetDynamicString(key, value) }

// SetDynamicNumber implements filter.Call.
func (c *Call) SetDynamicNumber(key string, value float64) { c.stream.SetDynamicNumber(key, value) }

// Tag implements filter.Call.
func (c *Call) Tag(key, value string) { c.stream.Tag(key, value) }

// Log implements filter.Call.
func (c *Call) Log(level filter.Level, format string, args ...any) {
	if !c.over {
		c.config.log(level, format, args)
	}
}

// Record implements filter.Call.
func (c *Call) Record(m *filter.Metric, op filter.Op, n uint64, labels []string) {
	c.stream.Record(m, op, n, labels)
}

// ended is the stream of a call that is over.
type ended struct{}

func (ended) Attribute(Attribute) string                         { return "" }
func (ended) RouteConfig() any                                   { return nil }
func (ended) Record(*filter.Metric, filter.Op, uint64, []string) {}
func (ended) SetDynamicString(string, string)                    {}
func (ended) SetDynamicNumber(string, float64)                   {}
func (ended) Tag(string, string)                                 {}
func (ended) Wake(uint64)                                        {}
func (ended) WakeIn(time.Duration, uint64) (stop func())         { return func() {} }
