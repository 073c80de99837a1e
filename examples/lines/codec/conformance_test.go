package codec_test

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/examples/lines/codec"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

func suite() sdktest.Suite {
	return sdktest.Suite{Codec: codec.Codec{}, Frames: []sdktest.Frame{
		{
			Name: "request", Bytes: []byte("shop.Orders get {\"tenant\":\"blue\",\"id\":5}\n"), Kind: sdk.KindRequest,
			Service: "shop.Orders", Method: "get", Entries: map[string]string{"tenant": "blue"},
		},
		{Name: "request of Windows", Bytes: []byte("shop.Orders list {}\r\n"), Kind: sdk.KindRequest, Method: "list"},
		{Name: "response", From: sdk.FromServer, Bytes: []byte("ok {\"name\":\"a\"}\n"), Kind: sdk.KindResponse},
		{Name: "error", From: sdk.FromServer, Bytes: []byte("error 503 \"busy\"\n"), Kind: sdk.KindResponse, Native: 503, Code: sdk.Unknown},
		{Name: "no request", Bytes: []byte("shop.Orders\n"), Refused: sdk.CauseMalformed},
	}}
}

func TestConformance(t *testing.T) { sdktest.Run(t, suite()) }

func FuzzConformance(f *testing.F) { sdktest.Fuzz(f, suite()) }
