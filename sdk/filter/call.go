package filter

import (
	"context"
	"iter"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Call is one call, as the filter's place in Envoy sees it. Hosts implement it, and
// may add methods; tests use package filtertest.
type Call interface {
	// Codec is the name of the protocol, such as "dubbo".
	Codec() string
	// Kind is sdk.KindRequest, or sdk.KindOneWay for a call that gets no answer,
	// whatever a verdict says.
	Kind() sdk.Kind
	// Service and Method are what the call is routed by, as the application names
	// them. Service is the configured name, or the codec's, where the protocol has no
	// services; Method is "-" for a message that could not be read and is passed as
	// it is.
	Service() string
	Method() string
	// SetMethod makes the call one of another service or method; an empty string
	// leaves what is there. For Request only.
	SetMethod(service, method string)
	// Timeout is how long the caller waits, counted from the arrival of the call at
	// this proxy. Zero: the call does not say.
	Timeout() time.Duration

	// Metadata are the entries of the request. Changes count until Request has
	// returned its last verdict.
	Metadata() Metadata
	// Local are entries of the request for this proxy alone: later filters, routes and
	// policies see them as headers x-rpc-local-*. No peer can set them.
	Local() Metadata
	// ResponseMetadata are the entries of the answer; empty before Response. Changes
	// count until Response has returned its last verdict.
	ResponseMetadata() Metadata
	// Status is the outcome that the answer tells. It is zero before Response.
	Status() Status

	// Payload is the request's message, byte for byte: one whole frame of the
	// protocol. ResponsePayload is the answer's, empty for a reply of Envoy or of a
	// filter. Both are nil unless the filter's PayloadReader asked for them, and are
	// borrowed until the hook returns: Request sees the first, Response the second,
	// and so do the functions that are called for a call that waited there.
	Payload() []byte
	ResponsePayload() []byte
	// Arguments is what the codec reads in Payload; an error if the codec cannot, or
	// if there is no payload. View is the same with all that the codec can tell, and
	// ResponseView that of the answer.
	Arguments() ([]sdk.Argument, error)
	View() (sdk.View, error)
	ResponseView() (sdk.View, error)
	// Argument is the one argument, or a part of one, to which a path leads in Payload, as
	// text: see sdk.ArgumentReader. No more is read than the way there takes, which is
	// much less than Arguments costs. ok is false if the message has none, or null. An
	// error means that it cannot be read, or that the server might read it otherwise:
	// what goes by the value must not take it for missing.
	Argument(p *sdk.Path) (value string, ok bool, err error)
	// AppendKey appends what the answer to the call depends on, as far as its codec knows:
	// protocol, service, method, version and the like, as headers have them and as the
	// message spells them, the arguments byte for byte, and how they are written. Calls for which the same is appended can have one answer
	// (Answer) if it depends neither on their metadata nor on the caller. What is appended
	// is no beginning of what is appended for any other call. It wants the payload, so it
	// is for Request; an error means that no other call may have the answer to this one.
	AppendKey(dst []byte) ([]byte, error)
	// CanAnswer tells whether ResponsePayload can be the Answer to other calls: an error if
	// the codec cannot read it, or cannot give it another id.
	CanAnswer() error

	// Rewrite returns what Payload would be with changes, RewriteResponse likewise
	// ResponsePayload; the call itself stays as it is. change is called at once, with the
	// message as the codec reads it: its entries are all that it has, those that the
	// listener's codec does not expose as metadata too, in its own spelling. It fills in
	// the mutation, with slices that may point into m. If it leaves it empty, the result
	// is the payload itself, else a copy. It is an error if there is no payload, if the
	// codec cannot read it, and if the protocol has no place for a change.
	Rewrite(change func(m *sdk.Message, mut *sdk.Mutation)) ([]byte, error)
	RewriteResponse(change func(m *sdk.Message, mut *sdk.Mutation)) ([]byte, error)

	// Source and Destination are the two ends of the client's connection, as
	// host:port.
	Source() string
	Destination() string
	// Principal is who the client's certificate says it is: its first URI SAN, such as
	// a SPIFFE id, else its first DNS SAN, else its subject; "" without a certificate.
	Principal() string
	// Route and Cluster are the names of the chosen route and cluster, "" if there is
	// none, or if it has no name.
	Route() string
	Cluster() string
	// RouteConfig is what Definition.NewRoute made of the chosen route's configuration
	// for this filter; nil if it has none, and in a host without RouteConfigs.
	RouteConfig() any

	// Go lets the call wait while work runs on a goroutine of its own, and then calls
	// what work has returned, on the call's thread. It must be the hook's verdict:
	// return c.Go(...). If that takes longer than limit (at least a millisecond), the
	// call goes on with otherwise, and what work returns is dropped. ctx is cancelled
	// when the limit has passed, when the call is answered by somebody else, and when
	// it or its connection dies. A panic of work costs this call only.
	//
	// The Call must not be used by work.
	Go(limit time.Duration, otherwise Verdict, work func(ctx context.Context) Then) Verdict
	// Pause is Go for those who have goroutines of their own: the hook hands what it
	// returns to one of them and returns Paused.
	Pause(limit time.Duration, otherwise Verdict) Pause
	// HTTP sends a request to an Envoy cluster, through Envoy's own client, and calls
	// then with the response on the call's thread. It must be the hook's verdict:
	// return c.HTTP(...). A timeout of the request is a response with status 504, as
	// Envoy makes it; the error tells of a request that got no response at all. then
	// is not called if the call dies first.
	HTTP(cluster string, r HTTPRequest, then func(c Call, r HTTPResponse, err error) Verdict) Verdict
	// GRPC makes a unary gRPC call to an Envoy cluster, through Envoy's own client, and
	// calls then with the answer on the call's thread. It must be the hook's verdict:
	// return c.GRPC(...). The error tells of a call without an answer that makes sense; r.Code
	// is set then too, and never OK: DEADLINE_EXCEEDED if the limit has passed, UNAVAILABLE
	// if the call could not be begun or its connection broke, RESOURCE_EXHAUSTED for a message
	// longer than MaxGRPCMessage, INTERNAL for an answer that is not a unary one and for a
	// request that gRPC has no place for, and what gRPC makes of the HTTP status of an answer
	// that is none of gRPC's. When the limit has passed, when the call is answered by somebody
	// else, and when it or its connection dies, the gRPC call is cancelled; then is called in
	// the first of these cases alone.
	GRPC(cluster string, r GRPCRequest, then func(c Call, r GRPCResponse, err error) Verdict) Verdict

	// SetDynamicMetadata notes a value for Envoy's access logs and later filters, in
	// the namespace of the filter's name: %DYNAMIC_METADATA(name:key)%. A host without
	// AccessLogs does what comes nearest, or nothing.
	SetDynamicMetadata(key, value string)
	// SetDynamicNumber is SetDynamicMetadata for a number.
	SetDynamicNumber(key string, value float64)
	// Tag puts a tag on the call's tracing span, if it is traced and the host has
	// TraceTags.
	Tag(key, value string)
	// Log writes a line to Envoy's log, if the level is on.
	Log(level Level, format string, args ...any)
	// Record is how Counter, Gauge and Histogram reach the host.
	Record(m *Metric, op Op, n uint64, labels []string)
}

// Then goes on with a call that has waited. It runs on the call's thread, and its
// verdict is that of the hook.
type Then func(c Call) Verdict

// Metadata are entries of a message. Keys have no case here: a message's key keeps
// the letters that it has.
type Metadata interface {
	// Get returns the value of the entry with that key.
	Get(key string) (value string, ok bool)
	// Set gives an entry another value, or adds it. An empty value takes a local entry
	// away; as metadata, Envoy has no place for it, and the call is refused with cause
	// unsupported.
	Set(key, value string)
	// Add adds an entry unless there is one with that key, and reports whether it did.
	Add(key, value string) bool
	// Remove takes an entry away.
	Remove(key string)
	// All are the entries, in no particular order.
	All() iter.Seq2[string, string]
}

// Pause is a call that waits.
type Pause interface {
	// Resume lets then decide about the call, on the call's thread, soon. It may be
	// called on any goroutine, and counts once. It does nothing if the call has gone on
	// meanwhile.
	Resume(then Then)
	// Context is cancelled when Resume has no effect any more.
	Context() context.Context
}

// Status is the outcome that an answer tells.
type Status struct {
	Code    sdk.Code // what it counts as
	Native  int      // the protocol's own number
	Message string   // of a failure; may be empty
	// Local tells that no server said it: Envoy did, a filter, or an edge of Meltemi,
	// for that Cause.
	Local bool
	Cause sdk.Cause
}

// Outcome is how a call ended.
type Outcome struct {
	// Answered tells whether an answer was begun. If not, the client went away, the
	// call was reset, or the proxy is ending.
	Answered bool
	// Status is the answer's, that of a reply of this filter included.
	Status Status
	// Duration is the time from Begin to End.
	Duration time.Duration
	// Upstream is the address of the host that was chosen, "" if none was. It, Details
	// and Flags are empty for upstream filters: only the whole call has them.
	Upstream string
	// Details is Envoy's word for what happened, such as "via_upstream"
	// (%RESPONSE_CODE_DETAILS%).
	Details string
	// Flags are Envoy's response flags, such as "UF,URX" (%RESPONSE_FLAGS%); "" if
	// there are none.
	Flags string
	// RequestBytes and ResponseBytes are how much of the two messages went past the
	// filter.
	RequestBytes, ResponseBytes uint64
}

// ProvesMethod tells whether the answer proves that its server has the called method: it
// is a result, or an exception that the application declares. What a server says to a
// name that somebody has made up is neither, so what filters keep for a method, for which
// strangers choose the names, waits for such an answer.
func (o *Outcome) ProvesMethod() bool {
	return o.Answered && !o.Status.Local && (o.Status.Code == sdk.OK || o.Status.Code == sdk.FailedPrecondition)
}
