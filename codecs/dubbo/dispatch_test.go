package dubbo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/hessian2"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/jsonb"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// hessianCall makes a call of service in Hessian 2, with an argument that is an empty
// map and these bytes for the attachments.
func hessianCall(tb testing.TB, service string, attachments ...string) []byte {
	tb.Helper()
	b := appendHeader(nil, flagRequest|flagTwoWay|serialHessian2, 0, 7)
	for _, s := range []string{dubboVersion, service, "0.0.0", "m", "Ljava/util/Map;"} {
		b = hessian2.AppendText(b, s)
	}
	b = append(b, "HZ"...)
	return whole(tb, append(b, strings.Join(attachments, "")...))
}

// jsonbCall is the same in fastjson2; there the attachments have a length in front.
func jsonbCall(tb testing.TB, service string, attachments ...string) []byte {
	tb.Helper()
	b := appendHeader(nil, flagRequest|flagTwoWay|serialFastjson2, 0, 7)
	chunk := func(c []byte) { b = append(binary.BigEndian.AppendUint32(b, uint32(len(c))), c...) }
	for _, s := range []string{dubboVersion, service, "0.0.0", "m", "Ljava/util/Map;"} {
		chunk(jsonb.AppendText(nil, s))
	}
	chunk([]byte{jsonb.Object, jsonb.ObjectEnd})
	chunk([]byte(strings.Join(attachments, "")))
	return whole(tb, b)
}

// textCall is the same in fastjson, always of the service a.B.
func textCall(tb testing.TB, attachments string) []byte {
	tb.Helper()
	b := appendHeader(nil, flagRequest|flagTwoWay|serialFastjson, 0, 7)
	for _, s := range []string{dubboVersion, "a.B", "0.0.0", "m", "Ljava/util/Map;"} {
		b = textDialect{}.appendString(b, s)
	}
	return whole(tb, append(b, "{}\n"+attachments+"\n"...))
}

