package main

import (
	"strings"
	"testing"
	"time"

	hessian "github.com/apache/dubbo-go-hessian2"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// The frames are of the size that services exchange: about 500 bytes, with the
// attachments that consumers send and a few of the application's own.
func sampleRequest(tb testing.TB) []byte {
	tb.Helper()
	entry := func(k, v string) sdk.Entry { return sdk.Entry{Key: []byte(k), Value: []byte(v)} }
	frame, err := (&dubbo.Codec{}).BuildRequest(nil, sdk.Request{
		ID: 1, Service: "com.example.orders.OrderService", Method: "findOrders", Timeout: 3 * time.Second,
		Arguments: []sdk.Argument{{Type: "java.lang.String", Value: strings.Repeat("order ", 20)}},
		Metadata: []sdk.Entry{
			entry("version", "1.0.0"), entry("group", "production"), entry("remote.application", "checkout"),
			entry("tenant", "a-tenant-of-some-length"), entry("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return frame
}

func sampleResponse(tb testing.TB) []byte {
	tb.Helper()
	codec := &dubbo.Codec{}
	request := read(tb, codec, sdk.FromClient, sampleRequest(tb), &sdk.Message{})
	frame, err := codec.BuildResponse(nil, request, sdk.Response{
		Result:   strings.Repeat("order ", 60),
		Metadata: []sdk.Entry{{Key: []byte("served-by"), Value: []byte("orders-7d9c")}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return frame
}

// read reads a frame. It marks itself as no helper: that would be measured too.
func read(tb testing.TB, codec *dubbo.Codec, from sdk.Side, frame []byte, m *sdk.Message) *sdk.Message {
	m.Reset()
	n, err := codec.Decode(from, frame, m)
	if err != nil || n != len(frame) {
		tb.Fatalf("%d of %d bytes: %v", n, len(frame), err)
	}
	m.Bytes = frame
	if err := codec.Metadata(m); err != nil {
		tb.Fatal(err)
	}
	return m
}

// BenchmarkRequest reads a request: ours into the metadata that a mesh needs, all
// attachments among it; dubbo-go-hessian2 into Go values, in the order in which
// dubbo-go reads a request's body.
func BenchmarkRequest(b *testing.B) {
	frame := sampleRequest(b)
	b.Run("meltemi", func(b *testing.B) {
		benchmarkRead(b, sdk.FromClient, frame)
	})
	b.Run("dubbo-go-hessian2", func(b *testing.B) {
		b.SetBytes(int64(len(frame)))
		b.ReportAllocs()
		d := hessian.NewDecoder(nil)
		for b.Loop() {
			d.Reset(frame[headerSize:])
			// Dubbo's version, path, version, method, types, one argument, attachments.
			for range 7 {
				if _, err := d.Decode(); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkResponse reads a response likewise.
func BenchmarkResponse(b *testing.B) {
	frame := sampleResponse(b)
	b.Run("meltemi", func(b *testing.B) {
		benchmarkRead(b, sdk.FromServer, frame)
	})
	b.Run("dubbo-go-hessian2", func(b *testing.B) {
		b.SetBytes(int64(len(frame)))
		b.ReportAllocs()
		d := hessian.NewDecoder(nil)
		for b.Loop() {
			d.Reset(frame[headerSize:])
			// The kind of body, the value, attachments.
			for range 3 {
				if _, err := d.Decode(); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func benchmarkRead(b *testing.B, from sdk.Side, frame []byte) {
	codec := &dubbo.Codec{}
	m := &sdk.Message{}
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		read(b, codec, from, frame, m)
	}
}

// BenchmarkChange sets an attachment: ours in the bytes of the frame; with
// dubbo-go-hessian2 the body has to be decoded and encoded again.
func BenchmarkChange(b *testing.B) {
	frame := sampleRequest(b)
	b.Run("meltemi", func(b *testing.B) {
		codec := &dubbo.Codec{}
		m := &sdk.Message{}
		another := sdk.Entry{Key: []byte("tenant"), Value: []byte("another")}
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
			d.Reset(frame[headerSize:])
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
