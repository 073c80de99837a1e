package brpc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestPrefixes feeds every beginning of every frame: it is never a message and never an
// error, and what is asked for is never more than there is to come.
func TestPrefixes(t *testing.T) {
	c := codec(t, "")
	for _, f := range frames(t) {
		for n := 1; n < len(f.bytes); n++ {
			m := &sdk.Message{}
			need, err := c.Decode(f.from, f.bytes[:n:n], m)
			if !errors.Is(err, sdk.ErrNeedMore) || need <= n || need > len(f.bytes) || m.Kind != sdk.KindUnknown && need != len(f.bytes) {
				t.Fatalf("%s: %d bytes: %d, %v, %v", f.name, n, need, m.Kind, err)
			}
		}
	}
}

// TestCutBodies makes each frame shorter and its sizes right: no such message is read as
// if nothing was missing, but for one that lost payload alone.
func TestCutBodies(t *testing.T) {
	c := codec(t, "")
	for _, f := range frames(t) {
		if f.refused() != sdk.CauseUnknown {
			continue
		}
		whole := read(t, c, f)
		meta := headerSize + int(binary.BigEndian.Uint32(f.bytes[metaAt:]))
		for n := headerSize; n < meta; n++ {
			cut := bytes.Clone(f.bytes[:n])
			binary.BigEndian.PutUint32(cut[bodyAt:], uint32(n-headerSize))
			binary.BigEndian.PutUint32(cut[metaAt:], uint32(n-headerSize))
			m := &sdk.Message{}
			_, err := c.Decode(f.from, cut, m)
			if errors.Is(err, sdk.ErrNeedMore) {
				t.Fatalf("%s cut to %d: more is wanted", f.name, n)
			}
			if err != nil {
				continue
			}
			m.Bytes = cut
			if c.Metadata(m) == nil && m.ID == whole.ID && entries(m) == entries(whole) && m.Status.Native == whole.Status.Native && bytes.Equal(m.Status.Message, whole.Status.Message) && !dispensable(f.bytes[n:meta]) {
				t.Fatalf("%s cut to %d of %d says the same", f.name, n, meta)
			}
		}
	}
}

// dispensable reports whether a message says the same without the rest of its meta:
// zeros, checksums and what else a codec need not know.
func dispensable(rest []byte) bool {
	r := fieldsOf(rest, span{0, len(rest)})
	for f, ok := r.next(); ok; f, ok = r.next() {
		if f.number < metaContent && !(f.number == 6 || f.n == 0 && f.kind == wireVarint) {
			return false
		}
	}
	return r.err == nil
}

