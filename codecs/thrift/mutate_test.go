package thrift

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func entry(key, value string) sdk.Entry { return sdk.Entry{Key: []byte(key), Value: []byte(value)} }

func TestEmptyMutationKeepsEveryByte(t *testing.T) {
	c := codec(t, "")
	for _, f := range frames(t) {
		if !f.readable() {
			continue
		}
		if got, err := c.Encode(nil, read(t, c, f), &sdk.Mutation{}); err != nil || !bytes.Equal(got, f.bytes) {
			t.Errorf("%s: %v", f.name, err)
		}
	}
}

// TestMutationsGiveTheBytesOfOthers changes one captured message into another one.
func TestMutationsGiveTheBytesOfOthers(t *testing.T) {
	c := codec(t, "")
	type change struct {
		from, to string
		mut      sdk.Mutation
	}
	changes := []change{
		{"header-binary-call", "header-binary-lane", sdk.Mutation{Set: []sdk.Entry{entry("x-lane", "blue")}}},
		{"header-compact-call", "header-compact-lane", sdk.Mutation{Optional: []sdk.Entry{entry("x-lane", "blue")}}},
		{"header-binary-lane", "header-binary-lane-green", sdk.Mutation{Set: []sdk.Entry{entry("x-lane", "green!")}}},
		{"header-binary-lane-green", "header-binary-lane", sdk.Mutation{Set: []sdk.Entry{entry("x-lane", "blue")}}},
		{"header-binary-reply", "header-binary-reply-lane", sdk.Mutation{Set: []sdk.Entry{entry("x-lane", "blue")}}},
		{"ttheader-call-bare", "ttheader-call", sdk.Mutation{Set: []sdk.Entry{entry("x-lane", "blue"), entry("from_service", "client")}}},
	}
	for _, shape := range shapes {
		id := sdk.Mutation{NewID: true, ID: 2, Service: []byte("Greeter")}
		changes = append(changes, change{shape + "-call", shape + "-call-multiplexed", id})
	}
	for _, tt := range changes {
		got, err := c.Encode([]byte("before"), read(t, c, frame(t, tt.from)), &tt.mut)
		if want := frame(t, tt.to).bytes; err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
			t.Errorf("%s to %s: %v\n got %x\nwant %x", tt.from, tt.to, err, got, want)
		}
	}
}

