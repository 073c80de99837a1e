package codec_test

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/examples/parley/codec"
	"github.com/meltemi-mesh/meltemi/examples/parley/frame"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

// suite has messages that the protocol's own library wrote.
func suite() sdktest.Suite {
	message := func(name string, from sdk.Side, kind sdk.Kind, f frame.Frame) sdktest.Frame {
		return sdktest.Frame{Name: name, From: from, Bytes: f.Append(nil), Kind: kind, Service: f.Service, Method: f.Method}
	}
	request := frame.Frame{
		Kind: frame.Request, ID: 7, Service: "shop.Orders", Method: "get",
		Entries: [][2]string{{"tenant", "blue"}, {"lane", "1"}}, Payload: "order 5",
	}
	oneWay := request
	oneWay.Kind = frame.OneWay
	return sdktest.Suite{Codec: codec.Codec{}, Frames: []sdktest.Frame{
		message("request", sdk.FromClient, sdk.KindRequest, request),
		message("oneway", sdk.FromClient, sdk.KindOneWay, oneWay),
		message("response", sdk.FromServer, sdk.KindResponse, frame.Frame{Kind: frame.Response, ID: 7, Payload: "an order"}),
		message("error", sdk.FromServer, sdk.KindResponse, frame.Frame{Kind: frame.Error, ID: 7, Entries: [][2]string{{"code", "503"}}, Payload: "busy"}),
		message("ping", sdk.FromClient, sdk.KindHeartbeat, frame.Frame{Kind: frame.Ping, ID: 3}),
		message("pong", sdk.FromServer, sdk.KindHeartbeatReply, frame.Frame{Kind: frame.Pong, ID: 3}),
	}}
}

func TestConformance(t *testing.T) { sdktest.Run(t, suite()) }

func FuzzConformance(f *testing.F) { sdktest.Fuzz(f, suite()) }
