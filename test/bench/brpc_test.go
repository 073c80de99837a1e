package main

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/codecs/brpc"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// BenchmarkBRPCRequest reads a call into metadata, in each of the forms that bRPC has for
// it. BenchmarkProtobuf is its scale: a meta is a message of Protocol Buffers.
func BenchmarkBRPCRequest(b *testing.B) {
	for _, dialect := range []string{"cpp", "java"} {
		b.Run(dialect, func(b *testing.B) {
			codec, err := brpc.Definition().New([]byte(`{"dialect":"` + dialect + `"}`))
			if err != nil {
				b.Fatal(err)
			}
			frame, err := codec.(sdk.RequestBuilder).BuildRequest(nil, sdk.Request{
				ID: 1, Service: "com.example.orders.OrderService", Method: "findOrders",
				Arguments: []sdk.Argument{{Value: argument}}, Metadata: metadata,
			})
			if err != nil {
				b.Fatal(err)
			}
			benchmarkRead(b, codec, sdk.FromClient, frame)
		})
	}
}
