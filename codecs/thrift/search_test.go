package thrift

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestPieces feeds unframed messages byte by byte, each connection many of them.
func TestPieces(t *testing.T) {
	shared := codec(t, "")
	c := shared.NewConnection()
	for _, f := range frames(t) {
		for n := 1; n <= len(f.bytes); n++ {
			m := &sdk.Message{}
			got, err := c.Decode(f.from, f.bytes[:n:n], m)
			switch {
			case n < len(f.bytes) && (!errors.Is(err, sdk.ErrNeedMore) || got <= n || got > len(f.bytes)):
				t.Fatalf("%s: %d of %d: need %d, %v", f.name, n, len(f.bytes), got, err)
			case n == len(f.bytes) && (err != nil || got != n):
				t.Fatalf("%s: %d of %d, %v", f.name, got, n, err)
			}
		}
	}
}

// manyFields is an unframed call with a struct of n fields of two bytes, in compact.
func manyFields(n int) []byte {
	b := appendEnvelope(nil, compact, typeCall, "m", 1)
	b = append(b, bytes.Repeat([]byte{0x13, 7}, n)...)
	return append(b, 0)
}

// TestEachByteIsSkippedOnce counts the fields that are looked at while a long message
// comes byte by byte.
func TestEachByteIsSkippedOnce(t *testing.T) {
	b := manyFields(20000)
	c := codec(t, "").NewConnection().(*connection)
	m := &sdk.Message{}
	for n := 1; n < len(b); n++ {
		if _, err := c.Decode(sdk.FromClient, b[:n], m); !errors.Is(err, sdk.ErrNeedMore) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if s := c.searches[sdk.FromClient]; s != nil && (s.skipper.at < n-2 || s.seen != n) {
			t.Fatalf("after %d bytes the search stands at %d", n, s.skipper.at)
		}
	}
	// What has been skipped is not looked at again until the end is found: were it
	// not so, these bytes would be an error now.
	torn := bytes.Clone(b[:len(b)-1])
	torn[len(torn)/2] = 0xff
	if _, err := c.Decode(sdk.FromClient, torn, m); !errors.Is(err, sdk.ErrNeedMore) {
		t.Errorf("the message was skipped from its start: %v", err)
	}
	if n, err := c.Decode(sdk.FromClient, b, m); err != nil || n != len(b) {
		t.Errorf("%d of %d, %v", n, len(b), err)
	}
}

// TestAnotherMessageInstead gives up a message in its middle and comes with others
// that start and end alike, but have something else between.
func TestAnotherMessageInstead(t *testing.T) {
	shared := codec(t, "")
	first, second := manyFields(200), manyFields(200)
	second[101] = 0 // the end, and what follows it is no part
	want, err := shared.Decode(sdk.FromClient, second, &sdk.Message{})
	if err != nil || want == len(second) {
		t.Fatalf("%d, %v", want, err)
	}
	c := shared.NewConnection()
	if _, err := c.Decode(sdk.FromClient, first[:300], &sdk.Message{}); !errors.Is(err, sdk.ErrNeedMore) {
		t.Fatal(err)
	}
	if n, err := c.Decode(sdk.FromClient, second, &sdk.Message{}); err != nil || n != want {
		t.Errorf("%d, %v; want %d", n, err, want)
	}
	if n, err := c.Decode(sdk.FromServer, first, &sdk.Message{}); err != nil || n != len(first) {
		t.Errorf("the other side: %d, %v", n, err)
	}
}

// TestNesting is refused where it is too deep, and taken one level before.
func TestNesting(t *testing.T) {
	c := codec(t, "")
	for name, nest := range map[string]func(depth int) []byte{
		"structs": func(n int) []byte {
			return []byte(strings.Repeat("\x0c\x00\x01", n-1) + strings.Repeat("\x00", n))
		},
		"lists": func(n int) []byte {
			return []byte("\x0f\x00\x01" + strings.Repeat("\x0f\x00\x00\x00\x01", n-2) + "\x08\x00\x00\x00\x00" + "\x00")
		},
	} {
		for depth, ok := range map[int]bool{sdk.MaxDepth: true, sdk.MaxDepth + 2: false} {
			b := append(appendEnvelope(nil, strict, typeCall, "m", 1), nest(depth)...)
			n, err := c.Decode(sdk.FromClient, b, &sdk.Message{})
			var lost *sdk.ConnectionError
			if ok && (err != nil || n != len(b)) || !ok && (!errors.As(err, &lost) || !errors.Is(err, errDepth)) {
				t.Errorf("%d %s: %d of %d, %v", depth, name, n, len(b), err)
			}
		}
	}
}

