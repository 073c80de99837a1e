package filterhost_test

import (
	"context"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// BenchmarkCall is the cost of a call, without the crossings between C and Go: of one
// that the filter ignores, of one that it follows to its end (an empty filter), and of one
// that it changes.
func BenchmarkCall(b *testing.B) {
	for name, f := range map[string]beginner{
		"ignored":  func(filter.Call) filter.Handler { return nil },
		"followed": func(filter.Call) filter.Handler { return filter.Base{} },
		"changed":  func(filter.Call) filter.Handler { return changer{} },
	} {
		b.Run(name, func(b *testing.B) {
			config := benchConfig(b, f)
			request, response := benchRequest(), benchResponse()
			b.ReportAllocs()
			for b.Loop() {
				call, _ := config.Begin(nothing{}, request, false)
				if call == nil {
					continue
				}
				call.Response(response, false)
				call.End(&filterhost.End{})
			}
		})
	}
}

// BenchmarkMessage is the cost of a call whose request and answer are shown to the filter,
// with the crossings left out, and Envoy's buffers: in one piece, which is not copied, and
// in several.
func BenchmarkMessage(b *testing.B) {
	for name, chunks := range map[string][][]byte{
		"one chunk": {make([]byte, 4<<10)}, "two chunks": {make([]byte, 2<<10), make([]byte, 2<<10)},
	} {
		b.Run(name, func(b *testing.B) {
			config := benchConfig(b, emptyReader{})
			request, response := benchRequest(), benchResponse()
			b.ReportAllocs()
			for b.Loop() {
				call, out := config.Begin(nothing{}, request, false)
				if out.Action != filterhost.Collect {
					b.Fatalf("%v", out.Action)
				}
				call.Message(chunks)
				call.Response(response, false)
				call.Message(chunks)
				call.End(&filterhost.End{})
			}
		})
	}
}

// emptyReader is an empty filter that is shown messages.
type emptyReader struct{}

func (emptyReader) Begin(filter.Call) filter.Handler { return filter.Base{} }
func (emptyReader) Payload() (request, answer bool)  { return true, true }

func benchConfig(tb testing.TB, f filter.Filter) *filterhost.Config {
	tb.Helper()
	d := filter.Definition{Name: "bench", New: func([]byte, filter.Host) (filter.Filter, error) { return f, nil }}
	config, err := filterhost.New("bench", nil, []sdk.Definition{testcodec.Definition()}, []filter.Definition{d}, filterhost.Env{
		Has: filter.Capabilities(), Now: clock, Define: func(*filter.Metric, string) error { return nil },
		Cancellable: func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return config
}

// changer changes two entries of a request.
type changer struct{ filter.Base }

func (changer) Request(c filter.Call) filter.Verdict {
	tenant, _ := c.Metadata().Get("tenant")
	c.Metadata().Set("tenant", tenant+"s")
	c.Local().Set("class", "gold")
	return filter.Continue
}

func benchRequest() []engine.Field {
	return benchFields(":method", "POST", ":scheme", "http", ":authority", "toy", ":path", "/com.example.Orders/get",
		"content-type", "application/grpc+toy", "te", "trailers", "x-rpc-tenant", "blue", "x-rpc-version", "1.0.0",
		"x-rpc-application", "shop-frontend", "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
}

func benchResponse() []engine.Field {
	return benchFields(":status", "200", "content-type", "application/grpc+toy", "grpc-status", "0", "x-rpc-version", "1.0.0")
}

func benchFields(pairs ...string) (list []engine.Field) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, engine.Field{Name: []byte(pairs[i]), Value: []byte(pairs[i+1])})
	}
	return list
}
