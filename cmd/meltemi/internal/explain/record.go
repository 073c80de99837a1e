package explain

import (
	"encoding/json"
	"time"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// Record is something that an input holds: a *Frame, a *Problem, an *Ignored or a *Call.
// Its JSON has a "type".
type Record interface{ record() }

// Place says where in the input a record belongs.
type Place struct {
	// Stream is the number of a capture's stream, 0 for input of one direction.
	Stream int    `json:"stream,omitempty"`
	Client string `json:"client,omitempty"` // address, of a stream only
	Server string `json:"server,omitempty"`
	// Call is the number of a recorded call, from 1, Line that of its line in the file.
	Call int `json:"call,omitempty"`
	Line int `json:"line,omitempty"`
	// From is the side that sent the bytes: "client" or "server".
	From string `json:"from,omitempty"`
	// Offset counts the bytes of that side from the first one in the input.
	Offset int64      `json:"offset"`
	Time   *time.Time `json:"time,omitempty"` // of the packet that completed it
}

// Frame is a message.
type Frame struct {
	Number int `json:"number"` // for who receives the frames to count them
	Place
	Size      int             `json:"bytes"`
	Kind      string          `json:"kind"`
	ID        uint64          `json:"id"`
	Service   string          `json:"service,omitempty"`
	Method    string          `json:"method,omitempty"`
	TimeoutMS float64         `json:"timeout_ms,omitempty"`
	Status    *Status         `json:"status,omitempty"` // of a response
	Entries   sdk.OrderedMap  `json:"entries,omitempty"`
	Fields    sdk.OrderedMap  `json:"fields,omitempty"`
	Arguments []Argument      `json:"arguments,omitempty"`
	Paths     []Found         `json:"paths,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`    // of a response
	Exception *Exception      `json:"exception,omitempty"` // of a response
	// Errors say what cannot be read of it.
	Errors []Fault `json:"errors,omitempty"`
}

// Status is the outcome that a response tells.
type Status struct {
	Code    string `json:"code"`
	Native  int    `json:"native"`
	Message string `json:"message,omitempty"`
}

// Argument is an argument of a request.
type Argument struct {
	Type  string          `json:"type,omitempty"`
	Value json.RawMessage `json:"value"`
}

// Found is what a path leads to in a request.
type Found struct {
	Path  string  `json:"path"`
	Value *string `json:"value"` // nil if there is none
	Error string  `json:"error,omitempty"`
}

// Exception is an exception that a response carries.
type Exception struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// Fault is what is wrong, and where if that is known.
type Fault struct {
	Text string `json:"text"`
	// Offset is the place in the message, -1 if unknown.
	Offset int `json:"offset"`
	// Context shows the bytes around the place, as lines of hex.
	Context []string `json:"context,omitempty"`
}

// Problem is a piece of input that is no message.
type Problem struct {
	Place
	Fault Fault `json:"fault"`
	// Skipped is the number of bytes up to the next message, or to the end.
	Skipped int64 `json:"skipped"`
}

// Ignored is a stream of a capture that is not of the protocol.
type Ignored struct {
	Stream int    `json:"stream"`
	Client string `json:"client"`
	Server string `json:"server"`
	Reason string `json:"reason"`
	Bytes  int64  `json:"bytes"`
}

// Call is a recorded call: what is known of it beside its messages. Those follow as
// frames.
type Call struct {
	Number int `json:"call"`
	Line   int `json:"line"`
	format.Call
}

func (*Call) record()    {}
func (*Frame) record()   {}
func (*Problem) record() {}
func (*Ignored) record() {}

// MarshalJSON adds the type.
func (f *Frame) MarshalJSON() ([]byte, error) {
	type plain Frame
	return json.Marshal(struct {
		Type string `json:"type"`
		*plain
	}{"frame", (*plain)(f)})
}

// MarshalJSON adds the type.
func (p *Problem) MarshalJSON() ([]byte, error) {
	type plain Problem
	return json.Marshal(struct {
		Type string `json:"type"`
		*plain
	}{"problem", (*plain)(p)})
}

// MarshalJSON adds the type.
func (i *Ignored) MarshalJSON() ([]byte, error) {
	type plain Ignored
	return json.Marshal(struct {
		Type string `json:"type"`
		*plain
	}{"ignored", (*plain)(i)})
}

// MarshalJSON adds the type.
func (c *Call) MarshalJSON() ([]byte, error) {
	type plain Call
	return json.Marshal(struct {
		Type string `json:"type"`
		*plain
	}{"call", (*plain)(c)})
}
