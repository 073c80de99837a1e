package brpc

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

// frames are the messages of testdata/brpc/frames.tsv, in their order.
func frames(tb testing.TB) (all []captured) {
	tb.Helper()
	for _, f := range table(tb, "frames.tsv") {
		c := captured{name: f[0], bytes: unhex(tb, f[3])}
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

// table are the fields of the lines of a file.
func table(tb testing.TB, name string) (lines [][]string) {
	tb.Helper()
	text, err := os.ReadFile("../../testdata/brpc/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.Split(strings.TrimSpace(line), "\t"))
		}
	}
	return lines
}

func unhex(tb testing.TB, text string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return b
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

// refused is the cause for which a frame is refused, CauseUnknown if it is not.
func (c captured) refused() sdk.Cause {
	switch {
	case strings.Contains(c.name, "-credentials") && c.from == sdk.FromClient:
		return sdk.CauseDenied
	case strings.HasPrefix(c.name, "stream-"), strings.HasSuffix(c.name, "-stream"):
		return sdk.CauseUnsupported
	}
	return sdk.CauseUnknown
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
