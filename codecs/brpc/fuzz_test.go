package brpc

import (
	"bytes"
	"errors"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// FuzzMessage reads anything as a message, in each dialect, and holds what is one to what
// the host relies on.
func FuzzMessage(f *testing.F) {
	for _, c := range frames(f) {
		for d := range dialects {
			f.Add(c.bytes, d)
		}
	}
	f.Add(request(service+method, "\x4a\x06\x0a\x01k\x12\x01v\x4a\x00"), 0)
	f.Add(request(service+method+"\x3a\x06\x0a\x01k\x12\x01v", "\x0a\x06\x3a\x04\x0a\x00\x12\x00"), 0)
	var all []*Codec
	for _, config := range dialects {
		all = append(all, codec(f, config))
	}
	f.Fuzz(func(t *testing.T, b []byte, dialect int) {
		if len(b) == 0 || dialect < 0 || dialect >= len(all) {
			return
		}
		c := all[dialect]
		m := &sdk.Message{}
		n, err := c.Decode(sdk.FromClient, b, m)
		if errors.Is(err, sdk.ErrNeedMore) && n <= len(b) {
			t.Fatalf("%d bytes are asked for, and %d are there", n, len(b))
		}
		if err != nil {
			return
		}
		m.Bytes = b[:n:n]
		err = c.Metadata(m)
		_, _ = c.View(m)
		if same, err := c.Encode(nil, m, &sdk.Mutation{}); err != nil || !bytes.Equal(same, m.Bytes) {
			t.Fatalf("changed without a change: %v", err)
		}
		if m.Kind == sdk.KindRequest {
			replied(t, c, m)
		}
		if err == nil {
			changed(t, c, m)
		}
	})
}

var dialects = []string{"", `{"dialect":"cpp","shared_credentials":true}`, `{"dialect":"java"}`, `{"lower_case":true,"full_names":true}`}

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

// changed changes each thing in a message that can be, and looks whether it arrived and
// nothing else did.
func changed(t *testing.T, c *Codec, m *sdk.Message) {
	t.Helper()
	mut := &sdk.Mutation{NewID: true, ID: 1 << 63, Optional: set("traceparent", "00-é")}
	if m.Kind == sdk.KindRequest {
		mut.Service, mut.Method = []byte("x.y"), []byte("z")
	}
	want := map[string]string{}
	for i, e := range m.Entries() {
		want[string(e.Key)] = string(e.Value)
		switch {
		case payloadField(e.Key) != 0, isField(e.Key):
		case i%2 == 0:
			mut.Remove = append(mut.Remove, e.Key)
			delete(want, string(e.Key))
		case bytes.Equal(bytes.ToValidUTF8(e.Key, nil), e.Key):
			mut.Set = append(mut.Set, sdk.Entry{Key: e.Key, Value: []byte("new")})
			want[string(e.Key)] = "new"
		}
	}
	b, err := c.Encode(nil, m, mut)
	if err != nil {
		t.Fatalf("%x: %v", m.Bytes, err)
	}
	again := &sdk.Message{}
	if n, err := c.Decode(sdk.FromClient, b, again); err != nil || n != len(b) {
		t.Fatalf("the changed message %x does not decode: %d of %d, %v", b, n, len(b), err)
	}
	again.Bytes = b
	if err := c.Metadata(again); err != nil {
		t.Fatalf("the changed message %x: %v", b, err)
	}
	if again.ID != mut.ID || !bytes.Equal(again.Service, mut.Service) || !bytes.Equal(again.Method, mut.Method) || again.Timeout != m.Timeout || again.Status.Native != m.Status.Native {
		t.Fatalf("%x was changed to %x: %d %s/%s in %v, %d", m.Bytes, b, again.ID, again.Service, again.Method, again.Timeout, again.Status.Native)
	}
	before, err := c.AppendKey(nil, m)
	after, err2 := c.AppendKey(nil, again)
	if err != nil || err2 != nil || !bytes.Equal(before, after) {
		t.Fatalf("the key %q, %v became %q, %v", before, err, after, err2)
	}
	delete(want, "traceparent")
	for _, e := range again.Entries() {
		if v, ok := want[string(e.Key)]; string(e.Key) != "traceparent" && (!ok || v != string(e.Value)) {
			t.Fatalf("%x was changed to %x: entry %q is %q, want %q", m.Bytes, b, e.Key, e.Value, v)
		}
		delete(want, string(e.Key))
	}
	if len(want) > 0 {
		t.Fatalf("%x was changed to %x: entries %v are gone", m.Bytes, b, want)
	}
	if l, err := layoutOf(m); err != nil || !bytes.HasSuffix(b, m.Bytes[l.meta.to:]) {
		t.Fatalf("%x was changed to %x: another payload, %v", m.Bytes, b, err)
	}
}
