package dubbo

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func keyOf(t *testing.T, c *Codec, b []byte) string {
	t.Helper()
	key, err := c.AppendKey([]byte("before"), read(t, c, b))
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := bytes.CutPrefix(key, []byte("before"))
	if !ok {
		t.Fatalf("%q was there before", key)
	}
	return string(rest)
}

// TestKeys looks at the keys of captured calls.
func TestKeys(t *testing.T) {
	c, all := codec(t), frames(t)
	const hello = "\x02\x052.0.2\x12Ljava/lang/String;\x00\x00\x00\x05world"
	for _, name := range []string{"request-say-hello", "request-say-hello-with-lane"} {
		if got := keyOf(t, c, all[name]); got != hello {
			t.Errorf("%s: %q, want %q", name, got, hello)
		}
	}
	seen := map[string]string{hello: "request-say-hello"}
	for _, name := range []string{"request-references", "request-dubbo-go", "request-fastjson2", "request-complexdata", "request-benchmarkdata", "request-fastjson", "request-fastjson-object", "request-fastjson-generic"} {
		key := keyOf(t, c, all[name])
		if other := seen[key]; other != "" {
			t.Errorf("%s and %s have the same key", name, other)
		}
		seen[key] = name
		m := read(t, c, all[name])
		changed, err := c.Encode(nil, m, &sdk.Mutation{
			NewID: true, ID: 77, Service: []byte("other.Service"), Method: []byte("other"),
			Set: []sdk.Entry{{Key: []byte("lane"), Value: []byte("blue")}, {Key: []byte("timeout"), Value: []byte("17")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if keyOf(t, c, changed) != key {
			t.Errorf("%s: the key changes with id, names and attachments", name)
		}
		if !bytes.HasSuffix([]byte(key), bytes.TrimRight(arguments(t, all[name]), "\n")) {
			t.Errorf("%s: the key %q does not end with the arguments", name, key)
		}
	}
}

// TestKeysTellCallsApart has calls whose answers differ in a way that only the codec knows.
func TestKeysTellCallsApart(t *testing.T) {
	c := codec(t)
	keys := map[string]string{}
	add := func(what string, b []byte) {
		t.Helper()
		key := keyOf(t, c, b)
		if other := keys[key]; other != "" {
			t.Errorf("%s has the key of %s", what, other)
		}
		keys[key] = what
	}
	build := func(method string, arguments ...sdk.Argument) []byte {
		t.Helper()
		b, err := c.BuildRequest(nil, sdk.Request{ID: 7, Service: "com.foo.Bar", Method: method, Arguments: arguments})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	world := sdk.Argument{Type: "String", Value: "world"}
	plain := build("hello", world)
	add("String", plain)
	add("Object", build("hello", sdk.Argument{Type: "Object", Value: "world"}))
	add("old consumer", bytes.Replace(plain, []byte("2.0.2"), []byte("2.0.1"), 1))
	add("two", build("hello", world, world))
	generic := []sdk.Argument{
		{Type: "String", Value: "hello"}, {Type: "String[]", Value: []any{"java.lang.String"}}, {Type: "Object[]", Value: []any{"world"}},
	}
	add("generic", build("$invoke", generic...))
	add("generic async", build("$invokeAsync", generic...))
	if m := read(t, c, build("$invoke", generic...)); string(m.Method) != "hello" {
		t.Fatalf("the method is %q, and generic calls do not show as others", m.Method)
	}
}

// TestKeysOfAttachmentsThatAreNoStrings has attachments that entries show as text, or not
// at all. The proxy changes the timeout, on which no answer depends.
func TestKeysOfAttachmentsThatAreNoStrings(t *testing.T) {
	c := codec(t)
	with := func(key, value string) string {
		t.Helper()
		b, err := c.BuildRequest(nil, sdk.Request{Service: "com.foo.Bar", Method: "hello", Metadata: []sdk.Entry{{Key: []byte(key), Value: []byte("1")}}})
		if err != nil {
			t.Fatal(err)
		}
		text := "\x01" + "1" // Hessian's short string
		b = bytes.Replace(b, []byte(key+text), []byte(key+value), 1)
		binary.BigEndian.PutUint32(b[12:], uint32(len(b)-headerSize))
		return keyOf(t, c, b)
	}
	seen := map[string]bool{}
	// A text, the numbers 1 and 2, and the truth, null, lists of one text.
	for _, value := range []string{"\x01" + "1", "\x91", "\x92", "T", "N", "\x79\x02en", "\x79\x02de"} {
		key := with("lang", value)
		if seen[key] {
			t.Errorf("lang %q has the key of another", value)
		}
		seen[key] = true
	}
	// A list in the timeout's place may be what another attachment refers to.
	if with("timeout", "\x79\x02en") == with("timeout", "\x79\x02de") {
		t.Error("two lists have one key")
	}
	if with("timeout", "\x91") != with("timeout", "\x92") {
		t.Error("the key changes with the timeout")
	}
}

// TestCallbacksHaveNoKey has an argument that is called back on the consumer's connection.
func TestCallbacksHaveNoKey(t *testing.T) {
	c := codec(t)
	b, err := c.BuildRequest(nil, sdk.Request{
		Service: "com.foo.Bar", Method: "listen", Metadata: []sdk.Entry{{Key: []byte("sys_callback_arg-1"), Value: []byte("12345")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if key, err := c.AppendKey(nil, read(t, c, b)); err == nil {
		t.Errorf("the key is %q", key)
	}
}
