package brpc

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	codec "github.com/meltemi-mesh/meltemi/codecs/brpc"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// headerSize is that of a frame; its meta follows.
const headerSize = 12

// TestMetaAsProtobufReadsIt damages the meta of each frame in every byte. What the codec
// takes for a message, Go's Protocol Buffers must take for one too, and find the same in
// it: otherwise a server could see another call than a policy.
func TestMetaAsProtobufReadsIt(t *testing.T) {
	for _, dialect := range []string{"cpp", "java"} {
		t.Run(dialect, func(t *testing.T) {
			c := newCodec(t, dialect)
			meta := metaType(t, dialect)
			accepted, refused := 0, 0
			for _, f := range metaFrames(t) {
				for _, b := range damaged(f.bytes) {
					m := &sdk.Message{}
					n, err := c.Decode(f.from, b, m)
					if err != nil || n != len(b) {
						refused++
						continue
					}
					if m.Bytes = b; c.Metadata(m) != nil {
						refused++
						continue
					}
					accepted++
					if err := differs(m, meta, dialect); err != nil {
						t.Fatalf("%s, damaged to %x: %v", f.name, b, err)
					}
				}
			}
			if accepted < 5000 || refused < 5000 {
				t.Errorf("%d messages are taken and %d are not: the damage is of one kind", accepted, refused)
			}
		})
	}
}

// TestChangesAsProtobufReadsThem changes each frame: Go's Protocol Buffers must read what
// was there before, with the change and nothing else.
func TestChangesAsProtobufReadsThem(t *testing.T) {
	for _, dialect := range []string{"cpp", "java"} {
		t.Run(dialect, func(t *testing.T) {
			c := newCodec(t, dialect)
			meta := metaType(t, dialect)
			changed := 0
			for _, f := range metaFrames(t) {
				m := &sdk.Message{}
				if n, err := c.Decode(f.from, f.bytes, m); err != nil || n != len(f.bytes) {
					continue
				}
				if m.Bytes = f.bytes; c.Metadata(m) != nil {
					continue
				}
				for name, change := range changes(m) {
					got, err := c.Encode(nil, m, &change.mut)
					if err != nil {
						t.Errorf("%s, %s: %v", f.name, name, err)
						continue
					}
					want := parsed(t, meta, f.bytes)
					change.make(want)
					if is := parsed(t, meta, got); !proto.Equal(is, want) {
						t.Errorf("%s, %s:\n got %v\nwant %v", f.name, name, is, want)
					}
					changed++
				}
			}
			if changed < 100 {
				t.Errorf("only %d changes were made", changed)
			}
		})
	}
}

func newCodec(t *testing.T, dialect string) sdk.Codec {
	t.Helper()
	c, err := codec.Definition().New(fmt.Appendf(nil, `{"dialect":%q,"shared_credentials":true}`, dialect))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// metaFrame is a message of testdata/brpc/frames.tsv.
type metaFrame struct {
	name  string
	from  sdk.Side
	bytes []byte
}

func metaFrames(t *testing.T) (all []metaFrame) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/brpc/frames.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		column := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := metaFrame{name: column[0]}
		if f.bytes, err = hex.DecodeString(column[3]); err != nil {
			t.Fatal(err)
		}
		if column[2] == "server" {
			f.from = sdk.FromServer
		}
		all = append(all, f)
	}
	return all
}

func metaOf(frame []byte) []byte {
	return frame[headerSize : headerSize+int(binary.BigEndian.Uint32(frame[8:]))]
}

// damaged are a frame and all that one byte of its meta can do to it: be another one, be
// gone, or be there twice.
func damaged(frame []byte) [][]byte {
	meta, payload := metaOf(frame), frame[headerSize+len(metaOf(frame)):]
	with := func(meta ...[]byte) []byte {
		b := bytes.Clone(frame[:headerSize])
		b = append(b, bytes.Join(meta, nil)...)
		binary.BigEndian.PutUint32(b[8:], uint32(len(b)-headerSize))
		b = append(b, payload...)
		binary.BigEndian.PutUint32(b[4:], uint32(len(b)-headerSize))
		return b
	}
	all := [][]byte{frame, with(meta, meta)}
	for i, c := range meta {
		for _, other := range []byte{0, 1, 2, 0x7f, 0x80, 0xff, c + 1, c - 1, c ^ 0x08, c ^ 0x80, c ^ 0x07} {
			all = append(all, with(meta[:i], []byte{other}, meta[i+1:]))
		}
		all = append(all, with(meta[:i], meta[i+1:]), with(meta[:i+1], meta[i:]), with(meta[:i], []byte{0x80}, meta[i:]))
	}
	return all
}

