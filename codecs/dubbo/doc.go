// Package dubbo is the codec of Dubbo 2 over TCP, as Apache Dubbo 2.5 to 3.3,
// dubbo-go and others speak it, with bodies in Hessian 2, fastjson2 (JSONB) and fastjson.
//
// A message is a header of 16 bytes and a body:
//
//	 0  2  magic da bb
//	 2  1  flags: 80 request, 40 wants an answer, 20 event, 1f serialization
//	 3  1  status, of responses
//	 4  8  request id
//	12  4  length of the body
//
// The body of a request is a row of values: Dubbo's version, service, version of
// the service, method, parameter types, the arguments, and a map of attachments.
// That of a response is a number that says what follows (a value, nothing, or an
// exception, each with or without attachments), or, if the status is not OK, one
// string. That of an event is null (a heartbeat), "R" (send nothing more here) or
// "W".
//
// Arguments and results are skipped, never decoded; a change of the metadata leaves
// their bytes alone.
//
// # What a call is
//
// A provider finds its service by the attachments path, group and version, which
// overwrite what the body says (Apache Dubbo, DecodeableRpcInvocation.decode and
// DubboProtocol.getInvoker). So the service is the attachment path, or else the
// body's; version and group are shown as entries. A generic call ($invoke) is shown
// as the call of the method that its first argument names.
//
// # Which serializations
//
// Hessian 2 (2), fastjson2 (23) and fastjson (6) are read and changed. Messages in any other are
// framed, answered where the protocol allows it, and otherwise opaque.
package dubbo
