// Package toycodec is a small protocol for the tests of this command, with every
// notion that the SDK has: ids, one-way calls, heartbeats, go-away, statuses,
// exceptions and arguments. A frame is
//
//	offset  size  field
//	0       1     'T'
//	1       1     kind: q request, o one-way, r response, h heartbeat, H its answer, g go-away
//	2       8     id, big-endian
//	10      4     length n of the body, big-endian
//	14      n     body: a JSON object
package toycodec

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

const headerSize = 14

var kinds = map[byte]sdk.Kind{
	'q': sdk.KindRequest, 'o': sdk.KindOneWay, 'r': sdk.KindResponse,
	'h': sdk.KindHeartbeat, 'H': sdk.KindHeartbeatReply, 'g': sdk.KindGoAway,
}

// Config is the codec's configuration.
type Config struct {
	// Ordered makes replies pair with requests by their order.
	Ordered bool `json:"ordered"`
}

// Codec is the toy.
type Codec struct{ config Config }

// Definition is the toy as a binary would carry it.
func Definition() sdk.Definition {
	return sdk.Definition{
		Name:    "toy",
		Summary: "A protocol for tests",
		New: func(config []byte) (sdk.Codec, error) {
			c := &Codec{}
			return c, sdk.ParseConfig(config, &c.config)
		},
	}
}

