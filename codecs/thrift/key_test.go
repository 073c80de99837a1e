package thrift

import (
	"bytes"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func keyOf(t *testing.T, c *Codec, f captured) string {
	t.Helper()
	key, err := c.AppendKey([]byte("before"), read(t, c, f))
	if err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
	rest, ok := strings.CutPrefix(string(key), "before")
	if !ok {
		t.Fatalf("%s: %q was there before", f.name, key)
	}
	return rest
}

// TestKeys looks at the keys of captured calls: one shape of them is answered in another
// way than the next, and an id makes no difference.
func TestKeys(t *testing.T) {
	c := codec(t, "")
	seen := map[string]string{}
	for _, shape := range shapes {
		for _, name := range []string{"-call", "-call-rich"} {
			f := frame(t, shape+name)
			key := keyOf(t, c, f)
			if other := seen[key]; other != "" {
				t.Errorf("%s has the key of %s", f.name, other)
			}
			seen[key] = f.name
			m := read(t, c, f)
			mut := &sdk.Mutation{NewID: true, ID: 0x1234, Method: []byte("other")}
			if strings.HasPrefix(shape, "header") {
				mut.Set = []sdk.Entry{{Key: []byte("lane"), Value: []byte("blue")}}
			}
			b, err := c.Encode(nil, m, mut)
			if err != nil {
				t.Fatal(err)
			}
			if got := keyOf(t, c, captured{f.name + " changed", f.from, b}); got != key {
				t.Errorf("%s: the key changes with id, name and headers: %q, %q", f.name, key, got)
			}
			if l, err := c.sound(m); err != nil || !strings.HasSuffix(key, string(f.bytes[l.body:])) {
				t.Errorf("%s: the key %q does not end with the arguments, %v", f.name, key, err)
			}
		}
	}
	// Captured of two libraries: the same call, once with another lane.
	if a, b := keyOf(t, c, frame(t, "header-binary-lane")), keyOf(t, c, frame(t, "header-binary-lane-green")); a != b {
		t.Errorf("a header changes the key: %q, %q", a, b)
	}
}

// TestKeysTellIDsApart has clients that pair answers by other ids: an answer to one must
// not go to the other, since another id is written where the first one stood.
func TestKeysTellIDsApart(t *testing.T) {
	c := codec(t, "")
	agreeing := frame(t, "ttheader-call").bytes
	m := read(t, c, captured{"ttheader-call", sdk.FromClient, agreeing})
	l, err := c.sound(m)
	if err != nil || l.ids(agreeing) != idsAgree {
		t.Fatalf("ids of the captured call: %d, %v", l.ids(agreeing), err)
	}
	differing := bytes.Clone(agreeing)
	copy(differing[l.seqAt.from:], "\x00\x00\x00\x00") // as fbthrift has it
	zero := bytes.Clone(differing)
	copy(zero[idAt:], "\x00\x00\x00\x00")
	keys := map[string]bool{}
	for _, b := range [][]byte{agreeing, differing, zero} {
		keys[keyOf(t, c, captured{"ids", sdk.FromClient, b})] = true
	}
	if len(keys) != 3 {
		t.Errorf("%d keys, want 3", len(keys))
	}
}
