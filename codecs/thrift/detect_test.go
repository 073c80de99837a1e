package thrift

import (
	"errors"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestFirstWrongByte feeds what is no message and gets its error with the first byte
// that cannot be right, whatever could still come.
func TestFirstWrongByte(t *testing.T) {
	c := codec(t, "")
	for name, b := range map[string]string{
		"not Thrift":                     "\x7f",
		"a length that is too long":      "\x40",
		"another version":                "\x80\x02",
		"another version, framed":        "\x00\x00\x00\x20\x80\x02",
		"another version of compact":     "\x82\x22",
		"no length":                      "\x00\x00\x00\x00",
		"half of THeader's magic":        "\x00\x00\x00\x20\x0f\x00",
		"half of TTHeader's magic":       "\x00\x00\x00\x20\x10\x01",
		"JSON":                           "[",
		"framed JSON":                    "\x00\x00\x00\x20[",
		"an HTTP/2 preface":              "P",
		"a name that is no name":         "\x00\x00\x00\x03a ",
		"a framed name that is none":     "\x00\x00\x00\x20\x00\x00\x00\x03\x01",
		"a name longer than its frame":   "\x00\x00\x00\x20\x80\x01\x00\x01\x00\x00\x00\x30",
		"a name longer than any":         "\x80\x01\x00\x01\x00\x01\x00\x00",
		"a negative length of a name":    "\x80\x01\x00\x01\xff\xff\xff\xff",
		"no type of an unframed message": "\x80\x01\x00\x05\x00\x00\x00\x01a\x00\x00\x00\x01",
		"a lax name beyond its frame":    "\x00\x00\x00\x10\x00\x00\x00\x40",
		"a frame too short for headers":  "\x00\x00\x00\x09\x0f",
		"headers beyond their frame":     "\x00\x00\x00\x0e\x0f\xff\x00\x00\x00\x00\x00\x01\x00\x02",
		"no headers":                     "\x00\x00\x00\x20\x0f\xff\x00\x00\x00\x00\x00\x01\x00\x00",
		"headers of more than 16 bits":   "\x00\x10\x00\x20\x10\x00\x00\x00\x00\x00\x00\x01\x40\x00",
	} {
		var lost *sdk.ConnectionError
		if n, err := c.Decode(sdk.FromClient, []byte(b), &sdk.Message{}); !errors.As(err, &lost) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if len(b) < 2 {
			continue
		}
		if _, err := c.Decode(sdk.FromClient, []byte(b[:len(b)-1]), &sdk.Message{}); !errors.Is(err, sdk.ErrNeedMore) {
			t.Errorf("%s: refused without its last byte: %v", name, err)
		}
	}
}

// TestFixedForms takes frames of one transport and protocol only.
func TestFixedForms(t *testing.T) {
	for _, f := range frames(t) {
		shape, ok := shapeOf(f.name)
		if !ok {
			continue
		}
		for _, other := range shapes {
			transport, protocol, _ := strings.Cut(other, "-")
			transport = strings.Replace(transport, "header", "theader", 1)
			c := codec(t, `{"transport":"`+transport+`","protocol":"`+protocol+`"}`)
			m := &sdk.Message{}
			n, err := c.Decode(f.from, f.bytes, m)
			m.Bytes = f.bytes
			if err == nil {
				err = c.Metadata(m)
			}
			if taken := err == nil && n == len(f.bytes); taken != (shape == other) {
				t.Errorf("%s in %s: %d, %v", f.name, other, n, err)
			}
		}
	}
}

func shapeOf(name string) (string, bool) {
	for _, s := range shapes {
		if strings.HasPrefix(name, s+"-") && !strings.HasSuffix(name, "-zlib") {
			return s, true
		}
	}
	return "", false
}
