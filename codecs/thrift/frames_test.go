package thrift

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// captured is a message of another implementation.
type captured struct {
	name  string
	from  sdk.Side
	bytes []byte
}

// frames are the messages of testdata/thrift, in their order.
func frames(tb testing.TB) (all []captured) {
	tb.Helper()
	text, err := os.ReadFile("../../testdata/thrift/frames.tsv")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSpace(line), "\t")
		b, err := hex.DecodeString(f[3])
		if err != nil {
			tb.Fatalf("%s: %v", f[0], err)
		}
		c := captured{name: f[0], bytes: b}
		if f[2] == "server" {
			c.from = sdk.FromServer
		}
		all = append(all, c)
	}
	if len(all) < 100 {
		tb.Fatalf("only %d frames", len(all))
	}
	return all
}

// frame is the message with that name.
func frame(tb testing.TB, name string) captured {
	tb.Helper()
	for _, f := range frames(tb) {
		if f.name == name {
			return f
		}
	}
	tb.Fatalf("no frame %s", name)
	return captured{}
}

// shapes are the transports and protocols that the messages come in.
var shapes = []string{
	"framed-binary", "framed-lax", "framed-compact", "unframed-binary", "unframed-lax", "unframed-compact",
	"header-binary", "header-compact",
}

func codec(tb testing.TB, config string) *Codec {
	tb.Helper()
	c, err := newCodec([]byte(config))
	if err != nil {
		tb.Fatal(err)
	}
	return c.(*Codec)
}

// read decodes one whole message.
func read(tb testing.TB, c sdk.Codec, f captured) *sdk.Message {
	tb.Helper()
	m := &sdk.Message{}
	n, err := c.Decode(f.from, f.bytes, m)
	if err != nil || n != len(f.bytes) {
		tb.Fatalf("%s: Decode: %d of %d, %v", f.name, n, len(f.bytes), err)
	}
	m.Bytes = f.bytes
	if err := c.Metadata(m); err != nil {
		tb.Fatalf("%s: Metadata: %v", f.name, err)
	}
	return m
}

// readable reports whether the content of a frame can be read.
func (f captured) readable() bool { return !strings.HasSuffix(f.name, "-zlib") }

func entries(m *sdk.Message) string {
	var b strings.Builder
	for i, e := range m.Entries() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(e.Key) + "=" + string(e.Value))
	}
	return b.String()
}
