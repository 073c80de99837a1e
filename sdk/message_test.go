package sdk

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestMessageEntries(t *testing.T) {
	// Few entries are searched, many are looked up: both must behave the same.
	for _, n := range []int{3, indexFrom - 1, indexFrom, 100} {
		m := &Message{}
		for round := range 2 {
			m.Reset()
			for i := range n {
				m.Set(fmt.Append(nil, "key", i), fmt.Append(nil, "old", i))
			}
			m.Set([]byte("key1"), []byte("new"))
			if len(m.Entries()) != n {
				t.Fatalf("%d entries, want %d", len(m.Entries()), n)
			}
			for i, e := range m.Entries() {
				want := fmt.Sprint("old", i)
				if i == 1 {
					want = "new"
				}
				got, ok := m.Get(fmt.Sprint("key", i))
				if string(e.Key) != fmt.Sprint("key", i) || string(e.Value) != want || !ok || string(got) != want {
					t.Fatalf("round %d, entry %d of %d: %s=%s, Get %q %t", round, i, n, e.Key, e.Value, got, ok)
				}
			}
			if _, ok := m.Get("none"); ok {
				t.Fatal("an entry that nobody set")
			}
		}
	}
}

func TestMessageKeepsWhatItIsGiven(t *testing.T) {
	m := &Message{}
	var kept [][]byte
	for i := range 500 {
		kept = append(kept, m.Keep(fmt.Append(nil, "text ", i)))
	}
	for i, b := range kept {
		if string(b) != fmt.Sprint("text ", i) {
			t.Fatalf("%d: %q", i, b)
		}
	}
	if b := append(kept[0], 'x'); string(kept[1]) != "text 1" {
		t.Fatalf("appending to %q changed its neighbour", b)
	}
}

func TestMutationEmpty(t *testing.T) {
	mut := &Mutation{}
	if !mut.Empty() {
		t.Error("the zero value changes something")
	}
	for name, change := range map[string]func(){
		"id":      func() { mut.NewID = true },
		"service": func() { mut.Service = []byte{} },
		"method":  func() { mut.Method = []byte{} },
		"set":     func() { mut.Set = append(mut.Set, Entry{}) },
		"remove":  func() { mut.Remove = append(mut.Remove, nil) },
		"offer":   func() { mut.Optional = append(mut.Optional, Entry{}) },
	} {
		mut.Reset()
		if change(); mut.Empty() {
			t.Errorf("%s is no change", name)
		}
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	inner := errors.New("inner")
	for want, err := range map[string]error{
		"malformed: body: at byte 7: inner":           Malformed("body", 7, inner),
		"unreadable: serialization: at byte 2: inner": Unreadable("serialization", 2, inner),
		"unsupported: attachments: inner":             Unsupported("attachments", inner),
		"magic: at byte 0: inner":                     &ConnectionError{Element: "magic", Err: inner},
		"error":                                       &ConnectionError{Offset: -1},
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		if want != "error" && !errors.Is(err, inner) {
			t.Errorf("%q does not unwrap", want)
		}
	}
}

func TestNamesOfCodesAndCauses(t *testing.T) {
	for c := OK; c <= Unauthenticated; c++ {
		if got, ok := ParseCode(c.String()); !ok || got != c {
			t.Errorf("%v: %v %t", c, got, ok)
		}
	}
	if Code(99).String() != "CODE(99)" || Cause(99).String() != "cause(99)" {
		t.Error("unknown numbers have no names")
	}
	for _, c := range Causes() {
		if c.String() == "" || (Failure{Cause: c}).Text() == "" {
			t.Errorf("cause %d has no name or text", c)
		}
	}
	if !CauseDenied.Refusal() || CauseTimeout.Refusal() {
		t.Error("refusals are wrong")
	}
}

func TestParseConfigIsStrict(t *testing.T) {
	var into struct {
		A int `json:"a"`
	}
	into.A = 5
	for _, empty := range []string{"", " ", "{}", "null"} {
		if err := ParseConfig([]byte(empty), &into); err != nil || into.A != 5 {
			t.Errorf("%q: %v, %d", empty, err, into.A)
		}
	}
	for text, want := range map[string]string{
		`{"b":1}`: `unknown field "b"`, `{"a":"x"}`: "cannot unmarshal", `{"a":1} 2`: "something follows", `{`: "unexpected",
	} {
		if err := ParseConfig([]byte(text), &into); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestApply(t *testing.T) {
	entry := func(k, v string) Entry { return Entry{[]byte(k), []byte(v)} }
	entries := []Entry{entry("a", "1"), entry("b", "2"), entry("c", "3")}
	mut := &Mutation{
		Set:      []Entry{entry("b", "20"), entry("d", "40")},
		Remove:   [][]byte{[]byte("a"), []byte("x")},
		Optional: []Entry{entry("c", "30"), entry("d", "41"), entry("e", "50")},
	}
	got := mut.Apply([]Entry{entry("before", "0")}, entries)
	var text []string
	for _, e := range got {
		text = append(text, string(e.Key)+"="+string(e.Value))
	}
	if want := []string{"before=0", "b=20", "c=30", "d=40", "e=50"}; !slices.Equal(text, want) {
		t.Errorf("got %v, want %v", text, want)
	}
	if string(entries[1].Value) != "2" {
		t.Error("the message's own entries were changed")
	}
}

// TestResetForgetsGreatMessages: one hostile message must not cost memory for ever.
func TestResetForgetsGreatMessages(t *testing.T) {
	m := &Message{}
	for i := range 10_000 {
		m.Set(m.Keep(strconv.AppendInt(nil, int64(i), 10)), nil)
	}
	m.Keep(make([]byte, 1<<20))
	m.Reset()
	if cap(m.entries) > maxKeptEntries || cap(m.arena) > maxKeptArena || m.index != nil {
		t.Errorf("%d entries and %d bytes are kept", cap(m.entries), cap(m.arena))
	}
	m.Set([]byte("a"), []byte("b"))
	if v, ok := m.Get("a"); !ok || string(v) != "b" {
		t.Errorf("%q, %t", v, ok)
	}
}
