package codec

import (
	"bytes"
	"errors"
	"testing"

	"github.com/meltemi-mesh/meltemi/examples/parley/frame"
	"github.com/meltemi-mesh/meltemi/sdk"
)

var request = frame.Frame{
	Kind: frame.Request, ID: 7, Service: "shop.Orders", Method: "get",
	Entries: [][2]string{{"tenant", "blue"}, {"lane", "1"}}, Payload: "order 5",
}

func read(t *testing.T, b []byte) *sdk.Message {
	t.Helper()
	m := &sdk.Message{}
	n, err := Codec{}.Decode(sdk.FromClient, b, m)
	if err != nil || n != len(b) {
		t.Fatalf("%d of %d bytes: %v", n, len(b), err)
	}
	m.Bytes = b
	if err := (Codec{}).Metadata(m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReading(t *testing.T) {
	m := read(t, request.Append(nil))
	tenant, _ := m.Get("tenant")
	if m.Kind != sdk.KindRequest || m.ID != 7 || string(m.Service) != "shop.Orders" || string(m.Method) != "get" || string(tenant) != "blue" {
		t.Errorf("%+v", m)
	}
	m = read(t, (&frame.Frame{Kind: frame.Error, ID: 7, Entries: [][2]string{{"code", "503"}}, Payload: "busy"}).Append(nil))
	if m.Status.Code != sdk.Unavailable || m.Status.Native != 503 || string(m.Status.Message) != "busy" {
		t.Errorf("%+v", m.Status)
	}
}

// TestPrefixes: a message arrives in pieces, and no piece is a message or an error.
func TestPrefixes(t *testing.T) {
	b := request.Append(nil)
	for n := 1; n < len(b); n++ {
		if need, err := (Codec{}).Decode(sdk.FromClient, b[:n], &sdk.Message{}); !errors.Is(err, sdk.ErrNeedMore) || need <= n {
			t.Errorf("%d bytes: %d, %v", n, need, err)
		}
	}
}

// TestChanges compares with what the protocol's own library writes.
func TestChanges(t *testing.T) {
	m := read(t, request.Append(nil))
	got, err := Codec{}.Encode(nil, m, &sdk.Mutation{
		NewID: true, ID: 8, Method: []byte("list"),
		Set:    []sdk.Entry{{Key: []byte("tenant"), Value: []byte("green")}, {Key: []byte("new"), Value: []byte("1")}},
		Remove: [][]byte{[]byte("lane")},
	})
	changed := request
	changed.ID, changed.Method, changed.Entries = 8, "list", [][2]string{{"tenant", "green"}, {"new", "1"}}
	if want := changed.Append(nil); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\n got %q\nwant %q", err, got, want)
	}
	if got, err := (Codec{}).Encode(nil, m, &sdk.Mutation{}); err != nil || !bytes.Equal(got, m.Bytes) {
		t.Errorf("without a change: %v, %q", err, got)
	}
}

func TestReplies(t *testing.T) {
	got, err := Codec{}.Reply(nil, sdk.Call{ID: 7}, sdk.Failure{Cause: sdk.CauseNoRoute, Code: sdk.Unimplemented, Message: "no route"})
	want := (&frame.Frame{Kind: frame.Error, ID: 7, Entries: [][2]string{{"code", "404"}}, Payload: "no route"}).Append(nil)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\n got %q\nwant %q", err, got, want)
	}
	pong := (&frame.Frame{Kind: frame.Pong, ID: 9}).Append(nil)
	if got := (Codec{}).HeartbeatReply(nil, &sdk.Message{ID: 9}); !bytes.Equal(got, pong) {
		t.Errorf("got %q, want %q", got, pong)
	}
}

func FuzzCodec(f *testing.F) {
	f.Add(request.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		m := &sdk.Message{}
		n, err := Codec{}.Decode(sdk.FromClient, b, m)
		if err != nil {
			return
		}
		m.Bytes = b[:n]
		if (Codec{}).Metadata(m) != nil {
			return
		}
		if _, err := (Codec{}).Encode(nil, m, &sdk.Mutation{NewID: true, ID: 1}); err != nil {
			t.Error(err)
		}
	})
}
