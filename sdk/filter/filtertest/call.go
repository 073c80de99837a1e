package filtertest

import (
	"bytes"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// State is where a call is.
type State uint8

// The states.
const (
	Waiting  State = iota // a hook has paused it
	Sent                  // Request let it go: it is with the server
	Done                  // Response let the answer go
	Refused               // the filter has replied with a failure
	Answered              // the filter has answered with a message
	Broken                // the filter has reset it
)

// String returns the state's name.
func (s State) String() string {
	return [...]string{"waiting", "sent", "done", "refused", "answered", "broken"}[s]
}

// Call is one call on its way through the filter.
type Call struct {
	host    *Host
	request Request
	codec   *engine.Config
	call    *filterhost.Call // nil: the filter ignores it

	state       State
	headers     []engine.Field // of the request, as the filter left them
	answer      []engine.Field // of the response
	payload     []byte         // of the response
	failure     sdk.Failure
	dynamic     map[string]any
	tags        map[string]string
	routes      any
	rerouted    bool
	finished    bool
	mu          sync.Mutex // between the test and what wakes the call
	wakes       []uint64
	woken       chan struct{}
	requestSize int
}

// Begin begins a call: the filter's Begin and Request have been called when it returns,
// unless the call waits.
func (h *Host) Begin(r Request) *Call {
	h.tb.Helper()
	c := &Call{host: h, request: r, dynamic: map[string]any{}, tags: map[string]string{}, woken: make(chan struct{}, 1)}
	c.codec = h.codecOf(r.codec())
	if r.RouteConfig != "" {
		var err error
		if c.routes, err = filterhost.NewRoute(h.definition.Name, []byte(r.RouteConfig), []filter.Definition{h.definition}); err != nil {
			h.tb.Fatal(err)
		}
	}
	c.headers = r.headers(h.tb, c.codec)
	call, out := h.config.Begin(c, c.headers, false)
	if call == nil {
		c.state = Sent
		return c
	}
	c.call = call
	payload := r.message(h.tb)
	if out.Action == filterhost.Collect {
		out = call.Message([][]byte{payload[:len(payload)/2], payload[len(payload)/2:]})
	}
	c.requestSize = len(payload)
	c.carry(out)
	c.work()
	return c
}

// codecOf returns the codec of that name as the far edge has it.
func (h *Host) codecOf(name string) *engine.Config {
	h.tb.Helper()
	c, err := engine.ParseConfig([]byte(`{"name":"`+name+`"}`), h.codecs)
	if err != nil {
		h.tb.Fatal(err)
	}
	return c
}

// Ignored tells whether the filter has nothing to do with the call.
func (c *Call) Ignored() bool { return c.call == nil }

// State is where the call is.
func (c *Call) State() State { return c.state }

// Wait waits until the call waits no more for a goroutine. One that waits for the clock
// needs Advance. It fails the test after ten seconds.
func (c *Call) Wait() {
	c.host.tb.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for c.work(); c.state == Waiting; c.work() {
		select {
		case <-c.woken:
		case <-deadline.C:
			c.host.tb.Fatal("the call still waits: if it waits for the clock, turn it with Advance")
		}
	}
}

// Poll does what the call was woken for so far, if anything, and returns its state.
func (c *Call) Poll() State {
	c.work()
	return c.state
}

// work does what the call was woken for.
func (c *Call) work() {
	for {
		c.mu.Lock()
		if len(c.wakes) == 0 || c.finished {
			c.mu.Unlock()
			return
		}
		event := c.wakes[0]
		c.wakes = c.wakes[1:]
		c.mu.Unlock()
		c.carry(c.call.Woken(event))
	}
}

// carry does what the filter wants.
func (c *Call) carry(out *filterhost.Output) {
	switch out.Action {
	case filterhost.Proceed:
		c.proceed(out)
	case filterhost.Hold:
		c.state = Waiting
	case filterhost.Callout:
		c.state = Waiting
		c.callOut(out)
	case filterhost.CallGRPC:
		c.state = Waiting
		c.callGRPC(out)
	case filterhost.SendReply:
		c.state, c.failure = Refused, out.Reply.Failure
	case filterhost.SendAnswer:
		c.state, c.answer, c.payload = Answered, out.Answer.Fields, bytes.Clone(out.Answer.Body)
	case filterhost.ResetStream:
		c.state = Broken
	case filterhost.Collect, filterhost.Nothing:
	}
}

func (c *Call) proceed(out *filterhost.Output) {
	if out.Response {
		c.state = Done
		c.answer = filterhost.Apply(c.answer, out.Changes)
		return
	}
	c.state = Sent
	c.headers = filterhost.Apply(c.headers, out.Changes)
	c.rerouted = c.rerouted || out.Reroute
}

func (c *Call) callOut(out *filterhost.Output) {
	service := c.host.clusters[out.Cluster]
	if service == nil {
		c.Wake(out.NotSent)
		return
	}
	r, err := service(*out.Callout)
	if err != nil {
		c.carry(c.call.CalledOut(nil))
		return
	}
	c.carry(c.call.CalledOut(&r))
}

// Respond gives the call its answer, if it is with the server. The filter's Response has
// been called when it returns, unless the call waits.
func (c *Call) Respond(r Response) {
	c.host.tb.Helper()
	if c.state != Sent {
		c.host.tb.Fatalf("the call is %v: no server has it", c.state)
	}
	c.answer, c.payload = r.headers(c.codec), r.message(c.host.tb, &c.request)
	if c.call == nil {
		c.state = Done
		return
	}
	out := c.call.Response(c.answer, len(c.payload) == 0)
	if out.Action == filterhost.Collect {
		out = c.call.Message([][]byte{c.payload})
	}
	c.carry(out)
	c.work()
}

// End ends the call, however far it has come: a call without an answer is one whose
// client has gone away. The filter's End has been called when it returns. A second End
// does nothing.
func (c *Call) End() Result {
	if !c.finished && c.call != nil {
		end := &filterhost.End{RequestBytes: uint64(c.requestSize), ResponseBytes: uint64(len(c.payload))} //nolint:gosec // lengths
		switch c.state {
		case Done:
			end.Details, end.Upstream = "via_upstream", c.request.Upstream
		case Refused:
			end.Details = engine.OwnDetails(c.failure.Cause, c.host.definition.Name)
		case Waiting, Sent, Answered, Broken:
		}
		c.call.End(end)
	}
	c.mu.Lock()
	c.finished = true
	c.mu.Unlock()
	return c.Result()
}

// Do runs a whole call: the server echoes the payload of a call that reaches it. Answer
// it otherwise with Begin and Respond.
func (h *Host) Do(r Request) Result {
	h.tb.Helper()
	c := h.Begin(r)
	c.Wait()
	if c.state == Sent {
		c.Respond(Response{})
		c.Wait()
	}
	return c.End()
}

// The rest is filterhost.Stream: what the filter's call asks of its host.

// Attribute is for the host.
func (c *Call) Attribute(a filterhost.Attribute) string {
	switch a {
	case filterhost.AttributeSource:
		return c.request.Source
	case filterhost.AttributeDestination:
		return c.request.Destination
	case filterhost.AttributePrincipal:
		return c.request.Principal
	case filterhost.AttributeRoute:
		return c.request.Route
	case filterhost.AttributeCluster:
		return c.request.Cluster
	}
	return ""
}

// RouteConfig is for the host.
func (c *Call) RouteConfig() any { return c.routes }

// Record is for the host.
func (c *Call) Record(m *filter.Metric, op filter.Op, n uint64, labels []string) {
	c.host.record(m, op, n, labels)
}

// SetDynamicString is for the host.
func (c *Call) SetDynamicString(key, value string) { c.dynamic[key] = value }

// SetDynamicNumber is for the host.
func (c *Call) SetDynamicNumber(key string, value float64) { c.dynamic[key] = value }

// Tag is for the host.
func (c *Call) Tag(key, value string) { c.tags[key] = value }

// Wake is for the host.
func (c *Call) Wake(event uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished {
		return
	}
	c.wakes = append(c.wakes, event)
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// WakeIn is for the host.
func (c *Call) WakeIn(d time.Duration, event uint64) (stop func()) {
	h := c.host
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &timer{h.now.Add(d), c, event}
	h.timers = append(h.timers, t)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for i := range h.timers {
			if h.timers[i] == t {
				h.timers = append(h.timers[:i:i], h.timers[i+1:]...)
				return
			}
		}
	}
}
