package sdktest_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

// broken is the sound codec with one method replaced by a defective one.
type broken struct {
	testcodec.Codec

	decode   func(from sdk.Side, b []byte, m *sdk.Message) (int, error)
	metadata func(m *sdk.Message) error
	encode   func(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error)
	reply    func(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error)
	name     func(dst []byte, m *sdk.Message, method []byte) ([]byte, error)
	answer   func(dst []byte, m *sdk.Message) []byte
	sniff    func(b []byte) sdk.Match
}

var sound testcodec.Codec

func (c *broken) Decode(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
	if c.decode == nil {
		return sound.Decode(from, b, m)
	}
	return c.decode(from, b, m)
}

func (c *broken) Metadata(m *sdk.Message) error {
	if c.metadata == nil {
		return sound.Metadata(m)
	}
	return c.metadata(m)
}

func (c *broken) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	if c.encode == nil {
		return sound.Encode(dst, m, mut)
	}
	return c.encode(dst, m, mut)
}

func (c *broken) Reply(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error) {
	if c.reply == nil {
		return sound.Reply(dst, call, f)
	}
	return c.reply(dst, call, f)
}

func (c *broken) NameReply(dst []byte, m *sdk.Message, method []byte) ([]byte, error) {
	if c.name == nil {
		return sound.NameReply(dst, m, method)
	}
	return c.name(dst, m, method)
}

func (c *broken) HeartbeatReply(dst []byte, m *sdk.Message) []byte {
	if c.answer == nil {
		return sound.HeartbeatReply(dst, m)
	}
	return c.answer(dst, m)
}

func (c *broken) Sniff(b []byte) sdk.Match {
	if c.sniff == nil {
		return sound.Sniff(b)
	}
	return c.sniff(b)
}

// length is how long a message says that it is.
func length(b []byte) int {
	return testcodec.HeaderSize + int(binary.BigEndian.Uint32(b[16:])) + int(binary.BigEndian.Uint32(b[20:]))
}

var sink []byte

