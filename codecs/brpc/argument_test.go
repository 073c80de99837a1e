package brpc

import (
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func path(tb testing.TB, text string) *sdk.Path {
	tb.Helper()
	p, err := sdk.ParsePath(text)
	if err != nil {
		tb.Fatal(err)
	}
	if err := (*Codec)(nil).CheckPath(&p); err != nil {
		tb.Fatal(err)
	}
	return &p
}

// valueAt is the value at a path, "-" if there is none.
func valueAt(tb testing.TB, m *sdk.Message, text string) (string, error) {
	tb.Helper()
	value, found, err := codec(tb, "").AppendArgument([]byte("x"), m, path(tb, text))
	if !strings.HasPrefix(string(value), "x") || !found && string(value) != "x" {
		tb.Errorf("%s: %q", text, value)
	}
	if !found {
		return "-", err
	}
	return string(value[1:]), err
}

// TestArguments reads what protoc encoded and what brpc-java sent.
func TestArguments(t *testing.T) {
	for name, paths := range map[string]map[string]string{
		"cpp-request-rich": {
			"1": "world", "1:string": "world", "1:bytes": "world", "2:int64": "-5", "2:int32": "-5", "2:uint64": "18446744073709551611",
			"2:uint32": "4294967291", "3:sint32": "-3", "3:sint64": "-3", "3:int32": "5", "4": "b", "5.1": "deep", "5.5.2:int64": "300",
			"5.5.1": "-", "5.5.5.5": "-", "6.1": "bob", "6.2:int64": "42", "7:bytes": "\x00\xff", "8:double": "0.5", "9:bool": "true",
			"10:fixed32": "7", "10:sfixed32": "7", "11:fixed64": "9", "11:sfixed64": "9", "13:float": "1.5", "99": "-", "1:enum": "value of another form",
			"12:int32": "value of another form", "1.1": "", "2.1": "leads no further", "8": "value of another form", "2": "value of another form",
		},
		"captured-person-request": {
			"1": "person 4", "2:int32": "-4", "3:double": "1.3333333333333333", "4": "three", "5.1": "max", "5.2:int64": "9223372036854775807",
		},
		"captured-gzip-request": {"1": "it is compressed"},
		"cpp-request-gzip":      {"1": "it is compressed"},
		"captured-echo-request": {"2": "-"},
		"cpp-request-json":      {"1": "not in Protocol Buffers"},
		"cpp-response":          {"1": "only requests have arguments"},
	} {
		for p, want := range paths {
			got, err := valueAt(t, &sdk.Message{Bytes: frame(t, name).bytes}, p)
			if err != nil {
				got = err.Error()
			}
			if got != want && (err == nil || !strings.Contains(got, want)) {
				t.Errorf("%s %s: %q, want %q", name, p, got, want)
			}
		}
	}
}

func TestPathsAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"name": "the number of a field", "0": "the number of a field", "1.-1": "the number of a field", "536870912": "the number of a field",
		"1:text": `"text" is not the type`, "1:message": "not the type of a single value", "1:repeated": "not the type",
	} {
		p, err := sdk.ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := codec(t, "").CheckPath(&p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestArgumentsAreReadAsServersDo has payloads that a careless reader takes for something
// else than a server does.
func TestArgumentsAreReadAsServersDo(t *testing.T) {
	for _, test := range []struct{ name, payload, path, want string }{
		{"the last one counts", "\x0a\x01g\x0a\x01e", "1", "e"},
		{"messages are merged", "\x12\x03\x0a\x01a\x12\x02\x10\x05", "2.1", "a"},
		{"and then the last one counts", "\x12\x03\x0a\x01a\x12\x03\x0a\x01b\x12\x00", "2.1", "b"},
		{"another form behind it", "\x0a\x01g\x08\x05", "1", "another form"},
		{"another form before it", "\x08\x05\x0a\x01g", "1", "another form"},
		{"a number where a message is", "\x10\x05\x12\x03\x0a\x01a", "2.1", "leads no further"},
		{"packed numbers", "\x0a\x02\x01\x02", "1:int32", "another form"},
		{"an int32 of more bits", "\x08\x85\x80\x80\x80\x10", "1:int32", "5"},
		{"an enum of more bits", "\x08\x85\x80\x80\x80\x10", "1:enum", "5"},
		{"an int64 of as many", "\x08\x85\x80\x80\x80\x10", "1:int64", "4294967301"},
		{"a uint32 of more bits", "\x08\x85\x80\x80\x80\x10", "1:uint32", "5"},
		{"a sint32 of more bits", "\x08\x85\x80\x80\x80\x10", "1:sint32", "-3"},
		{"the least int32", "\x08\x80\x80\x80\x80\xf8\xff\xff\xff\xff\x01", "1:int32", "-2147483648"},
		{"a truth of many bits", "\x08\x80\x80\x80\x80\x10", "1:bool", "true"},
		{"a false one", "\x08\x00", "1:bool", "false"},
		{"a tag in two bytes", "\x8a\x00\x01g", "1", "g"},
		{"a group", "\x0b\x0c\x0a\x01g", "1", "a group"},
		{"nothing", "", "1", "-"},
		{"empty text", "\x0a\x00", "1", ""},
		{"cut", "\x0a\x05g", "1", "ends too early"},
		{"cut behind it", "\x0a\x01g\x12\x05", "1", "ends too early"},
	} {
		b, err := codec(t, "").BuildRequest(nil, sdk.Request{ID: 1, Service: "a.B", Method: "c", Payload: []byte(test.payload)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := valueAt(t, &sdk.Message{Bytes: b}, test.path)
		if err != nil {
			got = err.Error()
		}
		if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestArgumentsAreNotInAttachments: what follows the payload is no part of it.
func TestArgumentsAreNotInAttachments(t *testing.T) {
	f := frame(t, "captured-attachment-request")
	if got, err := valueAt(t, &sdk.Message{Bytes: f.bytes}, "99"); err != nil || got != "-" {
		t.Errorf("%q, %v", got, err)
	}
}

// FuzzArgument reads anything in a message. A value is the same when it is read again.
func FuzzArgument(f *testing.F) {
	for _, c := range frames(f) {
		for _, text := range []string{"1", "5.1", "2:int32", "5.5.2:sint64", "13:float"} {
			f.Add(c.bytes, text)
		}
	}
	c := codec(f, "")
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		p, err := sdk.ParsePath(text)
		if err != nil || c.CheckPath(&p) != nil || len(b) == 0 {
			return
		}
		m := &sdk.Message{}
		n, err := c.Decode(sdk.FromClient, b, m)
		if err != nil || m.Kind != sdk.KindRequest {
			return
		}
		m.Bytes = b[:n:n]
		if c.Metadata(m) != nil {
			return
		}
		first, found, err := c.AppendArgument(nil, m, &p)
		if found && err != nil || !found && len(first) > 0 {
			t.Fatalf("%q, %v, %v", first, found, err)
		}
		again, foundAgain, _ := c.AppendArgument([]byte("x"), m, &p)
		if found != foundAgain || string(again) != "x"+string(first) {
			t.Fatalf("%q, then %q", first, again)
		}
	})
}

func TestArgumentsAllocateNothing(t *testing.T) {
	c := codec(t, "")
	dst := make([]byte, 0, 64)
	m := read(t, c, frame(t, "cpp-request-rich"))
	for _, text := range []string{"1", "2:int64", "5.5.2:int64", "8:double", "9:bool"} {
		p := path(t, text)
		n := testing.AllocsPerRun(100, func() {
			if _, found, err := c.AppendArgument(dst, m, p); !found || err != nil {
				t.Fatal(found, err)
			}
		})
		if n > 0 && !raceEnabled {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func BenchmarkArgument(b *testing.B) {
	c := codec(b, "")
	m := read(b, c, frame(b, "cpp-request-rich"))
	for _, text := range []string{"1", "5.5.2:int64"} {
		b.Run(text, func(b *testing.B) {
			p := path(b, text)
			b.ReportAllocs()
			b.SetBytes(int64(len(m.Bytes)))
			dst := make([]byte, 0, 64)
			for b.Loop() {
				if _, found, err := c.AppendArgument(dst, m, p); !found || err != nil {
					b.Fatal(found, err)
				}
			}
		})
	}
}
