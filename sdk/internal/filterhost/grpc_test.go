package filterhost_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// grpcAsker makes a gRPC call in Request and notes what comes of it.
type grpcAsker struct {
	filter.Base
	response *filter.GRPCResponse
	err      *error
}

func (a grpcAsker) Request(c filter.Call) filter.Verdict {
	return c.GRPC("first", filter.GRPCRequest{Method: "/a.B/c"}, func(_ filter.Call, r filter.GRPCResponse, err error) filter.Verdict {
		*a.response, *a.err = r, err
		return filter.Continue
	})
}

func (a grpcAsker) Response(c filter.Call) filter.Verdict { return a.Request(c) }

// fieldsOf are headers from pairs.
func fieldsOf(pairs ...string) (list []engine.Field) {
	for p := range slices.Chunk(pairs, 2) {
		list = append(list, engine.Field{Name: []byte(p[0]), Value: []byte(p[1])})
	}
	return list
}

// TestGRPCAnswers has servers answer in every way that they should and should not.
func TestGRPCAnswers(t *testing.T) {
	good := fieldsOf(":status", "200", "content-type", "application/grpc+proto", "m", "1")
	ok := fieldsOf("grpc-status", "0", "t", "2")
	message := string(filterhost.GRPCFrame([]byte("hello")))
	for _, c := range []struct {
		name              string
		headers, trailers []engine.Field
		data              string
		want              string
	}{
		{"a message", good, ok, message, `OK "" [[m 1]] [[t 2]] "hello" <nil>`},
		{"an empty message", good, ok, "\x00\x00\x00\x00\x00", `OK "" [[m 1]] [[t 2]] "" <nil>`},
		{"an error", good, fieldsOf("grpc-status", "5", "grpc-message", "50%25 %C3%BC"), "", `NOT_FOUND "50% ü" [[m 1]] [] "" <nil>`},
		{"an error after a message", good, fieldsOf("grpc-status", "5"), message, `NOT_FOUND "" [[m 1]] [] "" <nil>`},
		{"headers alone", fieldsOf(":status", "200", "content-type", "application/grpc", "grpc-status", "7", "grpc-message", "no", "t", "2"), nil, "", `PERMISSION_DENIED "no" [] [[t 2]] "" <nil>`},
		{"a reply of Envoy", fieldsOf(":status", "503", "content-type", "text/plain", "grpc-status", "14"), nil, "", `UNAVAILABLE "" [] [] "" <nil>`},
		{"a code that nobody knows", good, fieldsOf("grpc-status", "99"), "", `UNKNOWN "" [[m 1]] [] "" <nil>`},
		{"a code that is none", good, fieldsOf("grpc-status", "OK"), message, `UNKNOWN "" [[m 1]] [] "" <nil>`},
		{"no message", good, ok, "", `INTERNAL "" [[m 1]] [[t 2]] "" cluster first: /a.B/c: the answer has no message`},
		{"half a frame", good, ok, message[:3], `INTERNAL "" [[m 1]] [[t 2]] "" cluster first: /a.B/c: the answer's message is cut off`},
		{"half a message", good, ok, message[:8], `INTERNAL "" [[m 1]] [[t 2]] "" cluster first: /a.B/c: the answer's message is cut off`},
		{"two messages", good, ok, message + message, `INTERNAL "" [] [] "" cluster first: /a.B/c: the answer has more than one message`},
		{"a compressed message", good, ok, "\x01" + message[1:], `INTERNAL "" [] [] "" cluster first: /a.B/c: the answer's message is compressed`},
		{"a length that nobody should believe", good, ok, "\x00\xff\xff\xff\xffx", `RESOURCE_EXHAUSTED "" [] [] "" cluster first: /a.B/c: a message of 4294967295 bytes is over the limit of 4194304`},
		{"no status", good, fieldsOf("t", "2"), message, `UNKNOWN "" [[m 1]] [[t 2]] "" cluster first: /a.B/c: the answer has no grpc-status`},
		{"not gRPC", fieldsOf(":status", "404", "content-type", "text/html"), nil, "<html>", `UNIMPLEMENTED "" [] [] "" cluster first: /a.B/c: HTTP status 404 is no answer of gRPC`},
		{"a web page", fieldsOf(":status", "200", "content-type", "text/html"), nil, "<html>", `UNKNOWN "" [] [] "" cluster first: /a.B/c: HTTP status 200 is no answer of gRPC`},
	} {
		for _, size := range []int{1, 4, 1 << 20} {
			t.Run(fmt.Sprint(c.name, ", ", size), func(t *testing.T) {
				var r filter.GRPCResponse
				var err error
				config := benchConfig(t, beginner(func(filter.Call) filter.Handler { return grpcAsker{response: &r, err: &err} }))
				call, out := config.Begin(nothing{}, benchRequest(), true)
				if out.Action != filterhost.CallGRPC || out.Cluster != "first" {
					t.Fatalf("%+v", out)
				}
				call.GRPCHeaders(c.headers, c.data == "" && c.trailers == nil)
				out = &filterhost.Output{Action: filterhost.Nothing}
				for part := range slices.Chunk([]byte(c.data), size) {
					if out = call.GRPCData([][]byte{part}); out.Action != filterhost.Nothing {
						break
					}
				}
				if out.Action == filterhost.Nothing {
					if c.trailers != nil {
						call.GRPCTrailers(c.trailers)
					}
					out = call.GRPCDone(true)
				}
				if out.Action != filterhost.Proceed {
					t.Errorf("action %v", out.Action)
				}
				if got := fmt.Sprintf("%v %q %v %v %q %v", r.Code, r.Text, r.Metadata, r.Trailers, r.Message, err); got != c.want {
					t.Errorf("\n got %s\nwant %s", got, c.want)
				}
				if out = call.GRPCDone(true); out.Action != filterhost.Nothing {
					t.Errorf("a second end: %v", out.Action)
				}
				call.End(&filterhost.End{})
			})
		}
	}
}