// defects are codecs that would each be a bad night for somebody. The kit must find
// them, and say what is wrong.
var defects = []struct {
	name  string
	codec broken
	check string // the check that must fail
	says  string // what it must say
}{
	{
		name: "swallows the next pipelined frame",
		codec: broken{decode: func(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
			n, err := sound.Decode(from, b, m)
			if err == nil {
				n = len(b)
			}
			return n, err
		}},
		check: "pipelining", says: "with other bytes behind it, Decode finds",
	},
	{
		name: "fails on a split frame",
		codec: broken{decode: func(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
			if len(b) < testcodec.HeaderSize {
				return 0, &sdk.ConnectionError{Element: "header", Offset: len(b)}
			}
			return sound.Decode(from, b, m)
		}},
		check: "prefixes", says: "want ErrNeedMore",
	},
	{
		name: "takes the first piece for the whole",
		codec: broken{decode: func(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
			n, err := sound.Decode(from, b, m)
			if err != nil && n > testcodec.HeaderSize {
				return len(b), nil
			}
			return n, err
		}},
		check: "prefixes", says: "want ErrNeedMore",
	},
	{
		name: "asks for too many bytes",
		codec: broken{decode: func(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
			n, err := sound.Decode(from, b, m)
			if err != nil {
				n += 100
			}
			return n, err
		}},
		check: "prefixes", says: "and the message has",
	},
	{
		name: "ignores a mutation",
		codec: broken{encode: func(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
			without := *mut
			without.Set = nil
			return sound.Encode(dst, m, &without)
		}},
		check: "changes", says: `entry "lane" is "1", want "a changed value"`,
	},
	{
		name: "forgets the new id",
		codec: broken{encode: func(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
			without := *mut
			without.NewID = false
			return sound.Encode(dst, m, &without)
		}},
		check: "changes", says: "after changing the id: id is 7",
	},
	{
		name: "changes bytes on a no-op",
		codec: broken{encode: func(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
			start := len(dst)
			dst, err := sound.Encode(dst, m, mut)
			if err == nil {
				dst[start+3] ^= 0x40
			}
			return dst, err
		}},
		check: "unchanged", says: "without a change, Encode writes",
	},
	{
		name: "damages the payload when it changes the metadata",
		codec: broken{encode: func(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
			dst, err := sound.Encode(dst, m, mut)
			if err == nil && !mut.Empty() && len(dst) > 0 {
				dst[len(dst)-1]++
			}
			return dst, err
		}},
		check: "changes", says: "and back does not give the message's bytes",
	},
	{
		name: "overwrites what was written before",
		codec: broken{encode: func(_ []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
			return sound.Encode(nil, m, mut)
		}},
		check: "unchanged", says: "changes what was in dst before",
	},
	{
		name: "trusts a length",
		codec: broken{decode: func(_ sdk.Side, b []byte, m *sdk.Message) (int, error) {
			if len(b) < testcodec.HeaderSize {
				return testcodec.HeaderSize, sdk.ErrNeedMore
			}
			_, _ = sound.Decode(sdk.FromClient, b, m)
			return len(b[:length(b)]), nil
		}},
		check: "prefixes", says: "panicked: runtime error: slice bounds out of range",
	},
	{
		name: "loses one-way",
		codec: broken{decode: func(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
			n, err := sound.Decode(from, b, m)
			if m.Kind == sdk.KindOneWay {
				m.Kind = sdk.KindRequest
			}
			return n, err
		}},
		check: "decode", says: "is read as request, not as oneway",
	},
	{
		name: "wrong reply id",
		codec: broken{reply: func(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error) {
			call.ID &= 3
			return sound.Reply(dst, call, f)
		}},
		check: "replies", says: "answers another call: its id is 3, and the request's is 7",
	},
	{
		name: "replies with success",
		codec: broken{reply: func(dst []byte, call sdk.Call, _ sdk.Failure) ([]byte, error) {
			return testcodec.Append(dst, testcodec.Message{Kind: sdk.KindResponse, ID: call.ID}), nil
		}},
		check: "replies", says: "reads as a success",
	},
	{
		name: "leaves the reply its name",
		codec: broken{name: func(dst []byte, m *sdk.Message, _ []byte) ([]byte, error) {
			return append(dst, m.Bytes...), nil
		}},
		check: "named-replies", says: `method is "get", want "changedMethod"`,
	},
	{
		name: "names a reply, and loses its status",
		codec: broken{name: func(dst []byte, m *sdk.Message, method []byte) ([]byte, error) {
			start := len(dst)
			dst, err := sound.NameReply(dst, m, method)
			if err == nil {
				dst[start+3] = 0
			}
			return dst, err
		}},
		check: "named-replies", says: "status is",
	},
	{
		name: "panics",
		codec: broken{metadata: func(m *sdk.Message) error {
			if err := sound.Metadata(m); err != nil {
				return err
			}
			_ = m.Bytes[m.Bytes[3]] // some field, used as an index
			return nil
		}},
		check: "damage", says: "Metadata panicked: runtime error: index out of range",
	},
	{
		name: "unbounded allocation",
		codec: broken{decode: func(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
			if len(b) >= testcodec.HeaderSize && length(b) < 1<<30 {
				sink = make([]byte, length(b)) // before the bound is checked
			}
			return sound.Decode(from, b, m)
		}},
		check: "damage", says: "bytes of memory for",
	},
	{
		name: "quadratic re-scan",
		codec: broken{decode: func(_ sdk.Side, b []byte, m *sdk.Message) (int, error) {
			// A protocol that ends a message with a mark: it is looked for from the
			// start each time.
			_, err := sound.Decode(sdk.FromClient, b, m)
			if err == nil && len(b) >= length(b) {
				return length(b), nil
			}
			if bytes.Contains(b, []byte("the end")) {
				return len(b), nil
			}
			m.Kind = sdk.KindUnknown
			return 0, sdk.ErrNeedMore
		}},
		check: "waiting", says: "Decode begins anew each time",
	},
	{
		name: "quadratic in the entries",
		codec: broken{metadata: func(m *sdk.Message) error {
			if err := sound.Metadata(m); err != nil {
				return err
			}
			all, twice := m.Entries(), 0
			for i := range all {
				for j := range i { // looks for keys that are there twice
					if len(all[i].Key) == len(all[j].Key) && all[i].Key[len(all[i].Key)-1] == all[j].Key[len(all[j].Key)-1] {
						twice++
					}
				}
			}
			m.Notes[7] = twice
			return nil
		}},
		check: "many-entries", says: "the work grows with the square",
	},
	{
		name: "hangs",
		codec: broken{metadata: func(m *sdk.Message) error {
			for strings.Contains(string(m.Bytes[testcodec.HeaderSize:]), ":service\x00\x00") {
				continue // looks for a name that a damaged message has not
			}
			return sound.Metadata(m)
		}},
		check: "damage", says: "Metadata did not return within",
	},
	{
		name: "writes to what it borrows",
		codec: broken{metadata: func(m *sdk.Message) error {
			err := sound.Metadata(m)
			copy(m.Method, bytes.ToUpper(m.Method))
			return err
		}},
		check: "decode", says: "Metadata changes the message",
	},
	{
		name: "heartbeats answered for another",
		codec: broken{answer: func(dst []byte, m *sdk.Message) []byte {
			return sound.HeartbeatReply(dst, &sdk.Message{ID: m.ID + 1})
		}},
		check: "heartbeats", says: "has another id: 2 instead of 1",
	},
	{
		name: "takes all for its own",
		codec: broken{sniff: func([]byte) sdk.Match {
			return sdk.MatchYes
		}},
		check: "sniffing", says: "takes HTTP/1 GET for its own",
	},
}

