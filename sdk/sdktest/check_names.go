package sdktest

import (
	"bytes"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// checkNamedReplies gives each reply the name of another method, as the host does after a
// route has changed the call's: nothing else changes.
func checkNamedReplies(c *checker) {
	namer, ok := c.Codec.(sdk.ReplyNamer)
	if !ok {
		c.decline("replies do not name the method, or the codec does not change it")
		return
	}
	c.calls(func(f *Frame, _ sdk.Codec, m *sdk.Message) {
		if m.Kind != sdk.KindResponse {
			return
		}
		c.tried()
		named, ok := c.named(namer, m, newMethod)
		if !ok {
			return
		}
		after := &sdk.Message{}
		if err := c.read(c.connection(), f.From, named, after); err != nil {
			c.fail(named, "the reply under another name is not read: %v", err)
			return
		}
		want, got := readingOf(m).clone(), readingOf(after)
		if want.method != "" { // not every codec reads the name
			want.method = newMethod
		}
		if err := got.differs(want); err != nil {
			c.fail(named, "the reply under another name: %v", err)
		}
		if same, a, b := c.sameContent(m, after); !same {
			c.fail(named, "another name changed the content too: it was %s, and is %s", short(a), short(b))
		}
		if again, ok := c.named(namer, after, newMethod); ok && !bytes.Equal(again, named) {
			c.fail(named, "the same name again changes the reply: %s", hexOf(again))
		}
	})
}

// named asks for a reply under another name; ok is false if the codec declines.
func (c *checker) named(namer sdk.ReplyNamer, m *sdk.Message, method string) (b []byte, ok bool) {
	before := bytes.Clone(m.Bytes)
	c.begin("NameReply", before)
	out, err := namer.NameReply(space(), m, []byte(method))
	c.end()
	if !bytes.Equal(m.Bytes, before) {
		c.fail(before, "NameReply changes the message that it is given")
	}
	if err != nil {
		c.note("declines to name some replies: %v", err)
		return nil, false
	}
	return c.behind("NameReply", out, before), true
}
