package thrift

import "github.com/meltemi-mesh/meltemi/sdk"

// MayBeAnswered implements sdk.OneWayDoubter: servers of Apache Thrift and of Kitex answer
// by what the IDL says of a method, not by the type of the message. Methods that the
// configuration names are one-way in the IDL.
func (c *Codec) MayBeAnswered(m *sdk.Message) bool {
	name := m.Method
	if len(m.Service) > 0 && transport(m.Token&tokenTransport) != ttheader {
		name = append(append(append(make([]byte, 0, 64), m.Service...), ':'), m.Method...)
	}
	return !c.oneway[string(name)]
}
