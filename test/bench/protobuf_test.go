package main

import (
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
)

// BenchmarkProtobuf unmarshals a message with the same names, the same argument and the
// same entries, for scale: what it costs to read a message whose schema is known.
func BenchmarkProtobuf(b *testing.B) {
	m := &errdetails.ErrorInfo{
		Reason: "com.example.orders.OrderService", Domain: "findOrders",
		Metadata: map[string]string{"argument": argument},
	}
	for _, e := range metadata {
		m.Metadata[string(e.Key)] = string(e.Value)
	}
	bytes, err := proto.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(bytes)))
	b.ReportAllocs()
	for b.Loop() {
		var m errdetails.ErrorInfo
		if err := proto.Unmarshal(bytes, &m); err != nil {
			b.Fatal(err)
		}
	}
}
