package thrift

import (
	"encoding/binary"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// The ids of a message with headers: those of envelope and headers agree, as Kitex and
// Apache Thrift have it, or not, as fbthrift has it. Where both are 0 nobody knows which
// it is, and an answer under another id could be wrong for either.
const (
	idsAgree byte = iota
	idsDiffer
	idsZero
)

// KeyEntries implements sdk.Keyer.
func (*Codec) KeyEntries() []string { return nil }

// AppendKey implements sdk.Keyer. A server answers in the transport and the protocol of
// the call.
func (c *Codec) AppendKey(dst []byte, m *sdk.Message) ([]byte, error) {
	l, err := c.sound(m)
	switch {
	case err != nil:
		return dst, err
	case l.flaw != flawless:
		return dst, sdk.Unreadable("payload", l.payload, errNotThrift)
	}
	end := len(m.Bytes)
	if l.end > 0 {
		end = l.end
	}
	inner := byte(0)
	if l.inner {
		inner = 1
	}
	dst = append(dst, byte(l.transport), byte(l.protocol), inner)
	if l.transport.headers() {
		dst = append(append(dst, m.Bytes[flagsAt:flagsAt+2]...), l.ids(m.Bytes))
	}
	return append(dst, m.Bytes[l.body:end]...), nil
}

// ids tells how the ids of a message with headers are related.
func (l *layout) ids(b []byte) byte {
	switch id := binary.BigEndian.Uint32(b[idAt:]); {
	case id != l.seq:
		return idsDiffer
	case id == 0:
		return idsZero
	}
	return idsAgree
}
