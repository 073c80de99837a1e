package record

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// dubboRequest is a request with a body in a serialization of Dubbo.
func dubboRequest(serialization byte, body ...string) []byte {
	text := strings.Join(body, "")
	b := []byte{0xda, 0xbb, 0xc0 | serialization, 0, 0, 0, 0, 0, 0, 0, 0, 7}
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

// hessianRequest is a request with attachments in Hessian 2.
func hessianRequest(attachments string) []byte {
	return dubboRequest(2, "\x052.0.2\x0bshop.Orders\x050.0.0\x03get\x00", "H", attachments, "Z")
}

// textRequest is a request with attachments in fastjson.
func textRequest(attachments string) []byte {
	return dubboRequest(6, "\"2.0.2\"\n\"shop.Orders\"\n\"0.0.0\"\n\"get\"\n\"\"\n{", attachments, "}\n")
}

// jsonbRequest is a request with attachments in fastjson2.
func jsonbRequest(attachments string) []byte {
	var body []string
	chunk := func(s string) {
		body = append(body, string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))), s)
	}
	for _, s := range []string{"2.0.2", "shop.Orders", "0.0.0", "get", ""} {
		chunk(string(rune(0x49+len(s))) + s)
	}
	chunk("\xa6" + attachments + "\xa5")
	return dubboRequest(23, body...)
}

// utf16 is a text of ASCII in UTF-16, with its high bytes behind or before the others.
func utf16(text string, low int) string {
	var b strings.Builder
	for i := range len(text) {
		letter := [2]byte{}
		letter[low] = text[i]
		b.Write(letter[:])
	}
	return b.String()
}

// TestHiddenEntries has attachments that the codec does not list, since they are lists,
// under every spelling of their key. The word as a value hides none.
func TestHiddenEntries(t *testing.T) {
	const name = "authorization"
	for what, request := range map[string][]byte{
		"hessian":                 hessianRequest("\x0d" + name + "\x79\x06marker"),
		"hessian, case":           hessianRequest("\x0dAuthorizatioN\x79\x06marker"),
		"hessian, text and list":  hessianRequest("\x0d" + name + "\x04text\x0dAuthorization\x79\x06marker"),
		"hessian, chunks":         hessianRequest("R\x00\x06AuthorS\x00\x07ization\x79\x06marker"),
		"hessian, a short chunk":  hessianRequest("R\x00\x06author\x07ization\x79\x06marker"),
		"hessian, a middle chunk": hessianRequest("R\x00\x06author0\x07ization\x79\x06marker"),
		"hessian, empty chunks":   hessianRequest("R\x00\x00R\x00\x06authorR\x00\x00\x07ization\x79\x06marker"),
		"text, case":              textRequest(`"AUTHORIZATION":["marker"]`),
		"text, an escape":         textRequest(`"\u0061uthorization":["marker"]`),
		"text, escapes":           textRequest(`"auth\u006F\u0072izatio\u004E":["marker"]`),
		"fastjson2":               jsonbRequest("\x56" + name + "\x95\x4fmarker"),
		"fastjson2, UTF-16LE":     jsonbRequest("\x7c\x1a" + utf16("Authorization", 0) + "\x95\x4fmarker"),
		"fastjson2, UTF-16BE":     jsonbRequest("\x7d\x1a" + utf16(name, 1) + "\x95\x4fmarker"),
	} {
		r := start(t, `"redact": ["authorization"]`)
		read(t, mustCodec(t), sdk.FromClient, request) // it is one that servers read
		r.Begin(filtertest.Request{Codec: "dubbo", Payload: request}).End()
		if m := r.stop()[0].Request; m.Omitted != format.OmittedRedaction || m.Frame != nil {
			t.Errorf("%s: %+v", what, m)
		}
	}
	for what, request := range map[string][]byte{
		"hessian":   hessianRequest("\x05other\x79\x0dAuthorization"),
		"text":      textRequest(`"other":["\u0061uthorization"]`),
		"fastjson2": jsonbRequest("\x4eother\x95\x7c\x1a" + utf16(name, 0)),
	} {
		r := start(t, `"redact": ["authorization"]`)
		r.Begin(filtertest.Request{Codec: "dubbo", Payload: request}).End()
		if m := r.stop()[0].Request; !bytes.Equal(m.Frame, request) {
			t.Errorf("%s, the word as a value: %+v", what, m)
		}
	}
}