// TestLostBoundaries feeds what has no end that can be known.
func TestLostBoundaries(t *testing.T) {
	c := codec(t, "")
	for name, b := range map[string]string{
		"HTTP":                     "G",
		"an HTTP/2 preface":        "PRI",
		"hulu":                     "H",
		"half of the magic":        "PRPX",
		"half of a stream's":       "STRX",
		"a meta beyond the body":   "PRPC\x00\x00\x00\x01\x00\x00\x00\x02",
		"a body of 31 bits":        "PRPC\x80\x00\x00\x00\x00\x00\x00\x02",
		"a stream's meta beyond":   "STRM\x00\x00\x00\x01\x00\x00\x00\x02",
		"no meta":                  "PRPC\x00\x00\x00\x00\x00\x00\x00\x00",
		"neither nor":              "PRPC\x00\x00\x00\x02\x00\x00\x00\x02\x20\x01",
		"both":                     "PRPC\x00\x00\x00\x04\x00\x00\x00\x04\x0a\x00\x12\x00",
		"a request as a number":    "PRPC\x00\x00\x00\x02\x00\x00\x00\x02\x08\x01",
		"a group":                  "PRPC\x00\x00\x00\x04\x00\x00\x00\x04\x0a\x00\x73\x74",
		"field 0":                  "PRPC\x00\x00\x00\x04\x00\x00\x00\x04\x0a\x00\x00\x01",
		"wire type 6":              "PRPC\x00\x00\x00\x04\x00\x00\x00\x04\x0a\x00\x26\x01",
		"a tag of six bytes":       "PRPC\x00\x00\x00\x09\x00\x00\x00\x09\x0a\x00\xa0\x80\x80\x80\x80\x00\x01",
		"a tag of 35 bits":         "PRPC\x00\x00\x00\x08\x00\x00\x00\x08\x0a\x00\xa0\x80\x80\x80\x70\x01",
		"an id of eleven bytes":    "PRPC\x00\x00\x00\x0e\x00\x00\x00\x0e\x0a\x00\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
		"an id of more than 64":    "PRPC\x00\x00\x00\x0d\x00\x00\x00\x0d\x0a\x00\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
		"a length beyond the meta": "PRPC\x00\x00\x00\x05\x00\x00\x00\x04\x0a\x00\x3a\x01x",
		"a length of 35 bits":      "PRPC\x00\x00\x00\x08\x00\x00\x00\x08\x0a\x00\x3a\x80\x80\x80\x80\x10",
		"a fixed number that ends": "PRPC\x00\x00\x00\x06\x00\x00\x00\x06\x0a\x00\x21abc",
	} {
		var lost *sdk.ConnectionError
		if n, err := c.Decode(sdk.FromClient, []byte(b), &sdk.Message{}); !errors.As(err, &lost) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	// The first byte that is wrong, and none before.
	for _, b := range []string{"PRPX", "STRX", "PX", "PRX"} {
		if _, err := c.Decode(sdk.FromClient, []byte(b[:len(b)-1]), &sdk.Message{}); !errors.Is(err, sdk.ErrNeedMore) {
			t.Errorf("%s is refused without its last byte: %v", b, err)
		}
	}
}

// TestLongMessages tells who is called before the payload is there, so that a message
// over the limit can be refused.
func TestLongMessages(t *testing.T) {
	c := codec(t, "")
	b := bytes.Clone(frame(t, "cpp-request").bytes)
	binary.BigEndian.PutUint32(b[bodyAt:], 1<<30)
	m := &sdk.Message{}
	if n, err := c.Decode(sdk.FromClient, b, m); !errors.Is(err, sdk.ErrNeedMore) || n != headerSize+1<<30 || m.Kind != sdk.KindRequest || m.ID != 1<<32+1 {
		t.Errorf("%d, %v, %v %d", n, err, m.Kind, m.ID)
	}
}

// TestStreamFrames drops frames of streams, whole.
func TestStreamFrames(t *testing.T) {
	c := codec(t, "")
	b := append(bytes.Clone(frame(t, "stream-data").bytes), frame(t, "cpp-request").bytes...)
	m := &sdk.Message{}
	var call *sdk.CallError
	n, err := c.Decode(sdk.FromClient, b, m)
	if !errors.As(err, &call) || call.Cause != sdk.CauseUnsupported || n != len(frame(t, "stream-data").bytes) || m.Kind != sdk.KindOneWay {
		t.Errorf("%d, %v, %v", n, m.Kind, err)
	}
}

func TestSniff(t *testing.T) {
	c := codec(t, "")
	for b, want := range map[string]sdk.Match{
		"P": sdk.MatchMaybe, "PRP": sdk.MatchMaybe, "PRPC": sdk.MatchYes, "PRPC\x00\x00": sdk.MatchYes, "PRI": sdk.MatchNo,
		"PROPFIND / HTTP/1.1": sdk.MatchNo, "STRM": sdk.MatchNo, "GET": sdk.MatchNo, "\xda\xbb": sdk.MatchNo, "\x00\x00\x00\x20\x80\x01": sdk.MatchNo,
	} {
		if got := c.Sniff([]byte(b)); got != want {
			t.Errorf("%q is %v", b, got)
		}
	}
}
