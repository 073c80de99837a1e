package sdk

import "time"

// The interfaces of this file are optional. The host and the tools look for each
// with a type assertion on the Codec. The rules for threads and ownership are
// those of Codec.

// Heartbeater is a codec whose protocol has heartbeats that want an answer.
// Heartbeats are answered where they arrive and never cross Envoy.
type Heartbeater interface {
	// HeartbeatReply appends the answer to m, whose Kind is KindHeartbeat and
	// whose Bytes are the message. To append nothing is an answer too.
	HeartbeatReply(dst []byte, m *Message) []byte
}

// Prober is a codec that can send heartbeats of its own on an idle connection.
type Prober interface {
	// Heartbeat appends a heartbeat with that id. The answer must decode as
	// KindHeartbeatReply. To append nothing means that there are none.
	Heartbeat(dst []byte, id uint64) []byte
}

// GoAwayer is a codec whose protocol can ask a client for no new calls on this
// connection. The host sends it when Envoy drains.
type GoAwayer interface {
	// GoAway appends the message that a server sends, or nothing if it sends none.
	GoAway(dst []byte) []byte
}

// ReplyNamer is a codec whose replies name the method that they answer. Clients may
// refuse, or misread, an answer to another method than the one that they called.
type ReplyNamer interface {
	// NameReply appends the reply m, after Metadata has read it, as an answer to the
	// given method, which is Message.Method of a request. All else stays byte for byte
	// as it was. The host calls it where it changed the method of the request, since
	// the server answers for the one that it got. An error refuses the reply: the
	// client gets the protocol's error, though the server has served the call.
	NameReply(dst []byte, m *Message, method []byte) ([]byte, error)
}

// OneWayDoubter is a codec of a protocol in which messages say that a call is one-way,
// and servers go by what they know of the method.
type OneWayDoubter interface {
	// MayBeAnswered reports whether a server may answer m, a one-way call that Metadata
	// has read, all the same. Then the host makes no other call on that connection to
	// the server: it could take the answer for its own.
	MayBeAnswered(m *Message) bool
}

// Sniffer is a codec that can recognise its protocol on the first bytes of a
// client. It is needed only where several protocols share a port.
type Sniffer interface {
	// Sniff looks at the first bytes of a connection, at least one. MatchMaybe
	// asks for more; a codec must decide by the 64th byte.
	Sniff(b []byte) Match
}

// Match is the verdict of a Sniffer.
type Match uint8

// The verdicts.
const (
	MatchNo    Match = iota // not this protocol
	MatchMaybe              // could be; more bytes will tell
	MatchYes                // this protocol
)

// Ordered is a codec whose replies are paired with requests by their order on a
// connection, because the protocol has no ids or its peers do not respect them.
type Ordered interface {
	// InOrder reports whether order counts. If so, the host ignores Message.ID,
	// answers each client in the order of its requests, and has at most one call
	// at a time open on a connection to a server.
	InOrder() bool
}

// PerConnection is a codec that needs to remember something of a connection,
// such as a negotiated option or how far an incomplete message was scanned.
type PerConnection interface {
	// NewConnection returns the codec for one connection. It is used by one
	// thread at a time and dropped with the connection.
	NewConnection() Codec
}

// StatusTable is a codec that tells what its native statuses mean. Documentation
// and tools print it.
type StatusTable interface {
	// Statuses returns the table, in an order fit for people.
	Statuses() []NativeStatus
}

// NativeStatus is a line of a StatusTable.
type NativeStatus struct {
	Native int    // the number on the wire
	Name   string // the protocol's name for it
	Code   Code   // what it counts as
}

// Viewer is a codec that can show what a message carries. Tools use it, and
// filters that read arguments; the data path does not.
type Viewer interface {
	// View reads the message m after Metadata. It may allocate, within a small
	// multiple of len(m.Bytes).
	View(m *Message) (View, error)
}

// View is the content of a message for people. Values are what encoding/json
// marshals: nil, bool, integers, float64, string, []any, map[string]any,
// [OrderedMap], []byte.
type View struct {
	Arguments []Argument // of a request
	Result    any        // of a response that is not an exception
	Exception *Exception // of a response that is one
	Fields    []Entry    // facts of the frame, such as "serialization: hessian2"
}

// Argument is one argument of a call.
type Argument struct {
	Type  string // the protocol's own name for the type; may be empty
	Value any
}

// Exception is an exception as a value.
type Exception struct {
	Type    string // class or type name
	Message string
}

// ArgumentReader is a codec that finds single values among the arguments of a call, and
// reads no more of a message than the way there takes. Filters put such values where
// routes and policies see them.
type ArgumentReader interface {
	// CheckPath reports what is wrong with a path that leads nowhere in any message, so
	// that configurations which name it can be refused.
	CheckPath(p *Path) error

	// AppendArgument appends the value to which p leads in m, a request that Metadata has
	// read. The error of CheckPath was nil for p. Text stands as it is, bytes of a type
	// that is also that of text likewise; integers are decimal, truths "true" or "false",
	// other numbers as wire.AppendFloat writes them, times those of RFC 3339, in UTC and
	// with milliseconds. found is false where the message has no such value, or null.
	//
	// What a server might read otherwise is an error and no value, since policies go by
	// it: a value of another kind, one that comes twice where that is no rule of the
	// protocol, one that is malformed, or in a form that the codec cannot read.
	AppendArgument(dst []byte, m *Message, p *Path) (text []byte, found bool, err error)
}

// Keyer is a codec that can tell which calls ask for the same, so that the answer to one
// can be given to another. Filters that keep answers use it; the data path does not.
type Keyer interface {
	// KeyEntries are the keys of entries that choose, beside service and method, what
	// serves a call, or tell the server how to write the answer. The host looks them up
	// in the headers, and in the message whatever the case of its keys.
	KeyEntries() []string
	// AppendKey appends what else the answer to the request m depends on, after Metadata
	// has read it: the arguments byte for byte, how they are written, and what decides how
	// the answer is. It leaves out what differs from call to call, such as the id and the
	// timeout, and entries, and all that a Mutation can change; but not what entries do
	// not tell of the message, such as that a value is a number, where servers go by it.
	//
	// If two requests have equal keys, service, method and entries of KeyEntries, then a
	// reply to one must be good for the other, once it has its id (Mutation.NewID). An
	// error means that no other call may get the answer to this one.
	AppendKey(dst []byte, m *Message) ([]byte, error)
}

// RequestBuilder is a codec that can make a request out of nothing but words:
// the base of `meltemi call`.
type RequestBuilder interface {
	// BuildRequest appends a request. An argument whose type or value the codec
	// cannot write is an error that says which.
	BuildRequest(dst []byte, r Request) ([]byte, error)
}

// Request is a call in words.
type Request struct {
	ID        uint64
	Service   string
	Method    string
	Arguments []Argument // values as encoding/json decodes them, numbers as json.Number
	Payload   []byte     // instead of Arguments: the encoded body, in the codec's own terms
	Metadata  []Entry
	Timeout   time.Duration
	OneWay    bool
}

// ResponseBuilder is a codec that can answer a request: the base of
// `meltemi serve`.
type ResponseBuilder interface {
	// BuildResponse appends the answer to the request req, after Metadata has
	// read it.
	BuildResponse(dst []byte, req *Message, r Response) ([]byte, error)
}

// Response is an answer in words.
type Response struct {
	Result    any        // as in View
	Exception *Exception // instead of Result
	Metadata  []Entry
}