func whole(tb testing.TB, b []byte) []byte {
	tb.Helper()
	b, err := finish(b, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func hessianText(s string) string { return string(hessian2.AppendText(nil, s)) }
func jsonbText(s string) string   { return string(jsonb.AppendText(nil, s)) }

// TestCallsThatOnlyTheProviderUnderstands are refused: a policy would see another
// group, version or service than the provider runs.
func TestCallsThatOnlyTheProviderUnderstands(t *testing.T) {
	const (
		hessianMap    = "H"
		hessianEnd    = "Z"
		hessianOne    = "\x91"
		hessianTrue   = "T"
		hessianFirst  = "Q\x90" // a reference to the first object: the argument
		jsonbOne      = "\x01"
		jsonbMap      = "\xa6"
		jsonbEnd      = "\xa5"
		jsonbUnknown  = "\x7f\x03"          // the third symbol of a table that has none
		jsonbHalfUnit = "\x7d\x03p\x00\x61" // UTF-16 of three bytes
	)
	tests := map[string]struct {
		frame []byte
		want  string
	}{
		"attachments are the argument": {hessianCall(t, "a.B", hessianFirst), "reference into the arguments"},
		"a key is a number":            {hessianCall(t, "a.B", hessianMap, hessianOne, hessianText("g"), hessianEnd), "not a string"},
		"the group is a number": {
			hessianCall(t, "a.B", hessianMap, hessianText("group"), hessianOne, hessianEnd), "attachment group",
		},
		"the version is a boolean": {
			hessianCall(t, "a.B", hessianMap, hessianText("version"), hessianTrue, hessianEnd), "attachment version",
		},
		"the path is a number": {
			hessianCall(t, "a.B", hessianMap, hessianText("path"), hessianOne, hessianEnd), "attachment path",
		},
		"the service names a group":   {hessianCall(t, "g/a.B", "N"), "another group or version"},
		"the service names a version": {hessianCall(t, "a.B:2", "N"), "another group or version"},
		"the path names a group": {
			hessianCall(t, "a.B", hessianMap, hessianText("path"), hessianText("g/a.B"), hessianEnd), "another group or version",
		},
		"the service is only a slash": {hessianCall(t, "/", "N"), "names none"},

		"fastjson2: a key is a number":     {jsonbCall(t, "a.B", jsonbMap, jsonbOne, jsonbText("g"), jsonbEnd), "not a string"},
		"fastjson2: the group is a number": {jsonbCall(t, "a.B", jsonbMap, jsonbText("group"), jsonbOne, jsonbEnd), "attachment group"},
		"fastjson2: a key is a symbol that was never told": {
			jsonbCall(t, "a.B", jsonbMap, jsonbUnknown, jsonbText("g"), jsonbEnd), "attachment",
		},
		"fastjson2: a key ends in half a unit":  {jsonbCall(t, "a.B", jsonbMap, jsonbHalfUnit, jsonbText("g"), jsonbEnd), "attachment"},
		"fastjson: attachments are a reference": {textCall(t, `{"$ref":"$"}`), "means something else"},
		"fastjson: attachments have a class":    {textCall(t, `{"@type":"java.util.Properties"}`), "means something else"},
		"fastjson: the group is a reference":    {textCall(t, `{"k":"g","group":{"$ref":"$.k"}}`), "attachment group"},
		"fastjson: the path is a number":        {textCall(t, `{"path":1}`), "attachment path"},
		"fastjson: a name without quotes":       {textCall(t, `{path:"c.D"}`), "not JSON"},
		"fastjson: other quotes":                {textCall(t, `{'path':'c.D'}`), "not JSON"},
		"fastjson: a comment":                   {textCall(t, `{/*"k":1,*/"path":"c.D"}`), "not JSON"},
		"fastjson: an escape of its own":        {textCall(t, `{"\x70ath":"c.D"}`), "not JSON"},
		"fastjson: half a pair":                 {textCall(t, `{"k\ud83d":"1"}`), "not Unicode"},
		"fastjson: the other half":              {textCall(t, `{"k\ude00":"1"}`), "not Unicode"},
		"fastjson: no pair":                     {textCall(t, `{"k\ud83d\u0041":"1"}`), "not Unicode"},
		"fastjson: no UTF-8":                    {textCall(t, "{\"k\xff\":\"1\"}"), "not Unicode"},
		"fastjson: a line that Java ends early": {textCall(t, "{\"k\":\"1\",\r\"path\":\"c.D\"}"), "not JSON"},
		"fastjson: the path names a group":      {textCall(t, `{"path":"g/a.B"}`), "another group or version"},
		"fastjson: the service is a number":     {bytes.Replace(textCall(t, `{}`), []byte(`"a.B"`), []byte(`12345`), 1), "not a string"},

		"fastjson2: the service names a group": {jsonbCall(t, "g/a.B", jsonbMap, jsonbEnd), "another group or version"},
	}
	c := codec(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := &sdk.Message{}
			if _, err := c.Decode(sdk.FromClient, test.frame, m); err != nil {
				t.Fatal(err)
			}
			m.Bytes = test.frame
			err := c.Metadata(m)
			if call := (*sdk.CallError)(nil); !errors.As(err, &call) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("read as %s with %s: %v, want %q", m.Service, entries(m), err, test.want)
			}
		})
	}
}

// TestEscapedKeysAreTheKeysTheySpell, for JSON has two ways to write each.
func TestEscapedKeysAreTheKeysTheySpell(t *testing.T) {
	c := codec(t)
	m := read(t, c, textCall(t, `{"\u0070ath":"c.D","k\ud83d\ude00":"\n"}`))
	if got := entries(m); string(m.Service) != "c.D" || got != "version=0.0.0 k😀=\n" {
		t.Errorf("%s with %q", m.Service, got)
	}
}

