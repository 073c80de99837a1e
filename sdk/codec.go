package sdk

// Side says who sent the bytes of a connection. Many protocols do not need it,
// because their messages say themselves what they are.
type Side uint8

// The two sides of a connection.
const (
	FromClient Side = iota // the side that dialed
	FromServer             // the side that was dialed
)

// String returns "client" or "server".
func (s Side) String() string {
	if s == FromServer {
		return "server"
	}
	return "client"
}

// Codec teaches the host one protocol. All methods may be called from several
// threads at once, on different messages.
type Codec interface {
	// Name is the protocol's name: lower-case letters, digits and '-', as in
	// "dubbo". It appears in the content-type and never changes.
	Name() string

	// Decode finds the message at the front of b. The bytes were sent by the
	// given side; b holds at least one byte and may hold several messages, or
	// the beginning of one. Decode looks at no more than framing requires and
	// fills m.Kind, m.ID and, if Reply needs it, m.Token. The host has reset m.
	//
	//   (n, nil)           b[:n] is one message, 0 < n <= len(b). The host sets
	//                      m.Bytes to it and goes on behind it.
	//   (n, ErrNeedMore)   the message is not complete. n is the length that b
	//                      must have before it makes sense to call again, or 0
	//                      if that is not known. Once m.Kind is set, n must be
	//                      the length of the whole message: the host refuses a
	//                      message that is over its limit with Reply as soon as
	//                      it knows, and skips exactly n bytes.
	//   (n, *CallError)    b[:n] is one message, but not one that can be served.
	//                      The host refuses it and goes on behind it.
	//   (_, other error)   the boundary is lost. The host closes the connection
	//                      after answering what is still open.
	//
	// Report a wrong magic number on its first wrong byte: bytes that can never
	// become right must not be waited for.
	Decode(from Side, b []byte, m *Message) (n int, err error)

	// Metadata reads m.Bytes, one whole message that Decode has found, and fills
	// the rest of m: service, method, timeout and entries of a request; status
	// and entries of a response. It is called at most once for a message, and
	// not for heartbeats and go-aways. It must not need the arguments decoded,
	// and must not trust them.
	//
	// What it reads is what the application will act on: where a message names
	// its method twice, the one that the server dispatches on counts.
	//
	// An error refuses the call. A CallError with CauseUnreadable means that the
	// frame is sound but its service and method cannot be read; configuration
	// decides whether such a message is refused or passed as it is.
	Metadata(m *Message) error

	// Encode appends to dst the message m with mut applied, after Metadata has
	// read m. All that mut does not name stays byte for byte as it was, the
	// parts that the codec does not understand included. With an empty mutation
	// the result is m.Bytes. Encode may be called several times for one message.
	//
	// A change that the protocol has no place for is refused with a CallError
	// that names it (CauseUnsupported): the call is refused, never silently sent
	// without the change. Entries of mut.Optional are written where the protocol
	// has a place for them and otherwise left out; they never cause an error.
	Encode(dst []byte, m *Message, mut *Mutation) ([]byte, error)

	// Reply appends to dst the protocol's own error message for a call that gets
	// no answer from the server: no route, a timeout, a refusal. The client must
	// be able to tell a failure from a refusal wherever the protocol can: a
	// client that retries by itself must not retry a refusal (see [Cause]).
	//
	// An error, or appending nothing, means that the protocol cannot say it; the
	// host then closes the client's connection once everything before has been
	// written, so that the client does not wait in vain.
	Reply(dst []byte, call Call, f Failure) ([]byte, error)
}

// Call is what the host remembers of a request for as long as it is open.
// Service and Method are borrowed.
type Call struct {
	ID      uint64 // Message.ID of the request
	Token   uint64 // Message.Token of the request
	Service []byte // as Metadata read it; empty if the message was refused unread
	Method  []byte
}

// Definition is an entry in the list of codecs that a binary carries.
type Definition struct {
	// Name is the name that configuration uses, equal to Codec.Name of what New
	// makes.
	Name string

	// Summary is one line for lists and help texts.
	Summary string

	// New makes a codec from its configuration, a JSON object, or nil where the
	// user gave none. It parses strictly (see [ParseConfig]): an unknown field
	// is an error. It is called once for each place that names the codec.
	New func(config []byte) (Codec, error)

	// Schema is the JSON Schema of the configuration, "" for a codec that has
	// nothing to configure.
	Schema string
}