// TestGRPCEventsThatAreOld has a gRPC call that somebody else's answer puts an end to. What
// the filter asks then is another question, and the limit of the first is nothing to it.
func TestGRPCEventsThatAreOld(t *testing.T) {
	var r filter.GRPCResponse
	var err error
	config := benchConfig(t, beginner(func(filter.Call) filter.Handler { return grpcAsker{response: &r, err: &err} }))
	call, out := config.Begin(nothing{}, benchRequest(), true)
	old := out.NotSent
	if out = call.Response(benchResponse(), true); out.Action != filterhost.CallGRPC || out.NotSent == old {
		t.Fatalf("%+v", out)
	}
	event := out.NotSent
	for _, e := range []uint64{old, old | 1} {
		if out = call.Woken(e); out.Action != filterhost.Nothing {
			t.Errorf("an old event is taken for one of the new call: %+v", out)
		}
	}
	if out = call.Woken(event | 1); out.Action != filterhost.Proceed || r.Code != sdk.DeadlineExceeded || err == nil {
		t.Errorf("the limit: %+v, %v, %v", out, r, err)
	}
	call.GRPCHeaders(nil, true)
	call.GRPCTrailers(nil)
	if out = call.GRPCData([][]byte{{1}}); out.Action != filterhost.Nothing {
		t.Errorf("data of a call that is over: %+v", out)
	}
	call.End(&filterhost.End{})
}

// TestGRPCRequestHeaders leaves out what is gRPC's own.
func TestGRPCRequestHeaders(t *testing.T) {
	var b strings.Builder
	for _, f := range filterhost.GRPCRequestHeaders(&filter.GRPCRequest{
		Method: "/a.B/c", Host: "h", Limit: 1500e6,
		Metadata: [][2]string{{"grpc-timeout", "1H"}, {":path", "/x"}, {"te", "x"}, {"content-type", "x"}, {"", "x"}, {"k", "v"}, {"k-bin", "AAE="}},
	}) {
		fmt.Fprintf(&b, "%s=%s ", f.Name, f.Value)
	}
	const want = ":method=POST :scheme=http :authority=h :path=/a.B/c te=trailers content-type=application/grpc grpc-timeout=1500m k=v k-bin=AAE= "
	if b.String() != want {
		t.Errorf("\n got %s\nwant %s", b.String(), want)
	}
}
