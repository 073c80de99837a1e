package engine

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// usual are the entries that a call of a Dubbo consumer has.
var usual = [][2]string{
	{"version", "1.0.0"},
	{"dubbo", "2.0.2"},
	{"interface", "com.foo.Bar"},
	{"timeout", "60000"},
	{"remote.application", "checkout"},
	{"group", "production"},
	{"tenant", "a-tenant-of-some-length"},
	{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
}

func BenchmarkDownstreamCall(b *testing.B) {
	_, step := steady(b)
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}

// BenchmarkBridgeCall takes a request with the headers that Envoy adds to ours, and the
// server's reply.
func BenchmarkBridgeCall(b *testing.B) {
	c := config(b, `{"name":"toy"}`)
	headers := requestHeaders(":authority", "com.foo.Bar", ":scheme", "http", "grpc-timeout", "59995m", "x-forwarded-proto", "http",
		"x-request-id", "4a1ff4b5-8f3e-4ee8-a7d1-0a2c1b7d3e55", "x-envoy-expected-rq-timeout-ms", "59995")
	for _, e := range usual {
		name := prefix + e[0]
		if e[0] == "traceparent" {
			name = e[0]
		}
		headers = append(headers, Field{[]byte(name), []byte(e[1])})
	}
	frame := [][]byte{testcodec.Append(nil, callOf(1, "m", usual...))}
	reply := [][]byte{testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1, Payload: "fine"})}
	b.ReportAllocs()
	for b.Loop() {
		bridge := NewBridge(c)
		bridge.Headers(headers, false)
		if o := bridge.Data(frame, true); len(o.ToServer) != len(frame[0]) {
			b.Fatalf("%q goes to the server, %v", o.ToServer, bridge.failure)
		}
		if o := bridge.FromServer(reply, false); o.Response == nil || !o.Response.End {
			b.Fatal(show(o.Response))
		}
		bridge.Release()
	}
}
