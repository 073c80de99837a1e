package thrift

import (
	"bytes"
	"errors"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestOddPayloads changes one thing behind the length of a message with headers. None
// costs more than the call, and the reply says what it was where a type is for that.
func TestOddPayloads(t *testing.T) {
	c := codec(t, "")
	for name, tt := range map[string]struct {
		frame string
		at    int // from the end, if negative
		value byte
		cause sdk.Cause
		kind  int32
	}{
		"THeader in JSON":               {"header-binary-lane", infoAt, 1, sdk.CauseUnreadable, exInvalidProtocol},
		"THeader that says compact":     {"header-binary-lane", infoAt, 2, sdk.CauseUnreadable, exInvalidProtocol},
		"THeader with a transform":      {"header-compact-zlib", flagsAt, 0, sdk.CauseUnreadable, exInvalidTransform},
		"THeader of another version":    {"header-binary-call", 18 + 1, 2, sdk.CauseUnreadable, exInvalidProtocol},
		"THeader with a long name":      {"header-binary-call", 18 + 6, 1, sdk.CauseMalformed, exProtocolError},
		"THeader with a longer name":    {"header-binary-call", 18 + 5, 1, sdk.CauseMalformed, exProtocolError},
		"THeader without an end":        {"header-binary-call", -1, 2, sdk.CauseMalformed, exProtocolError},
		"THeader of no type":            {"header-binary-call", 18 + 3, 0, sdk.CauseMalformed, exInvalidMessageType},
		"THeader with a wrong count":    {"header-binary-lane", 17, 0x80, sdk.CauseMalformed, exProtocolError},
		"TTHeader with a transform":     {"ttheader-call-bare", infoAt + 1, 1, sdk.CauseUnreadable, exInvalidTransform},
		"TTHeader with Protobuf":        {"ttheader-call-bare", 18, 0x90, sdk.CauseUnreadable, exInvalidProtocol},
		"TTHeader with a wrong length":  {"ttheader-call-framed", 14 + 32 + 3, 9, sdk.CauseMalformed, exProtocolError},
		"TTHeader with an unknown info": {"ttheader-call", infoAt + 2, 0x77, sdk.CauseMalformed, exProtocolError},
		"TTHeader in a stream":          {"ttheader-call", flagsAt + 1, flagStreaming, sdk.CauseUnsupported, exProtocolError},
	} {
		f := frame(t, tt.frame)
		b := bytes.Clone(f.bytes)
		at := tt.at
		if at < 0 {
			at += len(b)
		}
		b[at] = tt.value
		m := &sdk.Message{}
		n, err := c.Decode(f.from, b, m)
		if err == nil {
			m.Bytes = b
			err = c.Metadata(m)
		}
		var call *sdk.CallError
		if !errors.As(err, &call) || call.Cause != tt.cause || n != len(b) || m.Kind != sdk.KindRequest || m.ID != 1 {
			t.Errorf("%s: %d of %d, %v %d, %v", name, n, len(b), m.Kind, m.ID, err)
			continue
		}
		reply, err := c.Reply(nil, sdk.Call{ID: m.ID, Token: m.Token, Method: m.Method}, sdk.Failure{Cause: call.Cause})
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, c, captured{name, sdk.FromServer, reply}); got.Status.Native != int(tt.kind) {
			t.Errorf("%s: the reply has type %d, want %d", name, got.Status.Native, tt.kind)
		}
	}
}

// TestOnlyOneProtocolInHeaders refuses a payload that the configuration rules out.
func TestOnlyOneProtocolInHeaders(t *testing.T) {
	c := codec(t, `{"transport":"theader","protocol":"compact"}`)
	m := &sdk.Message{}
	m.Bytes = frame(t, "header-binary-lane").bytes
	if _, err := c.Decode(sdk.FromClient, m.Bytes, m); err != nil {
		t.Fatal(err)
	}
	var call *sdk.CallError
	if err := c.Metadata(m); !errors.As(err, &call) || call.Cause != sdk.CauseUnreadable {
		t.Errorf("%v", err)
	}
}

// TestNumberedHeadersWithoutAName stay where they are.
func TestNumberedHeadersWithoutAName(t *testing.T) {
	c := codec(t, "")
	b := bytes.Clone(frame(t, "ttheader-call").bytes)
	at := bytes.Index(b, []byte{blockNumber, 0, 1, 0, 3})
	b[at+4] = 99
	m := read(t, c, captured{bytes: b})
	if entries(m) != "x-lane=blue" {
		t.Errorf("entries %q", entries(m))
	}
	got, err := c.Encode(nil, m, &sdk.Mutation{Set: []sdk.Entry{entry("env", "test")}, Remove: [][]byte{[]byte("x-lane")}})
	if err != nil || !bytes.Contains(got, []byte("\x10\x00\x02\x00\x63\x00\x06client\x00\x0a\x00\x04test")) {
		t.Errorf("%v: %x", err, got)
	}
}

// TestReservedNames refuses a text that has the name of a number: only one of both
// could be shown.
func TestReservedNames(t *testing.T) {
	c := codec(t, "")
	b := bytes.Clone(frame(t, "ttheader-call").bytes)
	b = bytes.Replace(b, []byte("x-lane"), []byte("log_id"), 1)
	m := &sdk.Message{Bytes: b}
	if _, err := c.Decode(sdk.FromClient, b, m); err != nil {
		t.Fatal(err)
	}
	if m.Bytes = b; !errors.Is(c.Metadata(m), errReserved) {
		t.Errorf("read as %s", entries(m))
	}
}
