package filter

// Definition is an entry in the list of filters that a binary carries.
type Definition struct {
	// Name is the name that configuration uses: lower-case letters, digits and '-'.
	// It is the prefix of the filter's metrics, and the namespace of its dynamic
	// metadata.
	Name string

	// Summary is one line for lists and help texts.
	Summary string

	// Schema is the JSON Schema of the configuration, RouteSchema that of the
	// configuration of a route; "" where there is nothing to configure.
	Schema, RouteSchema string

	// Needs is what the filter cannot do without. A host that lacks one of them
	// refuses the filter when it is loaded, with a sentence that names it. What the
	// filter uses and is right without, such as tags or routes that change its settings,
	// is not listed: in a host that lacks it, it does nothing. A filter with NewRoute
	// lists RouteConfigs if a call must not pass without what its route says.
	Needs []Capability

	// New makes a filter from its configuration, a JSON object, or nil where the user
	// gave none. It parses strictly (sdk.ParseConfig): an unknown field is an error.
	// It is called on the main thread, once for each place that names the filter.
	// h may be kept.
	New func(config []byte, h Host) (Filter, error)

	// NewRoute makes what Call.RouteConfig returns from the configuration that a
	// route has for the filter, strictly as New does. It is called on the main thread.
	// What it returns is shared by all threads. Nil: routes cannot configure the
	// filter. A host without RouteConfigs never calls it.
	NewRoute func(config []byte) (any, error)
}

// Filter is what New makes. All worker threads use it at once.
type Filter interface {
	// Begin is called for each call when its headers are there, before Request. It
	// returns the handler of this call, or nil if the filter has nothing to do with
	// it: then nothing more is called.
	Begin(c Call) Handler
}

// Handler is the filter's part in one call. Its methods are called on the call's thread,
// one at a time: a worker of Envoy, or, in a host that has no way back to it, whoever goes
// on with a call that has waited. Embed Base and write only those that you want.
type Handler interface {
	// Request is called once, before the call is routed; or, as an upstream filter,
	// before it is sent to the chosen host. With a PayloadReader of requests the
	// whole message is there.
	Request(c Call) Verdict

	// Response is called when the answer's headers are there; with a PayloadReader of
	// responses, when the whole message is. It is called for replies of Envoy and of
	// other filters too, and not for those of this filter. It is not called for calls
	// that end without an answer.
	Response(c Call) Verdict

	// End is called exactly once for each handler that Begin returned, last. Nothing
	// of the call can be changed any more.
	End(c Call, o Outcome)
}

// Base is a Handler that does nothing, to be embedded.
type Base struct{}

// Request lets the call go on.
func (Base) Request(Call) Verdict { return Continue }

// Response lets the answer go on.
func (Base) Response(Call) Verdict { return Continue }

// End does nothing.
func (Base) End(Call, Outcome) {}

// PayloadReader is a Filter that reads messages. The host asks once, after New.
type PayloadReader interface {
	// Payload tells which messages the hooks want whole: then the host holds the call
	// until the request is complete before it calls Request, and the answer until the
	// response is complete before it calls Response.
	Payload() (request, response bool)
}

// Closer is a Filter that has something to give back: connections, files, goroutines.
type Closer interface {
	// Close is called once, after the last call's End, when the proxy has let go of the
	// filter, which another configuration may have replaced. It may be called on any
	// thread and must not block. What Call.Go started may still be running, with its
	// context cancelled. Filters of a proxy that ends may not be closed, and those in the
	// network filter of Envoy's contrib build never are, unless their configuration is
	// refused: nobody tells that it was replaced. Close is also called after a mere check of
	// a configuration, in which New was all that was called.
	Close()
}

// Capability is something that not every host can do.
type Capability string

// The capabilities. The host in Envoy's dynamic module has them all.
const (
	ReadPayload  Capability = "payload"          // PayloadReader, Call.Payload, Call.Arguments
	WaitCalls    Capability = "wait"             // Call.Go, Call.Pause
	CallHTTP     Capability = "http"             // Call.HTTP
	CallGRPC     Capability = "grpc"             // Call.GRPC
	AnswerCalls  Capability = "answer"           // Answer
	RouteConfigs Capability = "route-config"     // Call.RouteConfig
	Statistics   Capability = "metrics"          // counters, gauges, histograms
	Histograms   Capability = "histograms"       // distributions; without, a histogram is its count and its sum
	AccessLogs   Capability = "dynamic-metadata" // Call.SetDynamicMetadata
	TraceTags    Capability = "tags"             // Call.Tag
	System       Capability = "system"           // files, sockets, and goroutines that work while no hook runs
)

// Capabilities are all of them.
func Capabilities() []Capability {
	return []Capability{
		ReadPayload, WaitCalls, CallHTTP, CallGRPC, AnswerCalls, RouteConfigs, Statistics, Histograms, AccessLogs, TraceTags, System,
	}
}
