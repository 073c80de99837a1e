// Package sdk is what the author of a codec imports. It teaches Envoy one
// request/response protocol: which bytes are a message, what the message says,
// how it looks with a few things changed, and how the protocol says "no".
//
// # What a codec does
//
// A codec is one value that implements [Codec], five methods:
//
//   - Name says which protocol this is.
//   - Decode finds one message at the front of a byte slice.
//   - Metadata reads that message: service, method, deadline, status, entries.
//   - Encode writes the message again with a [Mutation] applied.
//   - Reply makes the protocol's own error for a call that Envoy refused.
//
// Everything else is optional and found by type assertion: [Heartbeater],
// [Prober], [GoAwayer], [ReplyNamer], [OneWayDoubter], [Sniffer], [Ordered],
// [PerConnection], [StatusTable], [Viewer], [ArgumentReader], [Keyer],
// [RequestBuilder], [ResponseBuilder]. A codec that lacks one of them loses that feature
// and nothing else.
//
// A [Definition] names the codec, documents its configuration and makes it. The
// main package of the shared library lists the definitions that it carries.
//
// # What the host does
//
// The host turns each request into an HTTP/2 request: service and method become
// the path, entries become x-rpc-* headers, and the DATA is the original frame,
// byte for byte. Envoy then routes, retries, splits, limits and traces it. At
// the far end the host decodes the frame again, compares it with the headers,
// and hands each difference to Encode. If that changed the method, the reply gets the
// client's name for it back ([ReplyNamer]). A codec sees no HTTP, handles no partial
// read, keeps no buffer, holds no lock.
//
// # Threads
//
// A [Codec] is shared by all worker threads of Envoy and by all connections, so
// its methods are called concurrently. Make it immutable. A protocol that must
// remember something of a connection implements [PerConnection]; the value made
// for a connection is used by one thread at a time.
//
// No method may block, sleep, do I/O or start a goroutine: it runs on an Envoy
// worker thread, and every other connection of that worker waits for it.
//
// # Ownership
//
// Every []byte that a codec is given is borrowed: it is valid until the method
// returns, and must not be modified. The exception is a [Message], whose slices
// stay valid, and may point into Message.Bytes, until the host resets it: what
// Decode and Metadata store there must point into Message.Bytes, into static
// data, or into memory got from [Message.Keep]. Methods that append take a dst,
// append to it and return it; they neither keep dst nor change dst[:len(dst)].
//
// # Errors
//
// The type of an error says what it costs. [ErrNeedMore] costs nothing. A
// [CallError] costs this call: the client gets the protocol's error, and the
// connection goes on with the next message. A [ConnectionError] costs the
// connection, since nobody knows where the next message starts. Any other error
// counts as a ConnectionError from Decode, and as a CallError elsewhere.
//
// A panic costs what an error would have cost. It is counted and logged once
// with its stack. Do not use panics to check bounds: package wire has a [reader]
// that cannot read too far.
//
// # Memory
//
// Never allocate by a number that came from the wire. Compare it first with the
// bytes that are there: len(m.Bytes) is never more than the configured maximum.
//
// [reader]: https://pkg.go.dev/github.com/meltemi-mesh/meltemi/sdk/wire#Reader
package sdk
