package brpc

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// View implements sdk.Viewer. A payload in Protocol Buffers is shown by the numbers of
// its fields, since nothing tells their names; what their bytes are is a guess.
func (*Codec) View(m *sdk.Message) (sdk.View, error) {
	l, err := layoutOf(m)
	if err != nil {
		return sdk.View{}, err
	}
	attachment := int(l.attachment.int32())
	if attachment < 0 || attachment > len(m.Bytes)-l.meta.to {
		return sdk.View{}, sdk.Malformed("attachment_size", l.attachment.at, errAttachment)
	}
	at := span{l.meta.to, len(m.Bytes) - attachment}
	v := sdk.View{Fields: []sdk.Entry{
		{Key: []byte("content type"), Value: nameOf(contentNames, l.content.int32())},
		{Key: []byte("compression"), Value: nameOf(compressNames, l.compress.int32())},
		{Key: []byte("payload"), Value: size(at.to - at.from)},
		{Key: []byte("attachment"), Value: size(attachment)},
	}}
	if m.Kind == sdk.KindResponse && m.Status.Native != 0 {
		v.Exception = &sdk.Exception{Type: codeName(m.Status.Native), Message: string(m.Status.Message)}
		return v, nil
	}
	name, value := l.viewPayload(m.Bytes, at)
	if m.Kind == sdk.KindResponse {
		v.Result = value
	} else {
		v.Arguments = []sdk.Argument{{Type: name, Value: value}}
	}
	return v, nil
}

func nameOf(names [][]byte, n int32) []byte {
	return bytes.Clone(named(&sdk.Message{}, names, n))
}

func size(n int) []byte { return append(strconv.AppendInt(nil, int64(n), 10), " bytes"...) }

// codeName is the name of an error code, or the code where it has none.
func codeName(code int) string {
	for i := range statuses {
		if statuses[i].Native == code {
			return statuses[i].Name
		}
	}
	return strconv.Itoa(code)
}

// viewPayload is the payload as a value, and the name of its type. What is compressed or
// in no known form is bytes.
func (l *layout) viewPayload(b []byte, at span) (name string, value any) {
	payload := b[at.from:at.to]
	if l.compress.int32() == 0 {
		switch l.content.int32() {
		case contentProtobuf:
			if isMessage(b, at) {
				return "message", viewMessage(b, at, 0)
			}
		case contentJSON:
			d := json.NewDecoder(bytes.NewReader(payload))
			d.UseNumber()
			if d.Decode(&value) == nil && !d.More() {
				return "json", value
			}
		default:
			if isText(payload) {
				return "text", string(payload)
			}
		}
	}
	return "bytes", bytes.Clone(payload)
}
