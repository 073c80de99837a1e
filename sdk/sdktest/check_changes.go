package sdktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// checkUnchanged writes each message without a change: the bytes must be the same.
func checkUnchanged(c *checker) {
	c.calls(func(f *Frame, codec sdk.Codec, m *sdk.Message) {
		for range 2 {
			c.tried()
			out, err := c.encode(codec, m, &sdk.Mutation{})
			if err != nil || !bytes.Equal(out, f.Bytes) {
				c.fail(f.Bytes, "without a change, Encode writes %d other bytes instead of the message's %d: error %v, %s", len(out), len(f.Bytes), err, hexOf(out))
			}
		}
	})
}

// checkChanges makes each change, reads it back, and takes it back.
func checkChanges(c *checker) {
	made, refused := map[string]int{}, map[string]string{}
	c.calls(func(f *Frame, codec sdk.Codec, m *sdk.Message) {
		changes := changesOf(m, c.ordered())
		for i := range changes {
			ch := &changes[i]
			kind := ch.kind + " in a " + m.Kind.String()
			if reason, ok := c.makes(f, codec, m, ch); ok {
				made[kind]++
			} else {
				refused[kind] = reason
			}
		}
	})
	for _, kind := range sorted(refused) {
		if made[kind] == 0 {
			c.note("declines to change %s: %s", kind, refused[kind])
		}
	}
}

// awkward are values that a client may have put into a header: those that break the
// framing of text protocols, and those that are longer than a length field holds.
func awkward() []string {
	return []string{
		"", " ", "\r\n", "a\r\nb: c", "a\x00b", "\xff\xfe", "é", "a b", `{"a":"b"}`, "/", ":",
		strings.Repeat("x", 128), strings.Repeat("x", 256), strings.Repeat("x", 33_000), strings.Repeat("y", 70_000),
	}
}

// checkAwkwardChanges puts awkward values into each place: they arrive, or are declined.
func checkAwkwardChanges(c *checker) {
	perKind := map[sdk.Kind]int{}
	c.calls(func(f *Frame, codec sdk.Codec, m *sdk.Message) {
		const most = 24 // messages of a kind; more of them show nothing new
		if perKind[m.Kind]++; perKind[m.Kind] > most {
			return
		}
		r := readingOf(m)
		for _, v := range awkward() {
			list := []change{changeEntry("a new entry", newKey, v, r)}
			for key := range r.entries {
				list = append(list, changeEntry("an entry", key, v, r))
				break
			}
			if v != "" && m.Kind != sdk.KindResponse {
				list = append(list, changeService(v, r), changeMethod(v, r))
			}
			for i := range list {
				list[i].name += " to " + short(v)
				list[i].back = nil
				c.makes(f, codec, m, &list[i])
			}
		}
	})
}

// makes makes a change, and reports whether the codec did; else why not.
func (c *checker) makes(f *Frame, codec sdk.Codec, m *sdk.Message, ch *change) (declined string, ok bool) {
	c.tried()
	out, err := c.encode(codec, m, &ch.mut)
	if err != nil {
		if ch.optional {
			c.fail(f.Bytes, "changing %s: %v; an optional entry is never an error", ch.name, err)
		} else if !unsupported(err) {
			c.fail(f.Bytes, "changing %s: %v; want a CallError with CauseUnsupported, if it cannot be done", ch.name, err)
		}
		return err.Error(), false
	}
	after := &sdk.Message{}
	again := c.connection()
	if err := c.read(again, f.From, out, after); err != nil {
		c.fail(out, "after changing %s, the message is not read: %v", ch.name, err)
		return "", true
	}
	want, got := readingOf(m).clone(), readingOf(after)
	ch.want(want)
	if ch.optional {
		for _, e := range ch.mut.Optional {
			if v, there := got.entries[string(e.Key)]; there && v == string(e.Value) {
				want.entries[string(e.Key)] = v
			}
		}
	}
	for key, v := range want.entries {
		if _, there := got.entries[key]; v == "" && !there {
			delete(want.entries, key) // an empty value may be none
		}
	}
	c.mirrored(ch, readingOf(m), got, want)
	if err := got.differs(want); err != nil {
		c.fail(out, "after changing %s: %v", ch.name, err)
		return "", true
	}
	if same, a, b := c.sameContent(m, after); !same && !(f.Generic && ch.mut.Method != nil) {
		c.fail(out, "changing %s changed the content too: it was %s, and is %s", ch.name, short(a), short(b))
	}
	if ch.back != nil {
		c.takesBack(f, again, after, ch)
	}
	return "", true
}

// mirrored accepts what else may change with a change. An entry may tell once more what
// the message says elsewhere, such as its timeout or its service: they change together.
// A new entry tells nothing else.
func (c *checker) mirrored(ch *change, before, got, want *reading) {
	for key, v := range before.entries {
		if ch.mut.Names(key) {
			c.mirrors(key, got, want)
		}
		name := ch.mut.Service
		if v != before.service {
			name = ch.mut.Method
		}
		if name != nil && (v == before.service || v == before.method) && got.entries[key] == string(name) {
			want.entries[key] = got.entries[key]
		}
	}
}

// mirrors accepts that a change of an entry changed something else.
func (c *checker) mirrors(key string, got, want *reading) {
	if got.timeout != want.timeout {
		want.timeout = got.timeout
		c.note("entry %q tells the timeout, too", key)
	}
	if got.code != want.code || got.native != want.native || got.message != want.message {
		want.code, want.native, want.message = got.code, got.native, got.message
		c.note("entry %q tells the status, too", key)
	}
}

// takesBack undoes a change. The result is the message's bytes; only a codec that shows
// the content may write an equal message in other bytes.
func (c *checker) takesBack(f *Frame, codec sdk.Codec, after *sdk.Message, ch *change) {
	out, err := c.encode(codec, after, ch.back)
	if err != nil {
		return // what was there may be what the codec would not write
	}
	if bytes.Equal(out, f.Bytes) {
		return
	}
	restored := &sdk.Message{}
	if _, views := c.Codec.(sdk.Viewer); views {
		if c.read(c.connection(), f.From, out, restored) == nil {
			if same, _, _ := c.sameContent(after, restored); same {
				return
			}
		}
	}
	c.fail(out, "changing %s and back does not give the message's bytes: %s", ch.name, hexOf(f.Bytes))
}

// sameContent compares arguments and results, where the codec shows them.
func (c *checker) sameContent(a, b *sdk.Message) (same bool, was, is string) {
	viewer, ok := c.Codec.(sdk.Viewer)
	if !ok {
		return true, "", ""
	}
	was, is = c.content(viewer, a), c.content(viewer, b)
	return was == is, was, is
}

func (c *checker) content(viewer sdk.Viewer, m *sdk.Message) string {
	c.begin("View", m.Bytes)
	v, err := viewer.View(m)
	c.end()
	if err != nil {
		return "error" // of an equal content it tells the same place relative to it only
	}
	v.Fields = nil // facts of the frame, such as its length, may change
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v.Arguments)
	}
	return string(text)
}

func (c *checker) ordered() bool {
	o, ok := c.Codec.(sdk.Ordered)
	return ok && o.InOrder()
}
