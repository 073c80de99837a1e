package brpc

import (
	"encoding/binary"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// KeyEntries implements sdk.Keyer.
func (*Codec) KeyEntries() []string { return nil }

// AppendKey implements sdk.Keyer: the payload and the attachment, what the meta tells of
// them, and where it has the call's metadata, for a server reads it in one place alone. A
// server may compress its answer as the request is.
func (c *Codec) AppendKey(dst []byte, m *sdk.Message) ([]byte, error) {
	l, err := layoutOf(m)
	if err != nil {
		return dst, err
	}
	k, offset, err := readCall(m.Bytes, &l)
	if err != nil {
		return dst, sdk.Malformed("request", offset, err)
	}
	dst = append(dst, byte(c.formOf(&k)))
	for _, f := range []*field{&l.compress, &l.content, &l.attachment} {
		dst = binary.BigEndian.AppendUint32(dst, uint32(f.n&0xffffffff)) // an int32, as readers have it
	}
	return append(dst, m.Bytes[l.meta.to:]...), nil
}