func mustCodec(t *testing.T) sdk.Codec {
	t.Helper()
	c, err := protocols[1].New(nil) // Dubbo
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestListedEntryOfAnotherCase is taken out as it is spelled.
func TestListedEntryOfAnotherCase(t *testing.T) {
	for _, key := range []string{"AUTHORIZATION", "authorization", "author\u0131zation"} {
		r := start(t, `"redact": ["authorization"]`)
		request, _ := pair(t, protocols[1], key, secret)
		r.Begin(filtertest.Request{Codec: "dubbo", Payload: request}).End()
		m := r.stop()[0].Request
		// The letter without a dot is another one, whose name nobody wants to be redacted.
		if gone := !bytes.Contains(m.Frame, []byte(secret)); gone != strings.EqualFold(key, "authorization") || m.Frame == nil {
			t.Errorf("%s: %+v", key, m)
		}
	}
}

// TestLateSecret has a secret that only the answer's entries reveal, and that the request
// said in an argument and in an entry of another name.
func TestLateSecret(t *testing.T) {
	r := start(t, `"redact": ["token"]`)
	request, _ := pair(t, protocols[1], "other", secret)
	_, response := pair(t, protocols[1], "token", secret)
	c := r.Begin(filtertest.Request{Codec: "dubbo", Payload: request, Metadata: map[string]string{"other": secret}})
	c.Respond(filtertest.Response{Payload: response, Metadata: map[string]string{"token": secret}})
	c.End()
	got := r.stop()[0]
	if got.Request.Omitted != format.OmittedRedaction || got.Request.Frame != nil || got.Metadata["other"] != redacted {
		t.Errorf("the request: %+v, %q", got.Request, got.Metadata)
	}
	if n := r.Metric("omitted_messages_total", "redaction"); n != 1 || got.Response.Frame == nil {
		t.Errorf("%d messages are left out, the response is %+v", n, got.Response)
	}
}

// TestEscapedSecret has a value that stands in the other message as JSON writes it.
func TestEscapedSecret(t *testing.T) {
	const quoted = `pass"word/<é>`
	plain, err := json.Marshal(quoted)
	if err != nil {
		t.Fatal(err)
	}
	for what, value := range map[string]string{
		"JSON":              string(plain),
		"JSON of fastjson":  `"pass\"word\/\x3c\u00e9\u003E"`,
		"JSON within JSON":  `"{\"was\":\"pass\\\"word\/\\u003cé>\"}"`,
		"as it is, of text": `"' pass\"word/<é>'"`,
	} {
		r := start(t, `"redact": ["token"]`)
		request := textRequest(`"other":[` + value + `]`)
		c := r.Begin(filtertest.Request{Codec: "dubbo", Payload: request, Metadata: map[string]string{"token": quoted}})
		c.End()
		if m := r.stop()[0].Request; m.Omitted != format.OmittedRedaction {
			t.Errorf("%s: %s", what, m.Frame)
		}
	}
}

// TestManySpellings has more spellings of a name than anybody writes.
func TestManySpellings(t *testing.T) {
	var spellings []string
	for i := range moreSpellings + 2 {
		name := []byte("token")
		for bit := range name {
			if i>>bit&1 == 1 {
				name[bit] -= 'a' - 'A'
			}
		}
		spellings = append(spellings, string(name))
	}
	for n, omitted := range map[int]string{moreSpellings + 1: "", moreSpellings + 2: format.OmittedRedaction} {
		r := start(t, `"redact": ["token"]`)
		request := textRequest(`"other":["` + strings.Join(spellings[:n], " ") + `"]`)
		r.Begin(filtertest.Request{Codec: "dubbo", Payload: request}).End()
		if m := r.stop()[0].Request; m.Omitted != omitted {
			t.Errorf("%d spellings: %+v", n, m)
		}
	}
}

// TestNames compares the search with strings.EqualFold.
func TestNames(t *testing.T) {
	n := newNames([]string{"To-Ken", "s", "k9"})
	for _, text := range []string{"to-ken", "TO-KEN", "to-\u212aen", "\u017f", "S", "K9", "\u212a9"} {
		if got := n.appendSpellings(nil, []byte("\xff"+text+"\xc5")); len(got) == 0 || !n.has(text) {
			t.Errorf("%q: found %q, has %v", text, got, n.has(text))
		}
	}
	for _, text := range []string{"to_ken", "to-ke", "\u0160", "k", "\xe2\x84", "\xc5"} {
		if got := n.appendSpellings(nil, []byte(text)); len(got) > 0 || n.has(text) {
			t.Errorf("%q: found %q, has %v", text, got, n.has(text))
		}
	}
}

// TestBare has what ends in the middle.
func TestBare(t *testing.T) {
	for text, want := range map[string]string{
		`\`: "", `\\\`: "", `a\u`: "au", `a\u116`: "au116", `a\u11zz`: "au11zz", `\x4`: "x4", `\x41`: "A", `\\u0041`: "A",
		"R": "R", "R\x00": "R", "R\x00\x05": "", "0": "0", "0\x05": "", "0~": "0~", "a\x00b\x1f": "ab", "\xff": "\xff",
	} {
		if got := string(bare([]byte(text), true)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
