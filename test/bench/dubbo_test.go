package main

import (
	"testing"
	"time"

	hessian "github.com/apache/dubbo-go-hessian2"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// dubboHeader is what stands before the body of a Dubbo frame.
const dubboHeader = 16

func dubboRequest(tb testing.TB) []byte {
	tb.Helper()
	frame, err := (&dubbo.Codec{}).BuildRequest(nil, sdk.Request{
		ID: 1, Service: "com.example.orders.OrderService", Method: "findOrders", Timeout: 3 * time.Second,
		Arguments: []sdk.Argument{{Type: "java.lang.String", Value: argument}},
		Metadata:  metadata,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return frame
}

func dubboResponse(tb testing.TB) []byte {
	tb.Helper()
	codec := &dubbo.Codec{}
	request := read(tb, codec, sdk.FromClient, dubboRequest(tb), &sdk.Message{})
	frame, err := codec.BuildResponse(nil, request, sdk.Response{
		Result:   answer,
		Metadata: []sdk.Entry{entry("served-by", "orders-7d9c")},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return frame
}

// BenchmarkDubboRequest reads a request: ours into the metadata that a mesh needs, all
// attachments among it; dubbo-go-hessian2 into Go values, in the order in which
// dubbo-go reads a request's body: with a decoder that is used again, and with one for
// each request, which is what dubbo-go does.
func BenchmarkDubboRequest(b *testing.B) {
	frame := dubboRequest(b)
	b.Run("meltemi", func(b *testing.B) { benchmarkRead(b, &dubbo.Codec{}, sdk.FromClient, frame) })
	// Dubbo's version, path, version, method, types, one argument, attachments.
	benchmarkHessian(b, frame, 7)
}

// BenchmarkDubboResponse reads a response likewise.
func BenchmarkDubboResponse(b *testing.B) {
	frame := dubboResponse(b)
	b.Run("meltemi", func(b *testing.B) { benchmarkRead(b, &dubbo.Codec{}, sdk.FromServer, frame) })
	// The kind of body, the value, attachments.
	benchmarkHessian(b, frame, 3)
}

// benchmarkHessian decodes the values of a body.
func benchmarkHessian(b *testing.B, frame []byte, values int) {
	b.Helper()
	body := frame[dubboHeader:]
	d := hessian.NewDecoder(nil)
	for _, mode := range []struct {
		name    string
		decoder func() *hessian.Decoder
	}{
		{"dubbo-go-hessian2", func() *hessian.Decoder { return d.Reset(body) }},
		{"dubbo-go-hessian2-new", func() *hessian.Decoder { return hessian.NewDecoder(body) }},
	} {
		b.Run(mode.name, func(b *testing.B) {
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for b.Loop() {
				d := mode.decoder()
				for range values {
					if _, err := d.Decode(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkDubboChange sets an attachment: ours in the bytes of the frame; with
// dubbo-go-hessian2 the body has to be decoded and encoded again.
func BenchmarkDubboChange(b *testing.B) {
	frame := dubboRequest(b)
	b.Run("meltemi", func(b *testing.B) {
		codec := &dubbo.Codec{}
		m := &sdk.Message{}
		another := entry("tenant", "another")
		var change sdk.Mutation
		var out []byte
		b.SetBytes(int64(len(frame)))
		b.ReportAllocs()
		for b.Loop() {
			read(b, codec, sdk.FromClient, frame, m)
			change.Reset()
			change.Set = append(change.Set, another)
			var err error
			if out, err = codec.Encode(out[:0], m, &change); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("dubbo-go-hessian2", func(b *testing.B) {
		b.SetBytes(int64(len(frame)))
		b.ReportAllocs()
		d := hessian.NewDecoder(nil)
		e := hessian.NewEncoder()
		for b.Loop() {
			d.Reset(frame[dubboHeader:])
			e.Clean()
			for i := range 7 {
				value, err := d.Decode()
				if err != nil {
					b.Fatal(err)
				}
				if attachments, ok := value.(map[any]any); i == 6 && ok {
					attachments["tenant"] = "another"
				}
				if err := e.Encode(value); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
