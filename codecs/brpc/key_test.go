package brpc

import (
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

// TestKeys looks at the keys of captured calls.
func TestKeys(t *testing.T) {
	c := codec(t, "")
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	gzip, json := frame(t, "cpp-request-gzip"), frame(t, "cpp-request-json")
	payload := func(f captured) string {
		t.Helper()
		l, err := layoutOf(&sdk.Message{Bytes: f.bytes})
		if err != nil {
			t.Fatal(err)
		}
		return string(f.bytes[l.meta.to:])
	}
	for _, want := range []struct {
		f   captured
		key string
	}{
		{gzip, zeros(4) + "\x02" + zeros(8) + payload(gzip)},
		{json, zeros(8) + "\x01" + zeros(4) + payload(json)},
		{frame(t, "cpp-request-no-payload"), zeros(13)},
	} {
		if got := keyOf(t, c, want.f); got != want.key {
			t.Errorf("%s: %q, want %q", want.f.name, got, want.key)
		}
	}
	seen := map[string]string{}
	for _, name := range []string{"captured-echo-request", "captured-echo-unicode-request", "captured-snappy-request", "captured-gzip-request", "captured-zlib-attachment-request", "captured-attachment-request", "captured-kv-request", "java-request-ext-fields"} {
		f := frame(t, name)
		key := keyOf(t, c, f)
		if other := seen[key]; other != "" {
			t.Errorf("%s has the key of %s", name, other)
		}
		seen[key] = name
		b, err := c.Encode(nil, read(t, c, f), &sdk.Mutation{
			NewID: true, ID: 1 << 40, Service: []byte("other.Service"), Method: []byte("other"),
			Set: []sdk.Entry{{Key: []byte("lane"), Value: []byte("blue")}, {Key: []byte(keyLogID), Value: []byte("7")}, {Key: []byte(keyTimeout), Value: []byte("17")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := keyOf(t, c, captured{name + " changed", f.from, b}); got != key {
			t.Errorf("%s: the key changes with id, names and metadata: %q, %q", name, key, got)
		}
	}
}

// TestKeysTellFormsApart has one entry in each of the two places for it. A server reads
// one of them.
func TestKeysTellFormsApart(t *testing.T) {
	f, keys := frame(t, "captured-echo-request"), map[string]string{}
	for _, dialect := range []string{"cpp", "java"} {
		c := codec(t, `{"dialect":"`+dialect+`"}`)
		b, err := c.Encode(nil, read(t, c, f), &sdk.Mutation{Set: []sdk.Entry{{Key: []byte("lane"), Value: []byte("blue")}}})
		if err != nil {
			t.Fatal(err)
		}
		either, changed := codec(t, ""), captured{dialect, f.from, b}
		if lane, _ := read(t, either, changed).Get("lane"); string(lane) != "blue" {
			t.Fatalf("%s: the lane is %q", dialect, lane)
		}
		key := keyOf(t, either, changed)
		if other := keys[key]; other != "" {
			t.Errorf("%s has the key of %s", dialect, other)
		}
		keys[key] = dialect
	}
}