// differs tells what Protocol Buffers read otherwise in a message that the codec has read.
func differs(m *sdk.Message, meta protoreflect.MessageType, dialect string) error {
	rpc := meta.New()
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(metaOf(m.Bytes), rpc.Interface()); err != nil {
		return fmt.Errorf("it is no message: %w", err)
	}
	if id := uint64(value(rpc, "correlation_id").Int()); id != m.ID {
		return fmt.Errorf("id %d, read as %d", id, m.ID)
	}
	want := map[string]string{}
	if m.Kind == sdk.KindResponse {
		response := value(rpc, "response").Message()
		if code := int(value(response, "error_code").Int()); code != m.Status.Native {
			return fmt.Errorf("code %d, read as %d", code, m.Status.Native)
		}
		if text := value(response, "error_text").String(); m.Status.Native != 0 && text != string(m.Status.Message) {
			return fmt.Errorf("text %q, read as %q", text, m.Status.Message)
		}
	} else {
		request := value(rpc, "request").Message()
		if service, method := value(request, "service_name").String(), value(request, "method_name").String(); service != string(m.Service) || method != string(m.Method) {
			return fmt.Errorf("call %s/%s, read as %s/%s", service, method, m.Service, m.Method)
		}
		for _, name := range []protoreflect.Name{"log_id", "trace_id", "span_id", "parent_span_id", "timeout_ms", "request_id"} {
			if f := field(request, name); f != nil && request.Has(f) {
				want[string(name)] = request.Get(f).String()
			}
		}
		if f := field(request, "ext_fields"); f != nil {
			list := request.Get(f).List()
			for i := range list.Len() {
				want[shown(value(list.Get(i).Message(), "key").String())] = value(list.Get(i).Message(), "value").String()
			}
		}
	}
	if f := field(rpc, "user_fields"); f != nil {
		rpc.Get(f).Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			want[shown(k.String())] = v.String()
			return true
		})
	}
	if n := value(rpc, "attachment_size").Int(); n != 0 {
		want["attachment_size"] = strconv.FormatInt(n, 10)
	}
	got := map[string]string{}
	for _, e := range m.Entries() {
		if key := string(e.Key); key != "compress_type" && key != "content_type" {
			got[key] = string(e.Value)
		}
	}
	if !maps.Equal(got, want) {
		return fmt.Errorf("%s: entries %q, read as %q", dialect, want, got)
	}
	return nil
}

// shown is how metadata is shown that has the name of a field.
func shown(key string) string {
	switch strings.TrimLeft(key, "_") {
	case "log_id", "trace_id", "span_id", "parent_span_id", "timeout_ms", "request_id", "compress_type", "content_type", "attachment_size":
		return "_" + key
	}
	return key
}

func field(m protoreflect.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.Descriptor().Fields().ByName(name)
}

func value(m protoreflect.Message, name protoreflect.Name) protoreflect.Value {
	return m.Get(field(m, name))
}

func parsed(t *testing.T, meta protoreflect.MessageType, frame []byte) *dynamicpb.Message {
	t.Helper()
	m := meta.New()
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(metaOf(frame), m.Interface()); err != nil {
		t.Fatalf("%x: %v", frame, err)
	}
	return m.Interface().(*dynamicpb.Message)
}

// metaChange is a change, and how it is made to what Protocol Buffers read.
type metaChange struct {
	mut  sdk.Mutation
	make func(meta *dynamicpb.Message)
}

// changes are those that can be made to a message.
func changes(m *sdk.Message) map[string]metaChange {
	all := map[string]metaChange{
		"the id": {sdk.Mutation{NewID: true, ID: 1 << 40}, func(meta *dynamicpb.Message) {
			meta.Set(field(meta, "correlation_id"), protoreflect.ValueOfInt64(1<<40))
		}},
	}
	if m.Kind == sdk.KindResponse {
		return all
	}
	inRequest := func(name protoreflect.Name, v any) func(*dynamicpb.Message) {
		return func(meta *dynamicpb.Message) {
			request := meta.Mutable(field(meta, "request")).Message()
			request.Set(field(request, name), protoreflect.ValueOf(v))
		}
	}
	all["the service"] = metaChange{sdk.Mutation{Service: []byte("other.Service")}, inRequest("service_name", "other.Service")}
	all["the method"] = metaChange{sdk.Mutation{Method: []byte("other")}, inRequest("method_name", "other")}
	all["the log id"] = metaChange{sdk.Mutation{Set: []sdk.Entry{{Key: []byte("log_id"), Value: []byte("-9")}}}, inRequest("log_id", int64(-9))}
	all["an entry"] = metaChange{sdk.Mutation{Set: []sdk.Entry{{Key: []byte("new"), Value: []byte("v")}}}, func(meta *dynamicpb.Message) {
		if f := field(meta, "user_fields"); f != nil {
			meta.Mutable(f).Map().Set(protoreflect.ValueOfString("new").MapKey(), protoreflect.ValueOfString("v"))
			return
		}
		request := meta.Mutable(field(meta, "request")).Message()
		e := request.Mutable(field(request, "ext_fields")).List().AppendMutable().Message()
		e.Set(field(e, "key"), protoreflect.ValueOfString("new"))
		e.Set(field(e, "value"), protoreflect.ValueOfString("v"))
	}}
	return all
}
