package thrift

import "github.com/meltemi-mesh/meltemi/sdk"

// NameReply implements sdk.ReplyNamer. Clients of Apache Thrift in Go, and Kitex, refuse a
// reply with the name of another method; those in Node.js read its result as that method's.
// The service of a multiplexed call is no part of the name in its reply.
func (c *Codec) NameReply(dst []byte, m *sdk.Message, method []byte) ([]byte, error) {
	l, err := c.sound(m)
	if err != nil {
		return dst, err
	}
	e := editor{layout: l, m: m}
	if err := e.setName(string(method)); err != nil {
		return dst, err
	}
	if e.transport.headers() {
		if err := e.checkPayload(nil); err != nil {
			return dst, err
		}
	}
	return e.finish(dst)
}
