// Package thrift is the codec of Apache Thrift over TCP, and of Kitex: framed,
// unframed (buffered), THeader and TTHeader transports with the binary (with and
// without a version) and compact protocols.
//
// A message is an envelope and one struct, the arguments of a call or the result of
// one. The envelope names the type of the message, the method and a sequence id. A
// transport may put a length in front of it, and headers:
//
//	framed    length, envelope, struct
//	unframed  envelope, struct
//	THeader   length, 0fff, flags, id, size of headers, headers, envelope, struct
//	TTHeader  length, 1000, flags, id, size of headers, headers, envelope, struct
//
// Arguments and results are skipped, never decoded. They are skipped to the end even
// where a length tells it: many servers read what follows the struct inside a frame
// as the next call, which nobody has looked at. So such a message is refused.
//
// # Which transport and protocol
//
// Each message says itself what it is, unless the configuration allows one kind only.
// A first byte of 80 or 82 starts an unframed message, and a smaller one is the first
// of a length or, in the binary protocol without a version, of the length of a name.
// The name tells these two apart: it has printable characters and starts with a
// letter, a digit or '_', none of which is the fifth byte of a frame.
//
// # What a call is
//
// A name with a ':' is that of a multiplexed service: service and method. Other calls
// have no service, but for those of TTHeader, where the header isn names it and where
// a ':' is a part of the method.
//
// # What a reply says
//
// A message of type EXCEPTION carries a number and a text, which become the status.
// A result whose first field is not 0 is an exception that the IDL declares: a
// failure, shown by the entry thrift-exception, the number of the field. So is a reply
// of Kitex with the header biz-status.
//
// # What is not read
//
// Payloads in JSON or Protobuf and those that are compressed or otherwise transformed
// are framed and answered, and otherwise opaque. The frames of TTHeader streams are
// refused.
package thrift
