package format

import (
	"bytes"
	"encoding/json"
	"time"
)

const (
	// Name is what Header.Format says.
	Name = "meltemi-calls"
	// Version is the version that this package writes, and the greatest that it reads.
	Version = 1
)

// The types of lines.
const (
	typeHeader = "header"
	typeCall   = "call"
)

// Header is the first line of a file.
type Header struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Created time.Time `json:"created"`
	// Codecs are the protocols of the calls, configured as they were where the calls
	// were recorded.
	Codecs []Codec `json:"codecs"`
}

// Codec is a codec with its configuration, a JSON object or nothing.
type Codec struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config,omitempty"`
}

// The kinds of calls.
const (
	KindRequest = "request"
	KindOneWay  = "oneway"
)

// Call is one call. Texts that were not UTF-8 have U+FFFD in place of other bytes;
// frames hold what was sent.
type Call struct {
	// Time is when it arrived at the proxy, LatencyMS how long it took until it ended.
	Time      time.Time `json:"time"`
	LatencyMS float64   `json:"latency_ms"`
	Codec     string    `json:"codec"`
	Kind      string    `json:"kind"`
	// Service, Method and Metadata are what the filter's place in the chain saw: with
	// the changes of filters before it. Metadata are without what is redacted.
	Service   string            `json:"service"`
	Method    string            `json:"method"`
	TimeoutMS float64           `json:"timeout_ms,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`

	Source      string `json:"source,omitempty"`
	Destination string `json:"destination,omitempty"`
	Principal   string `json:"principal,omitempty"`
	Route       string `json:"route,omitempty"`
	Cluster     string `json:"cluster,omitempty"`
	Upstream    string `json:"upstream,omitempty"`
	Details     string `json:"details,omitempty"` // Envoy's word for what happened
	Flags       string `json:"flags,omitempty"`   // Envoy's response flags

	// Status is the outcome; nil if the call ended without an answer, as one-way calls
	// do.
	Status           *Status           `json:"status,omitempty"`
	ResponseMetadata map[string]string `json:"response_metadata,omitempty"`

	// Request is the client's message, Response the server's; nil if there was none.
	Request  *Message `json:"request,omitempty"`
	Response *Message `json:"response,omitempty"`
	// Redacted are the names of the entries that were taken out of this call, in order.
	Redacted []string `json:"redacted,omitempty"`
}

// Status is the outcome that an answer tells.
type Status struct {
	Code    string `json:"code"` // a gRPC code, such as "OK"
	Native  int    `json:"native"`
	Message string `json:"message,omitempty"`
	// Cause is set if no server said it: why the proxy did.
	Cause string `json:"cause,omitempty"`
}

// Message is a whole frame of the protocol, as it was sent but for what is redacted.
type Message struct {
	// Bytes is how long the message was.
	Bytes int    `json:"bytes"`
	Frame []byte `json:"frame,omitempty"` // base64
	// Omitted is why there is no frame.
	Omitted string `json:"omitted,omitempty"`
}

// Why a Message has no frame.
const (
	OmittedSize      = "size"      // over the filter's limit
	OmittedRedaction = "redaction" // what is to be redacted could not be taken out
)

// Append appends the header's line, Format and Version filled in.
func (h *Header) Append(dst []byte) ([]byte, error) {
	type plain Header
	filled := plain(*h)
	filled.Format, filled.Version = Name, Version
	return appendLine(dst, struct {
		Type string `json:"type"`
		*plain
	}{typeHeader, &filled})
}

// Append appends the call's line.
func (c *Call) Append(dst []byte) ([]byte, error) {
	type plain Call
	return appendLine(dst, struct {
		Type string `json:"type"`
		*plain
	}{typeCall, (*plain)(c)})
}

func appendLine(dst []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return dst, err
	}
	return b.Bytes(), nil
}
