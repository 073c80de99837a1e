package thrift

import (
	"bytes"
	"errors"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// FuzzMessage reads anything as a message, and holds what is one to what the host
// relies on.
func FuzzMessage(f *testing.F) {
	for _, c := range frames(f) {
		f.Add(c.bytes, c.from == sdk.FromServer)
	}
	for _, b := range envoyCorpus(f) {
		f.Add(b, false)
	}
	c := codec(f, "")
	f.Fuzz(func(t *testing.T, b []byte, fromServer bool) {
		from := sdk.FromClient
		if fromServer {
			from = sdk.FromServer
		}
		if len(b) == 0 {
			return
		}
		m := &sdk.Message{}
		n, err := c.Decode(from, b, m)
		pieces(t, c, from, b, n, err)
		if errors.Is(err, sdk.ErrNeedMore) && n <= len(b) {
			t.Fatalf("%d bytes are asked for, and %d are there", n, len(b))
		}
		if err != nil {
			return
		}
		m.Bytes = b[:n]
		err = c.Metadata(m)
		_, _ = c.View(m)
		if same, err := c.Encode(nil, m, &sdk.Mutation{}); err != nil || !bytes.Equal(same, m.Bytes) {
			t.Fatalf("changed without a change: %v", err)
		}
		if m.Kind != sdk.KindResponse {
			replied(t, c, m)
		}
		if err == nil {
			changed(t, c, from, m)
		}
	})
}

// pieces reads the same bytes one after another on a connection.
func pieces(t *testing.T, c *Codec, from sdk.Side, b []byte, n int, want error) {
	t.Helper()
	on := c.NewConnection()
	for i := 1; i <= len(b); i++ {
		got, err := on.Decode(from, b[:i:i], &sdk.Message{})
		if i < len(b) && errors.Is(err, sdk.ErrNeedMore) {
			continue
		}
		// A message, or an error, may show before all bytes are there.
		if want == nil && (err != nil || got != n) {
			t.Fatalf("%d in pieces, %d at once, %v", got, n, err)
		}
		if (err == nil) != (want == nil) || errors.Is(err, sdk.ErrNeedMore) != errors.Is(want, sdk.ErrNeedMore) {
			t.Fatalf("in pieces %v, at once %v", err, want)
		}
		return
	}
}

// replied reads the reply to a call.
func replied(t *testing.T, c *Codec, m *sdk.Message) {
	t.Helper()
	b, err := c.Reply(nil, sdk.Call{ID: m.ID, Token: m.Token, Service: m.Service, Method: m.Method}, sdk.Failure{Cause: sdk.CauseDenied})
	if err != nil {
		t.Fatal(err)
	}
	reply := &sdk.Message{}
	if n, err := c.Decode(sdk.FromServer, b, reply); err != nil || n != len(b) || reply.Kind != sdk.KindResponse || reply.ID != m.ID {
		t.Fatalf("the reply %x is %v of %d: %d of %d, %v", b, reply.Kind, reply.ID, n, len(b), err)
	}
}

// changed gives a message another id and an entry that is optional.
func changed(t *testing.T, c *Codec, from sdk.Side, m *sdk.Message) {
	t.Helper()
	mut := &sdk.Mutation{NewID: true, ID: 0x7fffffff, Optional: []sdk.Entry{{Key: []byte("traceparent"), Value: []byte("00-é")}}}
	b, err := c.Encode(nil, m, mut)
	var call *sdk.CallError
	if errors.As(err, &call) && errors.Is(call.Err, errChecksum) {
		return
	}
	if err != nil {
		t.Fatalf("a new id and an optional entry are an error: %v", err)
	}
	again := &sdk.Message{}
	if n, err := c.Decode(from, b, again); err != nil || n != len(b) {
		t.Fatalf("the changed message does not decode: %d of %d, %v", n, len(b), err)
	}
	again.Bytes = b
	if err := c.Metadata(again); err != nil {
		t.Fatalf("the changed message cannot be read: %v", err)
	}
	if again.ID != mut.ID || again.Kind != m.Kind || !bytes.Equal(m.Service, again.Service) || !bytes.Equal(m.Method, again.Method) || again.Status.Code != m.Status.Code {
		t.Fatalf("another message: %v %q/%q became %v %q/%q", m.Kind, m.Service, m.Method, again.Kind, again.Service, again.Method)
	}
	// Of ids that are both 0 nobody knows whether they belong together.
	if l, err := c.sound(m); err != nil || m.Kind == sdk.KindResponse || l.transport.headers() && l.ids(m.Bytes) != idsAgree {
		return
	}
	before, err := c.AppendKey(nil, m)
	after, err2 := c.AppendKey(nil, again)
	if err != nil || err2 != nil || !bytes.Equal(before, after) {
		t.Fatalf("the key %q, %v became %q, %v", before, err, after, err2)
	}
}