// TestValuesThatLie are unframed messages without an end that could be right.
func TestValuesThatLie(t *testing.T) {
	c := codec(t, "")
	for name, tt := range map[string]struct {
		protocol protocol
		value    string
	}{
		"an unknown type":               {strict, "\x05\x00\x01"},
		"void":                          {strict, "\x01\x00\x01"},
		"a negative length":             {strict, "\x0b\x00\x01\xff\xff\xff\xff"},
		"a length beyond any message":   {strict, "\x0b\x00\x01\x7f\xff\xff\xff"},
		"a list beyond any message":     {strict, "\x0f\x00\x01\x0a\x7f\xff\xff\xff"},
		"a map beyond any message":      {strict, "\x0d\x00\x01\x10\x10\x7f\xff\xff\xff"},
		"a list of many structs":        {strict, "\x0f\x00\x01\x0c\x7f\xff\xff\xff\x00"},
		"a map of many structs":         {strict, "\x0d\x00\x01\x0b\x0c\x3f\xff\xff\xff"},
		"a negative count":              {strict, "\x0f\x00\x01\x0c\xff\xff\xff\xff"},
		"elements of no type":           {strict, "\x0f\x00\x01\x00\x00\x00\x00\x01"},
		"values of no type":             {strict, "\x0d\x00\x01\x0b\x01\x00\x00\x00\x01"},
		"compact: an unknown type":      {compact, "\x1e"},
		"compact: a long i16":           {compact, "\x14\xff\xff\xff\xff\xff"},
		"compact: a long i64":           {compact, "\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
		"compact: a negative length":    {compact, "\x18\xff\xff\xff\xff\x0f"},
		"compact: a long id":            {compact, "\x05\xff\xff\xff\xff\xff"},
		"compact: elements of no type":  {compact, "\x19\x10"},
		"compact: a map of no type":     {compact, "\x1b\x01\x00"},
		"compact: a count of many maps": {compact, "\x1b\xff\xff\xff\xff\x0f\x88"},
	} {
		b := append(appendEnvelope(nil, tt.protocol, typeCall, "m", 1), tt.value...)
		var lost *sdk.ConnectionError
		if n, err := c.Decode(sdk.FromClient, b, &sdk.Message{}); !errors.As(err, &lost) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		// The same in a frame costs this call alone.
		b = append([]byte{0, 0, 0, byte(len(b))}, b...)
		var call *sdk.CallError
		if n, err := c.Decode(sdk.FromClient, b, &sdk.Message{}); !errors.As(err, &call) || n != len(b) {
			t.Errorf("%s, framed: %d of %d, %v", name, n, len(b), err)
		}
	}
}

// TestEmptyContainersOfNoType are what some writers make; nothing in them has a type.
func TestEmptyContainersOfNoType(t *testing.T) {
	c := codec(t, "")
	for name, value := range map[string]string{
		"a list": "\x0f\x00\x01\x00\x00\x00\x00\x00\x00", "a list of type 255": "\x0f\x00\x01\xff\x00\x00\x00\x00\x00",
		"a map of types 255": "\x0d\x00\x01\xff\xff\x00\x00\x00\x00\x00",
	} {
		b := append(appendEnvelope(nil, strict, typeCall, "m", 1), value...)
		m := &sdk.Message{}
		n, err := c.Decode(sdk.FromClient, b, m)
		if m.Bytes = b; err != nil || n == 0 {
			t.Errorf("%s: %d, %v", name, n, err)
			continue
		}
		if v, err := c.View(m); err != nil || len(v.Arguments) != 1 {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

// TestWhatIsAskedFor asks for the least that a message can have.
func TestWhatIsAskedFor(t *testing.T) {
	c := codec(t, "")
	envelope := appendEnvelope(nil, strict, typeCall, "m", 1)
	for name, tt := range map[string]struct {
		value string
		more  int
	}{
		"a string":              {"\x0b\x00\x01\x00\x00\x00\x10", 16},
		"a list of structs":     {"\x0f\x00\x01\x0c\x00\x00\x01\x00", 256 + 1},
		"a struct in a list":    {"\x0f\x00\x01\x0c\x00\x00\x01\x00\x0c\x00\x01", 256 + 2},
		"a map of strings":      {"\x0d\x00\x01\x0b\x0b\x00\x00\x00\x02", 4 + 3 + 1},
		"a list of numbers":     {"\x0f\x00\x01\x0a\x00\x00\x01\x00", 256 * 8},
		"the end of the struct": {"", 1},
	} {
		b := append(bytes.Clone(envelope), tt.value...)
		if n, err := c.Decode(sdk.FromClient, b, &sdk.Message{}); !errors.Is(err, sdk.ErrNeedMore) || n-len(b) != tt.more {
			t.Errorf("%s: %d more, want %d, %v", name, n-len(b), tt.more, err)
		}
	}
}
