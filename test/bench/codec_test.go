package main

import (
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// The messages are of the size that services exchange, about 500 bytes, with what
// consumers send and a few entries of the application's own.
var (
	argument = strings.Repeat("order ", 20)
	answer   = strings.Repeat("order ", 60)
	metadata = []sdk.Entry{
		entry("version", "1.0.0"), entry("group", "production"), entry("remote.application", "checkout"),
		entry("tenant", "a-tenant-of-some-length"), entry("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
	}
)

// read reads a frame. It marks itself as no helper: that would be measured too.
func read(tb testing.TB, codec sdk.Codec, from sdk.Side, frame []byte, m *sdk.Message) *sdk.Message {
	m.Reset()
	n, err := codec.Decode(from, frame, m)
	if err != nil || n != len(frame) {
		tb.Fatalf("%d of %d bytes: %v", n, len(frame), err)
	}
	m.Bytes = frame
	if err := codec.Metadata(m); err != nil {
		tb.Fatal(err)
	}
	return m
}

// benchmarkRead reads a frame as a host does, and checks that this allocates nothing.
func benchmarkRead(b *testing.B, codec sdk.Codec, from sdk.Side, frame []byte) {
	b.Helper()
	m := &sdk.Message{}
	if n := testing.AllocsPerRun(100, func() { read(b, codec, from, frame, m) }); n > 0 {
		b.Errorf("%v allocations", n)
	}
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		read(b, codec, from, frame, m)
	}
}
