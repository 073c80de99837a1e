package cache

import (
	"fmt"
	"testing"

	"github.com/meltemi-mesh/meltemi/codecs/brpc"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/codecs/thrift"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// peer is a kind of client, and of the server that answers it: a codec with its
// configuration.
type peer struct {
	name  string
	codec sdk.Codec
}

func peers(t *testing.T) (all []peer) {
	t.Helper()
	add := func(d sdk.Definition, configs ...string) {
		for _, config := range configs {
			c, err := d.New([]byte(config))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, peer{d.Name + config, c})
		}
	}
	add(dubbo.Definition(), ``)
	add(brpc.Definition(), ``)
	add(thrift.Definition(), `{"transport":"framed"}`, `{"transport":"framed","protocol":"compact"}`, `{"transport":"framed","protocol":"lax"}`,
		`{"transport":"unframed"}`, `{"transport":"unframed","protocol":"compact"}`, `{"transport":"theader"}`, `{"transport":"theader","protocol":"compact"}`,
		`{"transport":"ttheader"}`)
	return all
}

// request is a call as the peer's client sends it.
func (p *peer) request(tb testing.TB, id uint64, argument string) filtertest.Request {
	tb.Helper()
	b, err := p.codec.(sdk.RequestBuilder).BuildRequest(nil, sdk.Request{
		ID: id, Service: "shop.Orders", Method: "get", Arguments: []sdk.Argument{{Value: argument}},
	})
	if err != nil {
		tb.Fatalf("%s: %v", p.name, err)
	}
	return filtertest.Request{Codec: p.codec.Name(), Service: "shop.Orders", Method: "get", Payload: b}
}

// answer is what the peer's server sends.
func (p *peer) answer(tb testing.TB, to filtertest.Request, result string) filtertest.Response {
	tb.Helper()
	b, err := p.codec.(sdk.ResponseBuilder).BuildResponse(nil, p.read(tb, sdk.FromClient, to.Payload), sdk.Response{Result: result})
	if err != nil {
		tb.Fatalf("%s: %v", p.name, err)
	}
	return filtertest.Response{Payload: b}
}

func (p *peer) read(tb testing.TB, from sdk.Side, b []byte) *sdk.Message {
	tb.Helper()
	m := &sdk.Message{}
	n, err := p.codec.Decode(from, b, m)
	if err != nil || n != len(b) {
		tb.Fatalf("%s: %d of %d, %v", p.name, n, len(b), err)
	}
	m.Bytes = b
	if err := p.codec.Metadata(m); err != nil {
		tb.Fatalf("%s: %v", p.name, err)
	}
	return m
}

// TestProtocols has each kind of client ask with other ids and other arguments. What one
// gets is never what another kind can read.
func TestProtocols(t *testing.T) {
	h := filtertest.New(t, Definition(), shared, filtertest.WithCodecs(dubbo.Definition(), brpc.Definition(), thrift.Definition()))
	for _, p := range peers(t) {
		r := p.request(t, 5, "a")
		fetch(t, h, r, p.answer(t, r, "the answer of "+p.name))
	}
	for _, p := range peers(t) {
		for _, id := range []uint64{6, 7, 1 << 20} {
			r := p.request(t, id, "a")
			got := h.Begin(r).End()
			if got.State != filtertest.Answered {
				t.Errorf("%s: a call is %v, want answered", p.name, got.State)
				continue
			}
			m := p.read(t, sdk.FromServer, got.Payload)
			v, err := p.codec.(sdk.Viewer).View(m)
			if err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
			result := fmt.Sprint(v.Result)
			if m, ok := v.Result.(sdk.OrderedMap); ok && len(m) == 1 {
				result = fmt.Sprint(m[0].Value) // bRPC knows no names: field 1 of a message
			}
			if m.ID != id || result != "the answer of "+p.name {
				t.Errorf("%s: call %d got answer %d: %v", p.name, id, m.ID, v.Result)
			}
		}
		misses(t, h, p.request(t, 5, "b"))
	}
}
