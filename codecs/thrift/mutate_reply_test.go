package thrift

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestNamedReplies gives each reply the name of another method, and its own again.
func TestNamedReplies(t *testing.T) {
	c := codec(t, "")
	for _, f := range frames(t) {
		if f.from == sdk.FromClient || !f.readable() {
			continue
		}
		m := read(t, c, f)
		l, err := c.sound(m)
		if err != nil {
			t.Fatal(err)
		}
		own := bytes.Clone(f.bytes[l.name.from:l.name.to])
		for _, name := range []string{"m", "aMethodOfALongerName"} {
			named, err := c.NameReply([]byte("before"), m, []byte(name))
			if err != nil || !bytes.HasPrefix(named, []byte("before")) {
				t.Errorf("%s: %v", f.name, err)
				continue
			}
			other := read(t, c, captured{f.name, f.from, named[len("before"):]})
			l, err := c.sound(other)
			if got := string(other.Bytes[l.name.from:l.name.to]); err != nil || got != name {
				t.Errorf("%s: named %q, %v", f.name, got, err)
			}
			if other.ID != m.ID || other.Status.Code != m.Status.Code || entries(other) != entries(m) || !bytes.Equal(structOf(t, c, other), structOf(t, c, m)) {
				t.Errorf("%s: something else changed", f.name)
			}
			if back, err := c.NameReply(nil, other, own); err != nil || !bytes.Equal(back, f.bytes) {
				t.Errorf("%s: %v\n got %x\nwant %x", f.name, err, back, f.bytes)
			}
		}
	}
}

// TestNamedRepliesHaveTheEnvelopesOfOthers gives the reply of sayHello the name and the id
// of one of store, whose envelope Apache Thrift was seen to write.
func TestNamedRepliesHaveTheEnvelopesOfOthers(t *testing.T) {
	c := codec(t, "")
	for _, shape := range shapes {
		want := read(t, c, frame(t, shape+"-reply-rich"))
		hello := read(t, c, frame(t, shape+"-reply"))
		there, err := c.Encode(nil, hello, &sdk.Mutation{NewID: true, ID: want.ID})
		if err != nil {
			t.Fatal(err)
		}
		named, err := c.NameReply(nil, read(t, c, captured{shape, sdk.FromServer, there}), []byte("store"))
		if err != nil {
			t.Fatalf("%s: %v", shape, err)
		}
		if got, want := envelopeOf(t, c, named), envelopeOf(t, c, want.Bytes); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", shape, got, want)
		}
	}
}

func envelopeOf(t *testing.T, c *Codec, b []byte) []byte {
	t.Helper()
	l, err := c.sound(&sdk.Message{Bytes: b})
	if err != nil {
		t.Fatal(err)
	}
	return b[l.payload:l.body]
}

func TestRepliesThatCannotBeNamed(t *testing.T) {
	c := codec(t, "")
	summed, err := c.Encode(nil, read(t, c, frame(t, "ttheader-reply")), &sdk.Mutation{Set: []sdk.Entry{entry(keyChecksum, "1234")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		reply  captured
		method string
	}{
		"below a checksum":            {captured{from: sdk.FromServer, bytes: summed}, "m"},
		"no name":                     {frame(t, "framed-binary-reply"), ""},
		"a name that is too long":     {frame(t, "framed-compact-reply"), strings.Repeat("m", maxName+1)},
		"a name that lax has none of": {frame(t, "framed-lax-reply"), "grüße"},
	} {
		var call *sdk.CallError
		got, err := c.NameReply([]byte("before"), read(t, c, tt.reply), []byte(tt.method))
		if !errors.As(err, &call) || call.Cause != sdk.CauseUnsupported || string(got) != "before" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
