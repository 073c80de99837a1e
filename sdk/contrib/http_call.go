package contrib

import (
	"sync"
	"time"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// call is one HTTP request on which a filter runs; api.StreamFilter, whose hooks are in
// http_request.go and http_response.go, and filterhost.Stream.
//
// The lock makes the hooks, which run on the request's worker, and what goes on after a
// wait, which runs on a goroutine, come one at a time. Nothing waits for anybody while
// it is held.
type call struct {
	envoy api.FilterCallbackHandler
	*settings

	mu                sync.Mutex
	call              *filterhost.Call // nil: the filter has nothing to do with this request
	request, response message
	requestHeaders    api.HeaderMap
	responseHeaders   api.HeaderMap
	answer            *engine.Response // what the local reply that is on its way is turned into
	silent            bool             // the filter wants no answer to be seen
	part              []byte           // of a response that does not end by itself
	room              int              // how long that may become
	ended             bool
}

// message is one direction of a call.
type message struct {
	state state
	bytes uint64 // that went past
}

// state is how a message stands.
type state uint8

const (
	passes   state = iota
	collects       // Envoy holds it until it is complete
	waits          // Envoy holds it until the filter has decided
	over           // answered instead
)

// newCall is the factory of all filters.
func newCall(config any, callbacks api.FilterCallbackHandler) api.StreamFilter {
	c := settingsIn(config)
	if c == nil {
		logf(api.Error, "a request came with a %T for its configuration", config)
		return &api.PassThroughStreamFilter{}
	}
	return &call{envoy: callbacks, settings: c}
}

// rpcPrefix begins the content-type of a call; other requests pass untouched.
const rpcPrefix = "application/grpc+"

// fields are headers as the filter's host takes them.
func fields(headers api.HeaderMap) []engine.Field {
	list := make([]engine.Field, 0, 32)
	headers.Range(func(name, value string) bool {
		list = append(list, engine.Field{Name: []byte(name), Value: []byte(value)})
		return true
	})
	return list
}

// carry carries out what the filter wants, and returns how the message at hand goes on.
func (c *call) carry(out *filterhost.Output) api.StatusType {
	m, headers := &c.request, c.requestHeaders
	if out.Response {
		m, headers = &c.response, c.responseHeaders
	}
	switch out.Action {
	case filterhost.Proceed:
		m.state = passes
		for _, f := range out.Changes {
			if len(f.Value) == 0 {
				headers.Del(string(f.Name))
			} else {
				headers.Set(string(f.Name), string(f.Value))
			}
		}
		if out.Reroute {
			c.envoy.ClearRouteCache()
		}
		return api.Continue
	case filterhost.Collect:
		m.state, c.room = collects, out.Room
		return api.StopAndBuffer
	case filterhost.Callout, filterhost.CallGRPC:
		c.Wake(out.NotSent) // this host has no client
		m.state = waits
		return api.Running
	case filterhost.Hold:
		m.state = waits
		return api.Running
	case filterhost.SendReply:
		c.reply(out.Response, &out.Reply)
		return api.LocalReply
	case filterhost.SendAnswer:
		c.answer = out.Answer
		c.reply(out.Response, &filterhost.Reply{Status: out.Answer.Status, Details: "meltemi_answer[" + c.name + "]"})
		return api.LocalReply
	case filterhost.ResetStream:
		// Envoy's Go package cannot reset: the client's edge makes the same error of a reply
		// with that cause.
		c.silent = true
		c.fail(out.Response, failureLost)
		return api.LocalReply
	case filterhost.Nothing:
	}
	return api.Continue
}

// reply lets Envoy answer. It is posted, so it comes after the hook has returned.
func (c *call) reply(response bool, r *filterhost.Reply) {
	c.request.state, c.response.state = over, over
	headers := make(map[string][]string, len(r.Headers))
	for _, f := range r.Headers {
		if string(f.Name) != grpcStatus { // Envoy has a place of its own for it
			headers[string(f.Name)] = []string{string(f.Value)}
		}
	}
	c.side(response).SendLocalReply(r.Status, r.Failure.Text(), headers, int64(r.Failure.Code), r.Details)
}

const grpcStatus = "grpc-status"

// side is Envoy's interface to one direction.
func (c *call) side(response bool) api.FilterProcessCallbacks {
	if response {
		return c.envoy.EncoderFilterCallbacks()
	}
	return c.envoy.DecoderFilterCallbacks()
}

// hook runs a hook of Envoy's behind a barrier and the lock. A panic here is a defect of
// this host, since filters have a barrier of their own; it costs the request.
func (c *call) hook(where string, response bool, run func() api.StatusType) (status api.StatusType) {
	defer barrier(where, func() {
		c.fail(response, failureInternal)
		status = api.LocalReply
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	return run()
}

// Wake implements filterhost.Stream. It may be called by whoever holds the lock.
func (c *call) Wake(event uint64) { go c.woken(event) }

// WakeIn implements filterhost.Stream.
func (c *call) WakeIn(d time.Duration, event uint64) (stop func()) {
	timer := time.AfterFunc(d, func() { c.woken(event) })
	return func() { timer.Stop() }
}

// woken goes on with a call that has waited. Envoy holds its message meanwhile, and all
// that it is asked for here it does on the worker, in this order.
func (c *call) woken(event uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	response := c.response.state == waits
	failed := func() { c.fail(response, failureInternal) } // else Envoy would hold it for ever
	defer barrier("a filter's wake", failed)
	if c.ended || c.call == nil {
		return
	}
	out := c.call.Woken(event)
	if !ask(func() {
		if c.carry(out) == api.Continue && out.Action == filterhost.Proceed {
			c.side(out.Response).Continue(api.Continue)
		}
	}) {
		failed()
	}
}

// Attribute implements filterhost.Stream.
func (c *call) Attribute(a filterhost.Attribute) (value string) {
	ask(func() {
		info := c.envoy.StreamInfo()
		switch a {
		case filterhost.AttributeSource:
			value = info.DownstreamRemoteAddress()
		case filterhost.AttributeDestination:
			value = info.DownstreamLocalAddress()
		case filterhost.AttributePrincipal:
			value = principal(info.DownstreamSslConnection())
		case filterhost.AttributeRoute:
			value = info.GetRouteName()
		case filterhost.AttributeCluster:
			value, _ = info.UpstreamClusterName()
		}
	})
	return value
}

// principal is who the client's certificate says it is.
func principal(tls api.SslConnection) string {
	if tls == nil {
		return ""
	}
	for _, names := range [][]string{tls.UriSanPeerCertificate(), tls.DnsSansPeerCertificate()} {
		if len(names) > 0 {
			return names[0]
		}
	}
	return tls.SubjectPeerCertificate()
}

// RouteConfig implements filterhost.Stream.
func (c *call) RouteConfig() any { return c.route.value }

// Record implements filterhost.Stream.
func (c *call) Record(m *filter.Metric, op filter.Op, n uint64, labels []string) {
	c.record(m, op, n, labels)
}

// SetDynamicString implements filterhost.Stream.
func (c *call) SetDynamicString(key, value string) { c.note(key, value) }

// SetDynamicNumber implements filterhost.Stream.
func (c *call) SetDynamicNumber(key string, value float64) { c.note(key, value) }

func (c *call) note(key string, value any) {
	ask(func() { c.envoy.StreamInfo().DynamicMetadata().Set(c.name, key, value) })
}

// Tag implements filterhost.Stream: Envoy's Go package has no access to spans.
func (*call) Tag(string, string) {}
