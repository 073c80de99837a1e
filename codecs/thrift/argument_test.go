package thrift

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

// argument is the value at a path, "-" if there is none.
func argument(tb testing.TB, m *sdk.Message, text string) (string, error) {
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

// TestArguments reads the call that has every type, as Apache Thrift wrote it in each
// transport and protocol.
func TestArguments(t *testing.T) {
	for _, shape := range shapes {
		m := read(t, codec(t, ""), frame(t, shape+"-call-rich"))
		for p, want := range map[string]string{
			"1": "true", "2": "false", "1:bool": "true", "3": "-7", "4": "-300", "5": "70000", "6": "-5000000000", "7": "1.5",
			"8": "\xff\x00\x01", "9": "00112233-4455-6677-8899-aabbccddeeff", "10.1": "false", "10.2": "true", "10.3": "-",
			"11.19": "19000", "11.20": "-", "40.a.1.1": "in a", "40.b.0.300": "far", "40.b.0.300:string": "far", "40.b.7.300": "-",
			"40.c.0.1": "-", "41.x": "-", "42.0": "-", "43.1": "-", "44": "grüße", "44:string": "grüße", "45": "-", "-1": "-", "6:i64": "-5000000000",
		} {
			if got, err := argument(t, m, p); err != nil || got != want {
				t.Errorf("%s %s: %q, %v, want %q", shape, p, got, err, want)
			}
		}
		for p, want := range map[string]string{
			"40": "no single value", "43": "no single value", "40.a": "no single value", "1.1": "leads no further", "44.0": "leads no further",
			"10.x": "have numbers", "10.-1": "have numbers", "5:i64": "of type i32, not i64", "1:string": "of type bool", "10.1.1": "leads no further",
		} {
			if got, err := argument(t, m, p); err == nil || got != "-" || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %q, %v, want %q", shape, p, got, err, want)
			}
		}
	}
}

// TestArgumentsOfOthers reads what other implementations wrote.
func TestArgumentsOfOthers(t *testing.T) {
	n := 0
	for _, f := range frames(t) {
		if f.from != sdk.FromClient || !strings.HasSuffix(f.name, "-call") || strings.Contains(f.name, "token") {
			continue
		}
		got, err := argument(t, read(t, codec(t, ""), f), "1:string")
		if err != nil || got == "-" || got == "" {
			t.Errorf("%s: %q, %v", f.name, got, err)
		}
		n++
	}
	if n < 20 {
		t.Errorf("only %d calls", n)
	}
	if _, err := argument(t, &sdk.Message{Bytes: frame(t, "header-compact-zlib").bytes}, "1"); err == nil || !strings.Contains(err.Error(), "transformed") {
		t.Errorf("a compressed payload: %v", err)
	}
	if _, err := argument(t, &sdk.Message{Bytes: frame(t, "framed-binary-reply").bytes}, "0"); err == nil || !strings.Contains(err.Error(), "only calls") {
		t.Errorf("a reply: %v", err)
	}
}

func TestPathsAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"name": "the id of a field", "32768": "the id of a field", "-32769": "the id of a field", "1:int": `"int" is no type`, "1:struct": "is no type",
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

