package sdktest_test

import (
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

// frames are messages of the tests' own protocol.
func frames() []sdktest.Frame {
	frame := func(name string, from sdk.Side, m testcodec.Message) sdktest.Frame {
		return sdktest.Frame{
			Name: name, From: from, Bytes: testcodec.Append(nil, m), Kind: m.Kind, Service: m.Service, Method: m.Method,
			Timeout: m.Timeout, Code: m.Status, Native: int(m.Status),
		}
	}
	return []sdktest.Frame{
		frame("request", sdk.FromClient, testcodec.Message{
			Kind: sdk.KindRequest, ID: 7, Service: "shop.Orders", Method: "get", Timeout: time.Second,
			Entries: [][2]string{{"tenant", "blue"}, {"lane", "1"}}, Payload: "an order",
		}),
		frame("request without entries", sdk.FromClient, testcodec.Message{Kind: sdk.KindRequest, ID: 8, Service: "s", Method: "m"}),
		frame("oneway", sdk.FromClient, testcodec.Message{Kind: sdk.KindOneWay, ID: 9, Service: "shop.Orders", Method: "log"}),
		frame("response", sdk.FromServer, testcodec.Message{Kind: sdk.KindResponse, ID: 7, Payload: "result", Entries: [][2]string{{"a", "b"}}}),
		frame("failure", sdk.FromServer, testcodec.Message{Kind: sdk.KindResponse, ID: 8, Status: sdk.Internal, Payload: "it broke"}),
		frame("heartbeat", sdk.FromClient, testcodec.Message{Kind: sdk.KindHeartbeat, ID: 1}),
		frame("heartbeat answer", sdk.FromServer, testcodec.Message{Kind: sdk.KindHeartbeatReply, ID: 1}),
		frame("response with a name", sdk.FromServer, testcodec.Message{Kind: sdk.KindResponse, ID: 7, Service: "shop.Orders", Method: "get", Payload: "result"}),
		frame("go-away", sdk.FromServer, testcodec.Message{Kind: sdk.KindGoAway}),
	}
}

func TestASoundCodec(t *testing.T) {
	sdktest.Run(t, sdktest.Suite{Codec: &testcodec.Codec{}, Frames: frames(), NoAllocations: true, Random: time.Second})
}

func TestReport(t *testing.T) {
	r, err := sdktest.Check(sdktest.Suite{Codec: &testcodec.Codec{Fixed: true, Impolite: true}, Frames: frames()})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + r.String())
}

func FuzzASoundCodec(f *testing.F) {
	sdktest.Fuzz(f, sdktest.Suite{Codec: &testcodec.Codec{}, Frames: frames()})
}