type body struct {
	Service   string            `json:"service,omitempty"`
	Method    string            `json:"method,omitempty"`
	TimeoutMS int64             `json:"timeout_ms,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	Arguments []argument        `json:"arguments,omitempty"`

	Code      string         `json:"code,omitempty"`
	Native    int            `json:"native,omitempty"`
	Text      string         `json:"text,omitempty"`
	Result    any            `json:"result,omitempty"`
	Exception *sdk.Exception `json:"exception,omitempty"`
}

type argument struct {
	Type  string `json:"type,omitempty"`
	Value any    `json:"value"`
}

// Name is "toy".
func (*Codec) Name() string { return "toy" }

// Decode implements sdk.Codec.
func (*Codec) Decode(_ sdk.Side, b []byte, m *sdk.Message) (int, error) {
	if b[0] != 'T' {
		return 0, &sdk.ConnectionError{Element: "magic", Offset: 0, Err: fmt.Errorf("%#02x instead of 'T'", b[0])}
	}
	if len(b) < headerSize {
		return headerSize, sdk.ErrNeedMore
	}
	kind, ok := kinds[b[1]]
	if !ok {
		return 0, &sdk.ConnectionError{Element: "kind", Offset: 1, Err: fmt.Errorf("%#02x is none", b[1])}
	}
	m.ID = binary.BigEndian.Uint64(b[2:])
	m.Kind = kind
	n := headerSize + int(binary.BigEndian.Uint32(b[10:]))
	if n > len(b) {
		return n, sdk.ErrNeedMore
	}
	return n, nil
}

// Metadata implements sdk.Codec.
func (*Codec) Metadata(m *sdk.Message) error {
	v, err := parse(m)
	if err != nil {
		return err
	}
	m.Service, m.Method = m.Keep([]byte(v.Service)), m.Keep([]byte(v.Method))
	m.Timeout = time.Duration(v.TimeoutMS) * time.Millisecond
	if v.Code != "" {
		m.Status.Code, _ = sdk.ParseCode(v.Code)
	}
	m.Status.Native = v.Native
	m.Status.Message = m.Keep([]byte(v.Text))
	keys := make([]string, 0, len(v.Metadata))
	for k := range v.Metadata {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		m.Set(m.Keep([]byte(k)), m.Keep([]byte(v.Metadata[k])))
	}
	return nil
}

// Encode implements sdk.Codec for an empty mutation only.
func (*Codec) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	if !mut.Empty() {
		return dst, sdk.Unsupported("mutation", errors.New("the toy changes nothing"))
	}
	return append(dst, m.Bytes...), nil
}

// Reply implements sdk.Codec. The native status is 100 and the cause.
func (*Codec) Reply(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error) {
	return Append(dst, 'r', call.ID, body{Code: f.Code.String(), Native: 100 + int(f.Cause), Text: f.Text()})
}

// InOrder implements sdk.Ordered.
func (c *Codec) InOrder() bool { return c.config.Ordered }

// HeartbeatReply implements sdk.Heartbeater.
func (*Codec) HeartbeatReply(dst []byte, m *sdk.Message) []byte { return AppendEmpty(dst, 'H', m.ID) }

// Heartbeat implements sdk.Prober.
func (*Codec) Heartbeat(dst []byte, id uint64) []byte { return AppendEmpty(dst, 'h', id) }

// GoAway implements sdk.GoAwayer.
func (*Codec) GoAway(dst []byte) []byte { return AppendEmpty(dst, 'g', 0) }

// View implements sdk.Viewer.
func (*Codec) View(m *sdk.Message) (sdk.View, error) {
	v, err := parse(m)
	if err != nil {
		return sdk.View{}, err
	}
	view := sdk.View{Result: v.Result, Exception: v.Exception}
	for _, a := range v.Arguments {
		view.Arguments = append(view.Arguments, sdk.Argument{Type: a.Type, Value: a.Value})
	}
	view.Fields = []sdk.Entry{{Key: []byte("body"), Value: []byte("json")}}
	return view, nil
}

// BuildRequest implements sdk.RequestBuilder. A payload is the whole body.
func (*Codec) BuildRequest(dst []byte, r sdk.Request) ([]byte, error) {
	kind := byte('q')
	if r.OneWay {
		kind = 'o'
	}
	if r.Payload != nil {
		return appendFrame(dst, kind, r.ID, r.Payload), nil
	}
	v := body{Service: r.Service, Method: r.Method, TimeoutMS: r.Timeout.Milliseconds(), Metadata: entries(r.Metadata)}
	for _, a := range r.Arguments {
		if a.Type == "impossible" {
			return dst, fmt.Errorf("argument %d: type %q is not known", len(v.Arguments)+1, a.Type)
		}
		v.Arguments = append(v.Arguments, argument{a.Type, a.Value})
	}
	return Append(dst, kind, r.ID, v)
}

// BuildResponse implements sdk.ResponseBuilder.
func (*Codec) BuildResponse(dst []byte, req *sdk.Message, r sdk.Response) ([]byte, error) {
	v := body{Result: r.Result, Exception: r.Exception, Metadata: entries(r.Metadata)}
	if r.Exception != nil {
		v.Code, v.Native = sdk.FailedPrecondition.String(), 1
	}
	return Append(dst, 'r', req.ID, v)
}

// Append appends a frame of that kind whose body is the JSON of v.
func Append(dst []byte, kind byte, id uint64, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return dst, err
	}
	return appendFrame(dst, kind, id, text), nil
}

// AppendEmpty appends a frame of that kind with an empty object.
func AppendEmpty(dst []byte, kind byte, id uint64) []byte {
	return appendFrame(dst, kind, id, []byte("{}"))
}

func appendFrame(dst []byte, kind byte, id uint64, text []byte) []byte {
	dst = append(dst, 'T', kind)
	dst = binary.BigEndian.AppendUint64(dst, id)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(text))) //nolint:gosec // bodies of tests are small
	return append(dst, text...)
}

func parse(m *sdk.Message) (body, error) {
	var v body
	if err := json.Unmarshal(m.Bytes[headerSize:], &v); err != nil {
		return v, sdk.Malformed("body", headerSize, err)
	}
	return v, nil
}

func entries(list []sdk.Entry) map[string]string {
	m := make(map[string]string, len(list))
	for _, e := range list {
		m[string(e.Key)] = string(e.Value)
	}
	return m
}
