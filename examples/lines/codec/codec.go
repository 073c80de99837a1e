// Package codec teaches Envoy a protocol of lines. A request is
//
//	shop.Orders get {"tenant":"blue","id":5}
//
// and its answer is "ok", or "error" and a code, and then JSON. There are no ids: a
// connection is answered in the order in which it asked, and so is this codec (InOrder).
// Envoy still sends the calls of one connection to several servers at once; Meltemi holds
// back an answer until its turn.
package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// maxLine is how long a line may be. The host has a limit of its own for messages, but
// it cannot know it before the line has ended.
const maxLine = 64 << 10

// maxText is how much an error tells.
const maxText = 1 << 10

var (
	errLine = errors.New("no line of at most 64 KiB")
	errForm = errors.New("want SERVICE METHOD JSON")
)

// Definition is how a library gets the codec.
func Definition() sdk.Definition {
	return sdk.Definition{Name: "lines", Summary: "a protocol of lines, answered in order", New: func(config []byte) (sdk.Codec, error) {
		return Codec{}, sdk.ParseConfig(config, &struct{}{})
	}}
}

// Codec is the protocol.
type Codec struct{}

// Name implements sdk.Codec.
func (Codec) Name() string { return "lines" }

// InOrder implements sdk.Ordered.
func (Codec) InOrder() bool { return true }

// Decode finds a line. The side that sent it tells what it is.
func (Codec) Decode(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
	end := bytes.IndexByte(b[:min(len(b), maxLine)], '\n')
	switch {
	case end < 0 && len(b) >= maxLine:
		return 0, &sdk.ConnectionError{Element: "line", Err: errLine}
	case end < 0:
		return 0, sdk.ErrNeedMore // who knows how many bytes
	case from == sdk.FromServer:
		m.Kind = sdk.KindResponse
	default:
		m.Kind = sdk.KindRequest
	}
	return end + 1, nil
}

// Metadata reads a line. The text values of a request's JSON can be routed on.
func (Codec) Metadata(m *sdk.Message) error {
	words := bytes.SplitN(bytes.TrimRight(m.Bytes, "\r\n"), []byte(" "), 3)
	if m.Kind == sdk.KindResponse {
		if len(words) > 1 && string(words[0]) == "error" {
			m.Status.Native, _ = strconv.Atoi(string(words[1]))
			m.Status.Code, m.Status.Message = sdk.Unknown, words[len(words)-1]
		}
		return nil
	}
	if len(words) != 3 || len(words[0]) == 0 || len(words[1]) == 0 {
		return sdk.Malformed("line", 0, errForm)
	}
	m.Service, m.Method = words[0], words[1]
	var arguments map[string]json.RawMessage
	if err := json.Unmarshal(words[2], &arguments); err != nil {
		return sdk.Malformed("arguments", len(words[0])+len(words[1])+2, err)
	}
	for key, value := range arguments {
		var text string
		if json.Unmarshal(value, &text) == nil {
			m.Set([]byte(key), []byte(text))
		}
	}
	return nil
}

// Encode changes service and method. What is in the JSON is the application's: a changed
// entry is refused, and trace headers find no place.
func (Codec) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	if len(mut.Set)+len(mut.Remove) > 0 {
		return dst, sdk.Unsupported("arguments", errors.New("lines are passed as they are"))
	}
	if mut.Service == nil && mut.Method == nil {
		return append(dst, m.Bytes...), nil
	}
	if len(m.Bytes)+len(mut.Service)+len(mut.Method) > maxLine {
		return dst, sdk.Unsupported("name", errLine)
	}
	words := bytes.SplitN(m.Bytes, []byte(" "), 3)
	for i, changed := range [][]byte{mut.Service, mut.Method} {
		if bytes.ContainsAny(changed, " \r\n") {
			return dst, sdk.Unsupported("name", errForm)
		}
		if changed != nil {
			words[i] = changed
		}
	}
	return append(dst, bytes.Join(words, []byte(" "))...), nil
}

// Reply makes an error.
func (Codec) Reply(dst []byte, _ sdk.Call, f sdk.Failure) ([]byte, error) {
	code := map[sdk.Code]string{sdk.Unimplemented: "404", sdk.DeadlineExceeded: "408", sdk.Unavailable: "503", sdk.PermissionDenied: "403"}[f.Code]
	if code == "" {
		code = "500"
	}
	said := f.Text()
	text, err := json.Marshal(said[:min(len(said), maxText)])
	return append(append(append(dst, "error "+code+" "...), text...), '\n'), err
}
