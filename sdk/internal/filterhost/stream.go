package filterhost

import (
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// Stream is what a Call asks of its host: one HTTP request in Envoy. Only Wake and
// WakeIn are called on other threads than the call's.
type Stream interface {
	// Attribute returns a fact of the request, "" if it is not known.
	Attribute(a Attribute) string
	// RouteConfig returns what the filter's NewRoute made for the chosen route, nil if
	// it has no configuration.
	RouteConfig() any

	// Record changes a metric.
	Record(m *filter.Metric, op filter.Op, n uint64, labels []string)
	// SetDynamicString and SetDynamicNumber set dynamic metadata in the namespace of
	// the filter's name.
	SetDynamicString(key, value string)
	SetDynamicNumber(key string, value float64)
	// Tag puts a tag on the tracing span.
	Tag(key, value string)

	// Wake asks for a call of Call.Woken with that event, on the call's thread. It
	// does nothing once the call has ended.
	Wake(event uint64)
	// WakeIn does so after d, once, and returns what stops it.
	WakeIn(d time.Duration, event uint64) (stop func())
}

// Attribute is a fact that Envoy knows of a request.
type Attribute uint8

// The attributes.
const (
	AttributeSource Attribute = iota
	AttributeDestination
	AttributePrincipal
	AttributeRoute
	AttributeCluster
)

// Action is what the host has to do.
type Action uint8

// The actions.
const (
	// Proceed lets the message go on; if it was held, it is let go now.
	Proceed Action = iota
	// Collect holds it until it is complete: then the host calls Message.
	Collect
	// Hold holds it until a later output says otherwise.
	Hold
	// Callout is Hold, and sends an HTTP request: the host calls CalledOut with what
	// comes of it.
	Callout
	// CallGRPC is Hold, and begins a gRPC call: the host calls GRPCHeaders, GRPCData,
	// GRPCTrailers and GRPCDone with what comes of it. It resets the call as soon as there
	// is another output than Nothing, and when the request ends.
	CallGRPC
	// SendReply answers with an error.
	SendReply
	// SendAnswer answers with a message.
	SendAnswer
	// ResetStream resets the stream.
	ResetStream
	// Nothing is to be done: what the host was told is old.
	Nothing
)

// Output says what the host has to do. It is valid until the next call.
type Output struct {
	Action Action
	// Response tells that Action and Changes are about the response, not the request.
	Response bool
	// Changes are headers to be set before the message goes on. One with an empty value
	// is to be removed.
	Changes []engine.Field
	// Room is how long the message can be, in bytes; for Collect.
	Room int
	// Reroute tells that the route has to be chosen anew.
	Reroute bool

	// Reply is for SendReply.
	Reply Reply
	// Answer is for SendAnswer.
	Answer *engine.Response
	// Callout is for Callout: its Host and Path are never empty.
	Callout *filter.HTTPRequest
	// GRPC is for CallGRPC: GRPCRequestHeaders and GRPCFrame make the request of it.
	GRPC *filter.GRPCRequest
	// Cluster is for both.
	Cluster string
	// NotSent is the event of a Callout or CallGRPC that the host cannot begin. It asks for it with
	// Stream.Wake, so that a filter which tries again and again keeps nobody from the
	// thread.
	NotSent uint64
}

// Reply is a local reply of Envoy.
type Reply struct {
	Failure sdk.Failure
	Status  int // HTTP status
	Headers []engine.Field
	Details string
}

// End is what the host knows of a call at its end.
type End struct {
	// Headers are those of the response, if there are any; nil if Response was called.
	Headers                     []engine.Field
	Upstream, Details           string
	Flags                       uint64 // Envoy's, by the numbers of CoreResponseFlag
	RequestBytes, ResponseBytes uint64
}
