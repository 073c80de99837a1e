package brpc

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func readOnce(c sdk.Codec, f captured, m *sdk.Message) error {
	m.Reset()
	if _, err := c.Decode(f.from, f.bytes, m); err != nil {
		return err
	}
	m.Bytes = f.bytes
	return c.Metadata(m)
}

// TestMetadataAllocatesNothing reads all frames again and again, in each dialect.
func TestMetadataAllocatesNothing(t *testing.T) {
	for _, config := range []string{"", `{"dialect":"java"}`, `{"dialect":"cpp"}`, `{"lower_case":true,"shared_credentials":true}`} {
		c := codec(t, config)
		for _, f := range frames(t) {
			m := &sdk.Message{}
			if readOnce(c, f, m) != nil {
				continue
			}
			allocs := testing.AllocsPerRun(100, func() { _ = readOnce(c, f, m) })
			if allocs > 0 && !raceEnabled {
				t.Errorf("%s %s: %v allocations", config, f.name, allocs)
			}
		}
	}
}

// TestNewIDAllocatesNothing rewrites ids, as a carrier of many calls does for each.
func TestNewIDAllocatesNothing(t *testing.T) {
	c := codec(t, "")
	dst := make([]byte, 0, 1024)
	mut := &sdk.Mutation{NewID: true, ID: 0x12345}
	for _, name := range []string{"cpp-request-all", "cpp-request-no-id", "java-request-ext-fields", "cpp-response", "cpp-error-limit"} {
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

// TestReplyAllocatesNothing answers into a buffer that is there.
func TestReplyAllocatesNothing(t *testing.T) {
	c := codec(t, "")
	dst := make([]byte, 0, 256)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := c.Reply(dst, sdk.Call{ID: 7}, sdk.Failure{Cause: sdk.CauseDenied, Message: "denied"}); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 0 && !raceEnabled {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkMetadata(b *testing.B) {
	c := codec(b, "")
	for _, name := range []string{"cpp-request", "cpp-request-all", "java-request-ext-fields", "cpp-response"} {
		f := frame(b, name)
		b.Run(name, func(b *testing.B) {
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

func BenchmarkEncode(b *testing.B) {
	c := codec(b, "")
	for name, mut := range map[string]*sdk.Mutation{
		"new-id": {NewID: true, ID: 0x12345}, "set": {Set: set("x-lane", "green")}, "service": {Service: []byte("a.B")},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			m := read(b, c, frame(b, "cpp-request-all"))
			dst := make([]byte, 0, 1024)
			for b.Loop() {
				if _, err := c.Encode(dst, m, mut); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