// TestArgumentsThatServersMayReadOtherwise are those of a client that wants policies to
// see one value and the server another.
func TestArgumentsThatServersMayReadOtherwise(t *testing.T) {
	const (
		binary     = "\x80\x01\x00\x01\x00\x00\x00\x01m\x00\x00\x00\x01" // an envelope
		compact    = "\x82\x21\x01\x01m"
		good, evil = "\x0b\x00\x01\x00\x00\x00\x01g", "\x0b\x00\x01\x00\x00\x00\x01e"
	)
	for _, test := range []struct{ name, message, path, want string }{
		{"once", binary + good + "\x00", "1", "g"},
		{"a field twice", binary + good + evil + "\x00", "1", "there twice"},
		{"a field twice, with another type", binary + good + "\x08\x00\x01\x00\x00\x00\x05\x00", "1", "there twice"},
		{"a struct twice", binary + "\x0c\x00\x02" + good + "\x00\x0c\x00\x02" + evil + "\x00\x00", "2.1", "there twice"},
		{"twice in a struct", binary + "\x0c\x00\x02" + good + evil + "\x00\x00", "2.1", "there twice"},
		{"twice elsewhere", binary + "\x0c\x00\x02" + good + evil + "\x00" + good + "\x00", "1", "g"},
		{"a key twice", binary + "\x0d\x00\x01\x0b\x03\x00\x00\x00\x02\x00\x00\x00\x01k\x01\x00\x00\x00\x01k\x02\x00", "1.k", "there twice"},
		{"a key once", binary + "\x0d\x00\x01\x0b\x03\x00\x00\x00\x01\x00\x00\x00\x01k\x07\x00", "1.k", "7"},
		{"a number as key", binary + "\x0d\x00\x01\x08\x03\x00\x00\x00\x01\xff\xff\xff\xfe\x07\x00", "1.-2", "7"},
		{"a truth as key", binary + "\x0d\x00\x01\x02\x03\x00\x00\x00\x01\x01\x07\x00", "1.true", "7"},
		{"neither true nor false as key", binary + "\x0d\x00\x01\x02\x03\x00\x00\x00\x01\x02\x07\x00", "1.true", "neither true nor false"},
		{"neither true nor false", binary + "\x02\x00\x01\x02\x00", "1", "neither true nor false"},
		{"an id that goes round", compact + "\x05\xff\xff\x03\x02\xf5\x04\x00", "1", "-"},
		{"an i16 of more bits", compact + "\x14\x80\x80\x08\x00", "1", "more than its type holds"},
		{"an i32 of more bits", compact + "\x15\x8a\x80\x80\x80\x20\x00", "1", "more than its type holds"},
		{"an i32 of more bits as key", compact + "\x1b\x01\x53\x8a\x80\x80\x80\x20\x07\x00", "1.5", "more than its type holds"},
		{"cut", binary + good, "1", "ends too early"},
		{"a list that is longer than the message", binary + "\x0f\x00\x01\x08\x7f\xff\xff\xff", "1.5", "too long"},
	} {
		got, err := argument(t, &sdk.Message{Kind: sdk.KindRequest, Bytes: []byte(test.message)}, test.path)
		if err != nil {
			got = err.Error()
		}
		if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestArgumentsOfCutMessages reads all prefixes of a message: no value may come out of one
// that the whole message does not have.
func TestArgumentsOfCutMessages(t *testing.T) {
	for _, shape := range []string{"unframed-binary", "unframed-compact"} {
		b := frame(t, shape+"-call-rich").bytes
		for _, text := range []string{"1", "6", "11.3", "40.b.1.300", "44"} {
			for i := 1; i < len(b); i++ {
				if got, err := argument(t, &sdk.Message{Kind: sdk.KindRequest, Bytes: b[:i:i]}, text); err == nil {
					t.Errorf("%s %s: %d bytes have %q", shape, text, i, got)
				}
			}
		}
	}
}

// FuzzArgument reads anything in a message. A value is the same when it is read again.
func FuzzArgument(f *testing.F) {
	for _, c := range frames(f) {
		for _, text := range []string{"1", "40.b.0.300", "11.3:i32", "-1.x"} {
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
		if err != nil || m.Kind == sdk.KindResponse {
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
	for _, shape := range shapes {
		m := read(t, c, frame(t, shape+"-call-rich"))
		for _, text := range []string{"1", "6", "11.3", "40.b.1.300", "44"} {
			p := path(t, text)
			n := testing.AllocsPerRun(100, func() {
				if _, found, err := c.AppendArgument(dst, m, p); !found || err != nil {
					t.Fatal(found, err)
				}
			})
			if n > 0 && !raceEnabled {
				t.Errorf("%s %s: %v allocations", shape, text, n)
			}
		}
	}
}

func BenchmarkArgument(b *testing.B) {
	c := codec(b, "")
	for _, shape := range []string{"framed-binary", "framed-compact"} {
		for _, text := range []string{"1", "40.b.1.300", "44"} {
			b.Run(shape+"/"+text, func(b *testing.B) {
				m, p := read(b, c, frame(b, shape+"-call-rich")), path(b, text)
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
}
