package thrift

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// costly are messages of each transport and protocol, calls and replies.
func costly(tb testing.TB) (all []captured) {
	tb.Helper()
	for _, shape := range shapes {
		for _, name := range []string{"-call-multiplexed", "-call-rich", "-reply-rich", "-reply-declared", "-exception-internal"} {
			all = append(all, frame(tb, shape+name))
		}
	}
	for _, name := range []string{"header-binary-lane", "header-binary-timeout", "ttheader-call", "ttheader-call-framed", "ttheader-reply-business"} {
		all = append(all, frame(tb, name))
	}
	return all
}

// readOnce is what a host does with a message.
func readOnce(c sdk.Codec, f captured, m *sdk.Message) error {
	m.Reset()
	if _, err := c.Decode(f.from, f.bytes, m); err != nil {
		return err
	}
	m.Bytes = f.bytes
	return c.Metadata(m)
}

func TestMetadataAllocatesNothing(t *testing.T) {
	shared := codec(t, "")
	for name, c := range map[string]sdk.Codec{"shared": shared, "connection": shared.NewConnection()} {
		for _, f := range costly(t) {
			m := &sdk.Message{}
			allocs := testing.AllocsPerRun(100, func() {
				if err := readOnce(c, f, m); err != nil {
					t.Fatal(err)
				}
			})
			if allocs > 0 && !raceEnabled {
				t.Errorf("%s of %s: %v allocations", f.name, name, allocs)
			}
		}
	}
}

// TestPiecesAllocateNothing reads messages that come in two pieces, once the search
// is there.
func TestPiecesAllocateNothing(t *testing.T) {
	c := codec(t, "").NewConnection()
	for _, f := range []captured{frame(t, "unframed-binary-call-rich"), frame(t, "framed-binary-call-rich")} {
		m := &sdk.Message{}
		half := f.bytes[:len(f.bytes)/2]
		allocs := testing.AllocsPerRun(100, func() {
			m.Reset()
			_, _ = c.Decode(f.from, half, m)
			if err := readOnce(c, f, m); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 0 && !raceEnabled {
			t.Errorf("%s: %v allocations", f.name, allocs)
		}
	}
}

// TestNewIDAllocatesNothing rewrites ids, as a carrier of many calls does for each.
func TestNewIDAllocatesNothing(t *testing.T) {
	c := codec(t, "")
	dst := make([]byte, 0, 1024)
	mut := &sdk.Mutation{NewID: true, ID: 0x12345}
	for _, name := range []string{"framed-binary-call", "unframed-lax-reply", "header-binary-call", "ttheader-call"} {
		m := read(t, c, frame(t, name))
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := c.Encode(dst, m, mut); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 0 && !raceEnabled {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

// TestReplyAllocatesLittle answers into a buffer that is there.
func TestReplyAllocatesLittle(t *testing.T) {
	c := codec(t, "")
	m := read(t, c, frame(t, "framed-binary-call"))
	dst := make([]byte, 0, 256)
	call := sdk.Call{ID: m.ID, Token: m.Token, Method: m.Method}
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := c.Reply(dst, call, sdk.Failure{Cause: sdk.CauseDenied, Message: "denied"}); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 1 && !raceEnabled {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkMetadata(b *testing.B) {
	c := codec(b, "").NewConnection()
	for _, f := range costly(b) {
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(f.bytes)))
			m := &sdk.Message{}
			for b.Loop() {
				if err := readOnce(c, f, m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