func TestDefects(t *testing.T) {
	for i := range defects {
		d := &defects[i]
		t.Run(d.name, func(t *testing.T) {
			if d.name == "hangs" {
				sdktest.SetPatience(t)
			}
			report, err := sdktest.Check(sdktest.Suite{Codec: &d.codec, Frames: frames(), Only: []string{d.check}})
			if err != nil {
				t.Fatal(err)
			}
			for _, result := range report.Results {
				if result.Check != d.check {
					continue
				}
				for _, f := range result.Failures {
					if strings.Contains(f.String(), d.says) {
						return
					}
				}
			}
			t.Errorf("%s does not say %q:\n%s", d.check, d.says, report)
		})
	}
}

// forgetful could remember how far it has looked, as sdk.PerConnection lets it, and begins
// anew all the same.
type forgetful struct{ broken }

func (f *forgetful) NewConnection() sdk.Codec { return f }

func TestACodecThatCouldRemember(t *testing.T) {
	codec := &forgetful{broken{decode: func(_ sdk.Side, b []byte, m *sdk.Message) (int, error) {
		if _, err := sound.Decode(sdk.FromClient, b, m); err == nil && len(b) >= length(b) {
			return length(b), nil
		}
		m.Kind = sdk.KindUnknown
		if slices.Contains(b, 0xfe) { // the end of a message, looked for from the start each time
			return 0, &sdk.ConnectionError{Element: "end"}
		}
		return 0, sdk.ErrNeedMore
	}}}
	heartbeat := frames()[5:6] // short, so that what comes slowly hides its length
	report, err := sdktest.Check(sdktest.Suite{Codec: codec, Frames: heartbeat, Only: []string{"waiting"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "the work grows with the square of the length"; !strings.Contains(report.String(), want) {
		t.Errorf("the report does not say %q:\n%s", want, report)
	}
}
