package sdk

import "strconv"

// Code is a gRPC status code. It is how the mesh counts an outcome; the number
// that the protocol itself uses is Status.Native.
//
// Source: https://grpc.io/docs/guides/status-codes/
type Code uint8

// The gRPC status codes.
const (
	OK Code = iota
	Canceled
	Unknown
	InvalidArgument
	DeadlineExceeded
	NotFound
	AlreadyExists
	PermissionDenied
	ResourceExhausted
	FailedPrecondition
	Aborted
	OutOfRange
	Unimplemented
	Internal
	Unavailable
	DataLoss
	Unauthenticated
)

var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
	"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
	"OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// String returns the code's name, such as "UNAVAILABLE".
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "CODE(" + strconv.Itoa(int(c)) + ")"
}

// ParseCode returns the code with that name, as String writes it.
func ParseCode(name string) (Code, bool) {
	for i, n := range codeNames {
		if n == name {
			return Code(i), true
		}
	}
	return 0, false
}

// Status is the outcome that a response tells.
type Status struct {
	// Code is what the outcome counts as in metrics, retries and outlier
	// detection. Rules that keep a mesh honest:
	//   - Unavailable only when the server cannot have begun the call, since
	//     meshes repeat such calls by default.
	//   - An exception that the application meant (declared in its interface, or
	//     of a class of its own) is FailedPrecondition; any other is Unknown.
	Code Code
	// Native is the protocol's own number, shown as x-rpc-status.
	Native int
	// Message is the text of a failure, borrowed like all of a Message.
	Message []byte
}

// Cause says why a call gets no answer from its server.
type Cause uint8

// The causes. Those marked "refusal" mean that the call was turned down on
// purpose; clients should not repeat it by themselves.
const (
	CauseUnknown        Cause = iota // none of these; Failure.Code and Message tell more
	CauseNoRoute                     // no route or no cluster for this service and method
	CauseNoUpstream                  // no healthy endpoint
	CauseConnectFailure              // no connection to the endpoint; the call was not sent
	CauseConnectionLost              // connection lost after the call was sent
	CauseTimeout                     // no answer in time
	CauseRateLimited                 // refusal: rate limit
	CauseDenied                      // refusal: authorization
	CauseOverloaded                  // circuit breaker, overload manager, queue full
	CauseAborted                     // injected fault, or a direct response
	CauseTooLarge                    // the message is over a limit
	CauseMalformed                   // the request's body is not what the protocol says
	CauseUnreadable                  // the service and method cannot be read
	CauseUnsupported                 // the protocol, or the codec, has no place for this
	CauseBadResponse                 // the server's answer was not usable
	CauseDraining                    // the proxy is going away
	CauseInternal                    // a defect in a codec or filter (it panicked)
	causeCount
)

var causeNames = [causeCount]string{
	"unknown", "no_route", "no_upstream", "connect_failure", "connection_lost", "timeout",
	"rate_limited", "denied", "overloaded", "aborted", "too_large", "malformed", "unreadable",
	"unsupported", "bad_response", "draining", "internal",
}

// String returns the cause as metrics and logs name it, such as "no_route".
func (c Cause) String() string {
	if c < causeCount {
		return causeNames[c]
	}
	return "cause(" + strconv.Itoa(int(c)) + ")"
}

// Causes returns all causes in order of their numbers.
func Causes() []Cause {
	all := make([]Cause, causeCount)
	for i := range all {
		all[i] = Cause(i)
	}
	return all
}

// Refusal reports whether the call was turned down on purpose.
func (c Cause) Refusal() bool { return c == CauseRateLimited || c == CauseDenied }

// Failure is what Reply tells the client.
type Failure struct {
	Cause   Cause
	Code    Code   // the gRPC code that the failure counts as, never OK
	Message string // for people; may be empty
}

// Text returns the message, or the cause in words where there is none.
func (f Failure) Text() string {
	if f.Message != "" {
		return f.Message
	}
	return causeTexts[min(f.Cause, causeCount-1)]
}

var causeTexts = [causeCount]string{
	"call failed", "no route", "no healthy upstream", "cannot connect to the server",
	"connection to the server lost", "timeout", "rate limited", "access denied", "overloaded",
	"aborted", "message too large", "malformed request", "service and method cannot be read",
	"not supported", "bad response from the server", "proxy is going away", "internal error",
}
