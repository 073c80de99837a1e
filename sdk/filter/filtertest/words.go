package filtertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// The protocol of this package: a message is a line of JSON (word). It has what tests of
// filters need, and is none that anybody should use.
const (
	wordsName    = "words"
	kindRequest  = "request"
	kindResponse = "response"
)

// word is a message.
type word struct {
	Kind      string            `json:"kind"`
	ID        uint64            `json:"id"`
	Service   string            `json:"service,omitempty"`
	Method    string            `json:"method,omitempty"`
	Arguments []any             `json:"arguments,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	Code      sdk.Code          `json:"code,omitempty"`
	Native    int               `json:"native,omitempty"`
	Text      string            `json:"text,omitempty"`
	Result    any               `json:"result,omitempty"`
}

func wordsMessage(tb testing.TB, w *word) []byte {
	tb.Helper()
	b, err := json.Marshal(w)
	if err != nil {
		tb.Fatal(err)
	}
	return append(b, '\n')
}

func words() sdk.Definition {
	return sdk.Definition{Name: wordsName, Summary: "calls in words", New: func([]byte) (sdk.Codec, error) { return wordsCodec{}, nil }}
}

type wordsCodec struct{}

// Name implements sdk.Codec.
func (wordsCodec) Name() string { return wordsName }

// Decode implements sdk.Codec.
func (wordsCodec) Decode(_ sdk.Side, b []byte, m *sdk.Message) (int, error) {
	n := bytes.IndexByte(b, '\n') + 1
	if n == 0 {
		return 0, sdk.ErrNeedMore
	}
	w, err := read(b[:n])
	if err != nil {
		return 0, &sdk.ConnectionError{Element: "line", Err: err}
	}
	m.ID, m.Kind = w.ID, sdk.KindRequest
	if w.Kind == kindResponse {
		m.Kind = sdk.KindResponse
	}
	return n, nil
}

func read(b []byte) (*word, error) {
	w := &word{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return w, d.Decode(w)
}

// Metadata implements sdk.Codec.
func (wordsCodec) Metadata(m *sdk.Message) error {
	w, err := read(m.Bytes)
	if err != nil {
		return sdk.Malformed("line", 0, err)
	}
	m.Service, m.Method = []byte(w.Service), []byte(w.Method)
	m.Status = sdk.Status{Code: w.Code, Native: w.Native, Message: []byte(w.Text)}
	for key, value := range w.Metadata {
		m.Set([]byte(key), []byte(value))
	}
	return nil
}

var errFixed = errors.New("only the id can be changed")

// Encode implements sdk.Codec, as far as Answer needs it.
func (wordsCodec) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	w, err := read(m.Bytes)
	if err != nil || len(mut.Set) > 0 || len(mut.Remove) > 0 {
		return dst, sdk.Unsupported("line", errFixed)
	}
	if mut.NewID {
		w.ID = mut.ID
	}
	b, err := json.Marshal(w)
	if err != nil {
		return dst, err
	}
	return append(append(dst, b...), '\n'), nil
}

// Reply implements sdk.Codec. Nobody calls it.
func (wordsCodec) Reply(dst []byte, _ sdk.Call, _ sdk.Failure) ([]byte, error) { return dst, nil }

// View implements sdk.Viewer.
func (wordsCodec) View(m *sdk.Message) (v sdk.View, err error) {
	w, err := read(m.Bytes)
	if err != nil {
		return v, err
	}
	for _, a := range w.Arguments {
		v.Arguments = append(v.Arguments, sdk.Argument{Value: plain(a)})
	}
	v.Result = plain(w.Result)
	return v, nil
}

var errNoValue = errors.New("no single value")

// CheckPath implements sdk.ArgumentReader: a path begins with the number of an argument,
// from 0, and goes on with keys and numbers of elements.
func (wordsCodec) CheckPath(p *sdk.Path) error {
	if s := &p.Steps[0]; !s.IsNumber || s.Number < 0 || p.Type != "" {
		return fmt.Errorf("path %q: it begins with the number of an argument and has no type", p)
	}
	return nil
}

// AppendArgument implements sdk.ArgumentReader.
func (wordsCodec) AppendArgument(dst []byte, m *sdk.Message, p *sdk.Path) (text []byte, found bool, err error) {
	w, err := read(m.Bytes)
	if err != nil {
		return dst, false, err
	}
	var value any = w.Arguments
	for i := range p.Steps {
		s := &p.Steps[i]
		switch v := value.(type) {
		case []any:
			value = nil
			if s.IsNumber && s.Number >= 0 && s.Number < len(v) {
				value = v[s.Number]
			}
		case map[string]any:
			value = v[s.Name]
		case nil:
		default:
			return dst, false, sdk.Malformed("arguments", -1, errNoValue)
		}
	}
	switch value := value.(type) {
	case nil:
		return dst, false, nil
	case []any, map[string]any:
		return dst, false, sdk.Malformed("arguments", -1, errNoValue)
	default:
		return fmt.Append(dst, value), true, nil
	}
}

// KeyEntries implements sdk.Keyer: as of other protocols, the version is part of a name.
func (wordsCodec) KeyEntries() []string { return []string{"version"} }

// AppendKey implements sdk.Keyer: the arguments.
func (wordsCodec) AppendKey(dst []byte, m *sdk.Message) ([]byte, error) {
	w, err := read(m.Bytes)
	if err != nil {
		return dst, err
	}
	b, err := json.Marshal(w.Arguments)
	return append(dst, b...), err
}

// plain is a value as codecs show it: numbers are integers where they can be.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = plain(v[key])
		}
	}
	return v
}
