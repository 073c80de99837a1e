// Package brpc is the codec of bRPC's own protocol, baidu_std, as Apache bRPC (C++)
// and brpc-java speak it.
//
// A message is a header of 12 bytes, a meta, a payload and perhaps an attachment:
//
//	0   4  magic "PRPC"
//	4   4  size of the body: meta, payload and attachment
//	8   4  size of the meta
//	12  n  meta, a Protocol Buffers message RpcMeta
//
// Sources: apache/brpc, docs/en/baidu_std.md and src/brpc/policy; baidu/brpc-java,
// BaiduRpcProtocol.
//
// The payload and the attachment are never looked at. A change of the meta replaces and
// inserts fields, and keeps all others and the payload as they are, those included that
// are not known here. Where readers of Protocol Buffers do not agree on what a meta
// says (tags and lengths of more than five bytes, groups), it is refused.
//
// # What a call is
//
// A server joins service and method with a dot and looks that up, so a method with a dot
// in it would be the call of another service, and is refused. A C++ server finds a
// service that is named without its package, too, and brpc-java one in any case of
// letters; full_names and lower_case of the configuration are for rules that must not
// be got around in these ways.
//
// # Two dialects
//
// Field 7 of a request is a request id in C++ and the metadata of brpc-java
// (ext_fields), and C++ has its metadata (user_fields) elsewhere. Each request tells
// which it is by the form of that field, unless the configuration does.
//
// # What is refused
//
// Credentials: a server checks those of the first call on a connection for all that
// follow, and connections to servers are shared by callers. Streams: they belong to one
// connection, which a call inside Envoy does not have.
package brpc