// structOf is the struct of a message, found by its end: nothing changes behind it.
func structOf(t *testing.T, c *Codec, m *sdk.Message) []byte {
	t.Helper()
	l, _, err := c.locate(m.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return m.Bytes[l.body:]
}

// TestMutations changes everything that a call can have changed, and reads it back.
func TestMutations(t *testing.T) {
	c := codec(t, "")
	for _, f := range frames(t) {
		if f.from == sdk.FromServer || !f.readable() {
			continue
		}
		m := read(t, c, f)
		mut := &sdk.Mutation{NewID: true, ID: 0x7f010203, Service: []byte("other.Service"), Method: []byte("anotherMethod")}
		mut.Optional = []sdk.Entry{entry("traceparent", "00-1-2-01")}
		withHeaders := strings.Contains(f.name, "header")
		if withHeaders {
			mut.Set = []sdk.Entry{entry("x-lane", "a longer value than before"), entry("fresh", "grüße")}
			mut.Remove = [][]byte{[]byte("client_timeout"), []byte("RPC_TRANSIT_gdpr-token"), []byte("rpc_timeout"), []byte("not-there")}
		}
		changed, err := c.Encode(nil, m, mut)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		got := read(t, c, captured{f.name, f.from, changed})
		if got.ID != mut.ID || string(got.Service) != "other.Service" || string(got.Method) != "anotherMethod" || got.Kind != m.Kind || got.Timeout != 0 {
			t.Errorf("%s: got %v %x %s/%s", f.name, got.Kind, got.ID, got.Service, got.Method)
		}
		if !bytes.Equal(structOf(t, c, got), structOf(t, c, m)) {
			t.Errorf("%s: the arguments changed", f.name)
		}
		want := map[string]string{}
		if withHeaders {
			want = expected(m, mut)
		}
		for _, e := range got.Entries() {
			if value, ok := want[string(e.Key)]; !ok || value != string(e.Value) {
				t.Errorf("%s: %s is %q, want %q", f.name, e.Key, e.Value, value)
			}
			delete(want, string(e.Key))
		}
		if len(want) > 0 {
			t.Errorf("%s: gone are %v", f.name, want)
		}
	}
}

// expected is what the entries of m become.
func expected(m *sdk.Message, mut *sdk.Mutation) map[string]string {
	want := map[string]string{}
	for _, list := range [][]sdk.Entry{m.Entries(), mut.Set, mut.Optional} {
		for _, e := range list {
			want[string(e.Key)] = string(e.Value)
		}
	}
	for _, key := range mut.Remove {
		delete(want, string(key))
	}
	return want
}

// TestNewIDIsUndone gives a reply another id and its own one again, as a carrier of
// many calls does.
func TestNewIDIsUndone(t *testing.T) {
	c := codec(t, "")
	for _, f := range frames(t) {
		if !f.readable() {
			continue
		}
		m := read(t, c, f)
		there, err := c.Encode(nil, m, &sdk.Mutation{NewID: true, ID: 0x12345678})
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		other := read(t, c, captured{f.name, f.from, there})
		back, err := c.Encode(nil, other, &sdk.Mutation{NewID: true, ID: m.ID})
		if err != nil || other.ID != 0x12345678 || !bytes.Equal(back, f.bytes) {
			t.Errorf("%s: %x, %v\n got %x\nwant %x", f.name, other.ID, err, back, f.bytes)
		}
	}
}

// TestIDsThatDisagree leaves the sequence id alone where the headers have another id:
// clients of fbthrift pair by the latter, and have 0 as the former.
func TestIDsThatDisagree(t *testing.T) {
	c := codec(t, "")
	b := bytes.Clone(frame(t, "header-binary-call").bytes)
	b[idAt+3] = 77
	m := read(t, c, captured{bytes: b})
	if m.ID != 77 {
		t.Fatalf("id is %d", m.ID)
	}
	got, err := c.Encode(nil, m, &sdk.Mutation{NewID: true, ID: 78})
	if b[idAt+3] = 78; err != nil || !bytes.Equal(got, b) {
		t.Errorf("%v\n got %x\nwant %x", err, got, b)
	}
	reply, err := c.Reply(nil, sdk.Call{ID: m.ID, Token: m.Token, Method: m.Method}, sdk.Failure{Cause: sdk.CauseTimeout})
	if err != nil {
		t.Fatal(err)
	}
	l, _, err := c.locate(reply)
	if err != nil || reply[idAt+3] != 77 || l.seq != 1 {
		t.Errorf("reply has ids %d and %d, %v", reply[idAt+3], l.seq, err)
	}
}

func TestRefusedMutations(t *testing.T) {
	c := codec(t, "")
	for name, tt := range map[string]struct {
		frame string
		mut   sdk.Mutation
	}{
		"set without headers":         {"framed-binary-call", sdk.Mutation{Set: []sdk.Entry{entry("x-lane", "blue")}}},
		"remove without headers":      {"unframed-compact-call", sdk.Mutation{Remove: [][]byte{[]byte("x")}}},
		"set in a bare reply":         {"framed-binary-reply", sdk.Mutation{Set: []sdk.Entry{entry("x-lane", "blue")}}},
		"the field of an exception":   {"header-binary-reply-declared", sdk.Mutation{Remove: [][]byte{[]byte(keyDeclared)}}},
		"method of a reply":           {"framed-binary-reply", sdk.Mutation{Method: []byte("m")}},
		"service of a reply":          {"ttheader-reply", sdk.Mutation{Service: []byte("S")}},
		"a service with a colon":      {"framed-binary-call", sdk.Mutation{Service: []byte("a:b")}},
		"a method that is a service":  {"framed-binary-call", sdk.Mutation{Method: []byte("a:b")}},
		"an empty method":             {"framed-binary-call", sdk.Mutation{Method: []byte{}}},
		"an empty method of a set":    {"framed-binary-call-multiplexed", sdk.Mutation{Method: []byte{}}},
		"a method that is too long":   {"framed-binary-call", sdk.Mutation{Method: bytes.Repeat([]byte("m"), maxName+1)}},
		"the header of the service":   {"ttheader-call-framed", sdk.Mutation{Set: []sdk.Entry{entry(keyService, "S")}}},
		"a value that is too long":    {"ttheader-call", sdk.Mutation{Set: []sdk.Entry{entry("k", strings.Repeat("v", 1<<16))}}},
		"headers that are too long":   {"ttheader-call", sdk.Mutation{Set: []sdk.Entry{entry("k", strings.Repeat("v", 1<<16-1))}}},
		"THeaders that are too long":  {"header-binary-lane", sdk.Mutation{Set: []sdk.Entry{entry("k", strings.Repeat("v", 1<<17))}}},
		"a method that cannot be set": {"header-compact-zlib", sdk.Mutation{Method: []byte("m")}},
	} {
		m := &sdk.Message{}
		f := frame(t, tt.frame)
		if _, err := c.Decode(f.from, f.bytes, m); err != nil {
			t.Fatal(err)
		}
		m.Bytes = f.bytes
		_ = c.Metadata(m) // of what is transformed it is an error
		var call *sdk.CallError
		got, err := c.Encode([]byte("before"), m, &tt.mut)
		if !errors.As(err, &call) || call.Cause != sdk.CauseUnsupported || string(got) != "before" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestOptionalEntriesNeverFail offers what the transport has no place for.
func TestOptionalEntriesNeverFail(t *testing.T) {
	c := codec(t, "")
	for _, f := range frames(t) {
		if !f.readable() {
			continue
		}
		for _, o := range []sdk.Entry{entry("traceparent", "00-1"), entry("long", strings.Repeat("v", 1<<17)), entry(keyService, "S"), entry(keyDeclared, "9")} {
			m := read(t, c, f)
			got, err := c.Encode(nil, m, &sdk.Mutation{Optional: []sdk.Entry{o}})
			if err != nil {
				t.Errorf("%s: %s: %v", f.name, o.Key, err)
				continue
			}
			if again := read(t, c, captured{f.name, f.from, got}); !bytes.Equal(again.Service, m.Service) || again.Status.Code != m.Status.Code {
				t.Errorf("%s: %s made it another message", f.name, o.Key)
			}
		}
	}
}

// TestChecksum refuses changes of a payload that Kitex has summed up, and no others.
func TestChecksum(t *testing.T) {
	c := codec(t, "")
	for _, key := range []string{keyChecksum, string(checksumPrefix) + "mine"} {
		summed, err := c.Encode(nil, read(t, c, frame(t, "ttheader-call")), &sdk.Mutation{Set: []sdk.Entry{entry(key, "1234")}})
		if err != nil {
			t.Fatal(err)
		}
		m := read(t, c, captured{bytes: summed})
		if _, err := c.Encode(nil, m, &sdk.Mutation{Set: []sdk.Entry{entry("x-lane", "green")}}); err != nil {
			t.Errorf("a header cannot be changed: %v", err)
		}
		if _, err := c.Encode(nil, m, &sdk.Mutation{Method: []byte("other")}); err == nil {
			t.Error("the method was changed below the checksum")
		}
		if _, err := c.Encode(nil, m, &sdk.Mutation{Method: []byte("other"), Remove: [][]byte{[]byte(key)}}); err != nil {
			t.Errorf("the method cannot be changed without the checksum: %v", err)
		}
	}
}

// TestUnknownHeadersStay keeps a block that is not known, as the format asks for.
func TestUnknownHeadersStay(t *testing.T) {
	c := codec(t, "")
	payload := frame(t, "unframed-binary-call").bytes
	info := []byte{0, 0, blockText, 1, 1, 'a', 1, 'b', 9, 'x', 'y', 'z'}
	b := append([]byte{0, 0, 0, byte(10 + len(info) + len(payload)), 0x0f, 0xff, 0, 0, 0, 0, 0, 1, 0, byte(len(info) / 4)}, info...)
	m := read(t, c, captured{bytes: append(b, payload...)})
	if entries(m) != "a=b" {
		t.Fatalf("entries %q", entries(m))
	}
	got, err := c.Encode(nil, m, &sdk.Mutation{Set: []sdk.Entry{entry("c", "d")}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "\x01\x02\x01a\x01b\x01c\x01d\x09xyz"; !strings.Contains(string(got), want) {
		t.Errorf("got %x, which does not contain %x", got, want)
	}
	if again := read(t, c, captured{bytes: got}); entries(again) != "a=b c=d" {
		t.Errorf("entries %q", entries(again))
	}
}

// TestHeadersThatLie reads headers whose lengths and counts are wrong.
func TestHeadersThatLie(t *testing.T) {
	c := codec(t, "")
	for name, at := range map[string]int{"ttheader-call": infoAt + 3, "header-binary-lane": infoAt + 2} {
		f := frame(t, name)
		for i := at; i < at+10; i++ {
			b := bytes.Clone(f.bytes)
			b[i] = 0xff
			m := &sdk.Message{}
			if n, err := c.Decode(f.from, b, m); err != nil || n != len(b) {
				t.Fatalf("%s: %d, %v", name, n, err)
			}
			m.Bytes = b
			var call *sdk.CallError
			if err := c.Metadata(m); err != nil && !errors.As(err, &call) {
				t.Errorf("%s with byte %d: %v", name, i, err)
			}
		}
	}
}
