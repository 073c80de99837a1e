package engine

import (
	"errors"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

func toyConfig(t *testing.T, config string) *Config {
	t.Helper()
	c, err := ParseConfig([]byte(config), []sdk.Definition{testcodec.Definition()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func toy(kind sdk.Kind, id uint64, payload string) []byte {
	return testcodec.Append(nil, testcodec.Message{Kind: kind, ID: id, Service: "a", Method: "b", Payload: payload})
}

// TestAnswerToHasTheIDOfTheCall also where replies go by their order: clients may look at
// the id all the same.
func TestAnswerToHasTheIDOfTheCall(t *testing.T) {
	for _, config := range []string{`{"name":"toy"}`, `{"name":"toy","config":{"in_sequence":true}}`} {
		c := toyConfig(t, config)
		r, err := c.AnswerTo(0, toy(sdk.KindRequest, 7, "question"), toy(sdk.KindResponse, 3, "answer"))
		if err != nil {
			t.Fatal(err)
		}
		if m, _, ok := testcodec.Parse(r.Body); !ok || m.ID != 7 || m.Payload != "answer" {
			t.Errorf("%s: got %+v", config, m)
		}
	}
}

func TestCanAnswer(t *testing.T) {
	c := toyConfig(t, `{"name":"toy"}`)
	if err := c.CanAnswer(0, toy(sdk.KindResponse, 3, "answer")); err != nil {
		t.Error(err)
	}
	unreadable := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, Method: testcodec.UnreadableMethod})
	for what, b := range map[string][]byte{"a request": toy(sdk.KindRequest, 3, ""), "unreadable": unreadable, "cut": unreadable[:20], "nothing": nil} {
		if err := c.CanAnswer(0, b); err == nil {
			t.Errorf("%s can be an answer", what)
		}
	}
}

// TestKeys has calls that ask for the same, and others.
func TestKeys(t *testing.T) {
	c := toyConfig(t, `{"name":"toy"}`)
	key := func(b []byte, service, method, version string) string {
		t.Helper()
		key, err := c.AppendKey([]byte("x"), 0, b, service, method, func(key string) (string, bool) {
			return version, key == "version" && version != "-"
		})
		if err != nil || key[0] != 'x' {
			t.Fatalf("%q, %v", key, err)
		}
		return string(key[1:])
	}
	first := key(toy(sdk.KindRequest, 1, "p"), "a", "b", "-")
	if again := key(toy(sdk.KindRequest, 2, "p"), "a", "b", "-"); again != first {
		t.Errorf("the id changes the key: %q, %q", first, again)
	}
	seen := map[string]bool{first: true}
	others := []string{
		key(toy(sdk.KindRequest, 1, "q"), "a", "b", "-"), key(toy(sdk.KindRequest, 1, ""), "a", "b", "-"),
		key(toy(sdk.KindRequest, 1, "p"), "ab", "", "-"), key(toy(sdk.KindRequest, 1, "p"), "a", "c", "-"),
		key(toy(sdk.KindRequest, 1, "p"), "a", "b", ""), key(toy(sdk.KindRequest, 1, "p"), "a", "b", "1"),
		key(testcodec.Append(nil, testcodec.Message{Kind: sdk.KindRequest, Service: "a", Method: "other", Payload: "p"}), "a", "b", "-"),
	}
	for _, k := range others {
		if seen[k] {
			t.Errorf("%q is the key of two calls", k)
		}
		seen[k] = true
	}
	for a := range seen {
		for b := range seen {
			if a != b && len(a) <= len(b) && b[:len(a)] == a {
				t.Errorf("%q is the beginning of %q", a, b)
			}
		}
	}
}

// TestKeysHaveTheEntriesOfTheMessage: headers do not show those that are not exposed, nor
// the spelling by which a server goes.
func TestKeysHaveTheEntriesOfTheMessage(t *testing.T) {
	c := toyConfig(t, `{"name":"toy","expose":["lang"]}`)
	key := func(entries ...[2]string) string {
		t.Helper()
		b := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindRequest, Service: "a", Method: "b", Entries: entries})
		key, err := c.AppendKey(nil, 0, b, "a", "b", func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		return string(key)
	}
	seen := map[string]int{}
	for i, entries := range [][][2]string{
		nil,
		{{"version", ""}},
		{{"version", "1"}},
		{{"version", "2"}},
		{{"Version", "1"}},
		{{"version", "1"}, {"Version", "2"}},
		{{"version", "2"}, {"Version", "1"}},
	} {
		k := key(entries...)
		if other, ok := seen[k]; ok {
			t.Errorf("entries %d have the key of entries %d", i, other)
		}
		seen[k] = i
		if again := key(append(entries, [2]string{"trace", "1"})...); again != k {
			t.Errorf("entries %d: another entry makes another key", i)
		}
	}
}

// TestKeysOfOthers asks codecs that cannot tell, or do not work.
func TestKeysOfOthers(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	b := toy(sdk.KindRequest, 1, "p")
	bare := sdk.Definition{Name: "toy", New: func([]byte) (sdk.Codec, error) { return struct{ sdk.Codec }{&testcodec.Codec{}}, nil }}
	panicky := sdk.Definition{Name: "toy", New: func([]byte) (sdk.Codec, error) { return badKeyer{&testcodec.Codec{}}, nil }}
	for _, d := range []sdk.Definition{bare, panicky} {
		c, err := ParseConfig([]byte(`{"name":"toy"}`), []sdk.Definition{d})
		if err != nil {
			t.Fatal(err)
		}
		dst, err := c.AppendKey([]byte("x"), 0, b, "a", "b", none)
		if err == nil || string(dst) != "x" {
			t.Errorf("%q, %v", dst, err)
		}
	}
	c := toyConfig(t, `{"name":"toy"}`)
	if _, err := c.AppendKey(nil, 0, b[:20], "a", "b", none); !errors.Is(err, errIncomplete) {
		t.Error(err)
	}
}

type badKeyer struct{ *testcodec.Codec }

func (badKeyer) AppendKey([]byte, *sdk.Message) ([]byte, error) { panic("no key today") }