// TestNullsAreNoAttachments: consumers send null for a group that is not set.
func TestNullsAreNoAttachments(t *testing.T) {
	c := codec(t)
	for name, frame := range map[string][]byte{
		"hessian2":  hessianCall(t, "a.B", "H", hessianText("group"), "N", hessianText("k"), hessianText("v"), "Z"),
		"fastjson":  textCall(t, `{"group":null, "k" : "v" }`),
		"fastjson2": jsonbCall(t, "a.B", "\xa6", jsonbText("group"), "\xaf", jsonbText("k"), jsonbText("v"), "\xa5"),
	} {
		if got := entries(read(t, c, frame)); got != "version=0.0.0 k=v" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestAServiceThatNamesAnotherIsNotWritten: a change is held to what a message is.
func TestAServiceThatNamesAnotherIsNotWritten(t *testing.T) {
	c := codec(t)
	m := read(t, c, hessianCall(t, "a.B", "N"))
	for _, service := range []string{"g/a.B", "a.B:2"} {
		if _, err := c.Encode(nil, m, &sdk.Mutation{Service: []byte(service)}); err == nil {
			t.Errorf("%s was written", service)
		}
	}
}

// TestChangesOfTheSameBytes has changes that meet: one of them is made, and no byte is
// there twice.
func TestChangesOfTheSameBytes(t *testing.T) {
	entry := func(k, v string) sdk.Entry { return sdk.Entry{Key: []byte(k), Value: []byte(v)} }
	tests := map[string]struct {
		change  sdk.Mutation
		service string
		entries string
	}{
		"service and interface": {
			sdk.Mutation{Service: []byte("c.D"), Set: []sdk.Entry{entry("interface", "e.F")}},
			"c.D", "version=0.0.0 interface=e.F k=2",
		},
		"service, and interface goes": {
			sdk.Mutation{Service: []byte("c.D"), Remove: [][]byte{[]byte("interface")}},
			"c.D", "version=0.0.0 k=2",
		},
		"a repeated key goes":   {sdk.Mutation{Remove: [][]byte{[]byte("k")}}, "a.B", "version=0.0.0 interface=a.B"},
		"a repeated key is set": {sdk.Mutation{Set: []sdk.Entry{entry("k", "3")}}, "a.B", "version=0.0.0 interface=a.B k=3"},
		"all goes, one comes": {
			sdk.Mutation{Set: []sdk.Entry{entry("new", "1")}, Remove: [][]byte{[]byte("k"), []byte("interface")}},
			"a.B", "version=0.0.0 new=1",
		},
		"set and set again if there is a place": {
			sdk.Mutation{Set: []sdk.Entry{entry("k", "3")}, Optional: []sdk.Entry{entry("k", "4")}},
			"a.B", "version=0.0.0 interface=a.B k=4",
		},
		"the version goes": {sdk.Mutation{Remove: [][]byte{[]byte("version")}}, "a.B", "interface=a.B k=2"},
	}
	words := []string{"interface", "a.B", "k", "1", "k", "2"}
	frames := map[string][]byte{
		"hessian2":  hessianCall(t, "a.B", slices.Concat([]string{"H"}, each(words, hessianText), []string{"Z"})...),
		"fastjson":  textCall(t, `{"interface":"a.B", "k":"1","k" : "2"}`),
		"fastjson2": jsonbCall(t, "a.B", slices.Concat([]string{"\xa6"}, each(words, jsonbText), []string{"\xa5"})...),
	}
	c := codec(t)
	for serialization, frame := range frames {
		for name, test := range tests {
			t.Run(serialization+"/"+name, func(t *testing.T) {
				changed, err := c.Encode(nil, read(t, c, frame), &test.change)
				if err != nil {
					t.Fatal(err)
				}
				m := read(t, c, changed)
				if got := entries(m); string(m.Service) != test.service || got != test.entries {
					t.Errorf("%s with %s\nwant %s with %s", m.Service, got, test.service, test.entries)
				}
				// Metadata forgives bytes behind the body; there must be none.
				p := newParser(m)
				defer p.release()
				if err := p.parseRequest(); err != nil || strings.TrimSpace(string(changed[p.mapTo:])) != "" {
					t.Errorf("%v: the attachments end at %d of %d", err, p.mapTo, len(changed))
				}
			})
		}
	}
}

func each(words []string, text func(string) string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = text(w)
	}
	return out
}
