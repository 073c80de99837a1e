package filter

import (
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Verdict is what becomes of a call. The zero Verdict is Continue. Verdicts can be
// compared.
type Verdict struct {
	kind    VerdictKind
	failure sdk.Failure
	answer  *[]byte
}

// VerdictKind tells Verdicts apart, for hosts and tests.
type VerdictKind uint8

// The kinds.
const (
	KindContinue VerdictKind = iota
	KindReply                // Verdict.Failure
	KindAnswer               // Verdict.Answer
	KindReset
	KindPaused
)

// String returns the kind's name.
func (k VerdictKind) String() string {
	switch k {
	case KindContinue:
		return "continue"
	case KindReply:
		return "reply"
	case KindAnswer:
		return "answer"
	case KindReset:
		return "reset"
	case KindPaused:
		return "paused"
	}
	return "unknown"
}

var (
	// Continue lets the call go on, with the changes that were made.
	Continue = Verdict{}
	// Reset ends the call without an answer, as if its connection had broken: the
	// client's edge makes an error with cause connection_lost of it. Prefer Reply.
	Reset = Verdict{kind: KindReset}
	// Paused lets the call wait; see Call.Pause.
	Paused = Verdict{kind: KindPaused}
)

// Reply answers the call with an error. The client gets the protocol's own error for
// the failure's cause. Without a code the cause's usual one counts. In Response it
// takes the place of the answer, at the price of the server's connection.
func Reply(f sdk.Failure) Verdict { return Verdict{kind: KindReply, failure: f} }

// Answer answers the call with a whole reply of the protocol, such as the one that
// Call.ResponsePayload gave for another call like this: the host gives it the id of
// this call. The filter must read the payload of requests, and must not change the
// message until the hook has returned. Not for Response.
func Answer(message []byte) Verdict { return Verdict{kind: KindAnswer, answer: &message} }

// Kind tells which verdict it is.
func (v Verdict) Kind() VerdictKind { return v.kind }

// Failure is the failure of a Reply.
func (v Verdict) Failure() sdk.Failure { return v.failure }

// Message is the message of an Answer.
func (v Verdict) Message() []byte {
	if v.answer == nil {
		return nil
	}
	return *v.answer
}

// HTTPRequest is a request to an Envoy cluster.
type HTTPRequest struct {
	Method string // "" is GET, or POST if there is a body
	// Host and Path are :authority and :path. An empty Host is the cluster's name, an
	// empty Path is "/".
	Host, Path string
	// Headers are names, lower-case, and values.
	Headers [][2]string
	Body    []byte
	// Limit is how long to wait for the whole response: at least a millisecond, or 0
	// for one second.
	Limit time.Duration
}

// HTTPResponse is its response. It is borrowed until the hook returns.
type HTTPResponse struct {
	Status  int
	Headers [][2]string
	Body    []byte
}

// Header returns the first value of a header, whose name is lower-case.
func (r *HTTPResponse) Header(name string) string {
	for _, h := range r.Headers {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}
