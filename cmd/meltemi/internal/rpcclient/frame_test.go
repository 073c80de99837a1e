package rpcclient_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/rpcclient"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/sdk"
)

func newDubbo(t *testing.T) sdk.Codec {
	t.Helper()
	codec, err := dubbo.Definition().New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// made is a request that was made elsewhere, with id 99.
func made(t *testing.T, codec sdk.Codec) []byte {
	t.Helper()
	b, err := codec.(sdk.RequestBuilder).BuildRequest(nil, sdk.Request{
		ID: 99, Service: "a.B", Method: "m", Metadata: []sdk.Entry{{Key: []byte("Token"), Value: []byte("old")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCallFrame sends a message under ids of the connection, with other metadata.
func TestCallFrame(t *testing.T) {
	codec := newDubbo(t)
	c := dial(t, codec, func(p *peer) {
		for id := range 2 {
			m := p.next(sdk.KindRequest)
			if err := framing.Metadata(codec, m); err != nil {
				t.Error(err)
			}
			if token, _ := m.Get("Token"); m.ID != uint64(id+1) || string(token) != "new" {
				t.Errorf("id %d, token %q", m.ID, token)
			}
			b, err := codec.(sdk.ResponseBuilder).BuildResponse(nil, m, sdk.Response{Result: "hi"})
			if err != nil {
				t.Error(err)
			}
			p.write(b)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for range 2 {
		r, err := c.CallFrame(ctx, made(t, codec), []sdk.Entry{{Key: []byte("token"), Value: []byte("new")}})
		if err != nil {
			t.Fatal(err)
		}
		again, err := rpcclient.ReadReply(codec, r.Frame)
		if err != nil || r.View.Result != "hi" || again.View.Result != "hi" || again.Size != r.Size {
			t.Errorf("got %+v, read again %+v, %v", r, again, err)
		}
		if b, err := rpcclient.WithID(codec, r.Frame, 0); err != nil || len(b) != len(r.Frame) || b[11] != 0 {
			t.Errorf("with another id: %x, %v", b, err)
		}
	}
}

func TestFramesThatCannotBeSent(t *testing.T) {
	codec := newDubbo(t)
	c := dial(t, codec, func(*peer) {})
	good := made(t, codec)
	for want, frame := range map[string][]byte{
		"EOF": {}, "ends in the middle of a message": good[:20], "1 bytes follow the message": append(slices.Clip(good), 0xda), "magic": []byte("GET / HTTP/1.1"),
	} {
		if _, err := c.CallFrame(t.Context(), frame, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if !c.Usable() {
		t.Error("not usable, though nothing was sent")
	}
	if _, err := rpcclient.ReadReply(codec, good); err == nil || err.Error() != "it is a request, not a response" {
		t.Errorf("a request as an answer: %v", err)
	}
}

// TestFramesNeedNoBuilder has a codec that can make no requests.
func TestFramesNeedNoBuilder(t *testing.T) {
	codec := newDubbo(t)
	address := serveOnce(t, func(p *peer) { p.next(sdk.KindOneWay) }, codec)
	c, err := rpcclient.Dial(t.Context(), address, rpcclient.Options{Codec: bare{codec}, Frames: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	oneWay, err := codec.(sdk.RequestBuilder).BuildRequest(nil, sdk.Request{Service: "a.B", Method: "m", OneWay: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SendFrame(t.Context(), oneWay, nil); err != nil {
		t.Error(err)
	}
	if err := c.Send(t.Context(), &sdk.Request{Method: "m"}); err == nil || !strings.Contains(err.Error(), "codec bare cannot make requests") {
		t.Errorf("a request of words: %v", err)
	}
}
