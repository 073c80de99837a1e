package testcodec

import (
	"encoding/binary"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// View implements sdk.Viewer: the payload is the one argument, or the result.
func (*Codec) View(m *sdk.Message) (sdk.View, error) {
	payload := string(m.Bytes[HeaderSize+int(binary.BigEndian.Uint32(m.Bytes[16:])):])
	switch {
	case m.Kind != sdk.KindResponse:
		return sdk.View{Arguments: []sdk.Argument{{Type: "string", Value: payload}}}, nil
	case m.Status.Code != sdk.OK:
		return sdk.View{Exception: &sdk.Exception{Type: m.Status.Code.String(), Message: payload}}, nil
	}
	return sdk.View{Result: payload}, nil
}

// KeyEntries implements sdk.Keyer.
func (*Codec) KeyEntries() []string { return []string{"version"} }

// AppendKey implements sdk.Keyer: the payload.
func (*Codec) AppendKey(dst []byte, m *sdk.Message) ([]byte, error) {
	return append(dst, m.Bytes[HeaderSize+int(binary.BigEndian.Uint32(m.Bytes[16:])):]...), nil
}
