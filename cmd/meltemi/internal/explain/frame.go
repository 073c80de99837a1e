package explain

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// frame explains the message in d.m, which starts at offset. err is what Decode said.
func (d *Direction) frame(offset int64, err error) *Frame {
	m := &d.m
	f := &Frame{Place: d.place, Size: len(m.Bytes), Kind: m.Kind.String(), ID: m.ID}
	f.Offset = offset
	if err == nil && carriesMetadata(m.Kind) {
		err = framing.Metadata(d.codec, m)
	}
	if err != nil {
		f.Errors = append(f.Errors, fault(err, m.Bytes, offset))
	}
	f.Service, f.Method = text(m.Service), text(m.Method)
	f.TimeoutMS = float64(m.Timeout) / float64(time.Millisecond)
	for _, e := range m.Entries() {
		f.Entries = append(f.Entries, sdk.MapEntry{Key: text(e.Key), Value: text(e.Value)})
	}
	if m.Kind == sdk.KindResponse && err == nil {
		f.Status = &Status{Code: m.Status.Code.String(), Native: m.Status.Native, Message: text(m.Status.Message)}
	}
	if err == nil {
		d.view(f, offset)
	}
	if err == nil && (m.Kind == sdk.KindRequest || m.Kind == sdk.KindOneWay) {
		for i := range d.Paths {
			f.Paths = append(f.Paths, d.find(&d.Paths[i]))
		}
	}
	return f
}

// find finds what a path leads to. Another method may have nothing there that the path
// could mean, so an error is none of the message's.
func (d *Direction) find(p *sdk.Path) Found {
	value, ok, err := framing.Argument(d.codec, &d.m, p)
	found := Found{Path: p.String()}
	switch {
	case err != nil:
		found.Error = err.Error()
	case ok:
		shown := text(value)
		found.Value = &shown
	}
	return found
}

// view adds what the message carries.
func (d *Direction) view(f *Frame, offset int64) {
	m := &d.m
	if !carriesMetadata(m.Kind) {
		return
	}
	v, ok, err := framing.View(d.codec, m)
	if err != nil {
		f.Errors = append(f.Errors, fault(err, m.Bytes, offset))
	}
	if !ok || err != nil {
		return
	}
	for _, e := range v.Fields {
		f.Fields = append(f.Fields, sdk.MapEntry{Key: text(e.Key), Value: text(e.Value)})
	}
	for _, a := range v.Arguments {
		f.Arguments = append(f.Arguments, Argument{Type: a.Type, Value: f.value(a.Value)})
	}
	if m.Kind != sdk.KindResponse {
		return
	}
	if v.Exception != nil {
		f.Exception = &Exception{Type: v.Exception.Type, Message: v.Exception.Message}
		return
	}
	f.Result = f.value(v.Result)
}

// value is v as JSON. What JSON cannot say, such as an infinite number, is a fault.
func (f *Frame) value(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		f.Errors = append(f.Errors, Fault{Text: err.Error(), Offset: -1})
		return json.RawMessage("null")
	}
	return b
}

func carriesMetadata(k sdk.Kind) bool {
	return k == sdk.KindRequest || k == sdk.KindOneWay || k == sdk.KindResponse
}

// fault describes err, which concerns b, bytes that start at the given offset of the
// input.
func fault(err error, b []byte, base int64) Fault {
	f := Fault{Text: err.Error(), Offset: -1}
	var call *sdk.CallError
	var conn *sdk.ConnectionError
	switch {
	case errors.As(err, &call):
		f.Offset = call.Offset
	case errors.As(err, &conn):
		f.Offset = conn.Offset
	}
	f.Context = hexContext(b, base, f.Offset)
	return f
}

// text is b as a string that JSON keeps: bytes that are not UTF-8 are replaced.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\ufffd") }
