package answers

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/rpcclient"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/toycodec"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// reply is an answer with a result.
func reply(result any) *rpcclient.Reply {
	return &rpcclient.Reply{
		Viewed: true, View: sdk.View{Result: result, Fields: []sdk.Entry{{Key: []byte("body"), Value: []byte("json")}}},
		Metadata: []sdk.Entry{{Key: []byte("x-trace.id"), Value: []byte("7")}, {Key: []byte("zone"), Value: []byte("b")}},
	}
}

func text(list []Fact) string {
	var b strings.Builder
	for _, f := range list {
		b.WriteString(f.Path + ": " + f.Value + "\n")
	}
	return b.String()
}

func TestFacts(t *testing.T) {
	result := map[string]any{
		"items": []any{map[string]any{"id": 5}, map[string]any{"id": uint64(math.MaxUint64)}}, "none": nil, "empty": []any{}, "nothing": map[string]any{},
		"a b": "<&>", "inside": `{"n": 12345678901234567890}`, "ordered": sdk.OrderedMap{{Key: "k", Value: true}},
	}
	const want = `fields.body: "json"
metadata.zone: "b"
metadata["x-trace.id"]: "7"
result.empty: []
result.inside.n: 12345678901234567890
result.items[0].id: 5
result.items[1].id: 18446744073709551615
result.none: null
result.nothing: {}
result.ordered.k: true
result["a b"]: "<&>"
status.code: "OK"
status.native: 0
`
	if got := text(Facts(&toycodec.Codec{}, reply(result))); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for name, test := range map[string]struct {
		reply *rpcclient.Reply
		want  string
	}{
		"an infinite number": {reply(math.Inf(1)), `result: "+Inf"`},
		"no object":          {reply(`{"a":1} {"b":2}`), `result: "{\"a\":1} {\"b\":2}"`},
		"an exception":       {&rpcclient.Reply{Viewed: true, View: sdk.View{Exception: &sdk.Exception{Type: "T", Message: "m"}}}, `exception.type: "T"`},
		"a failure":          {&rpcclient.Reply{Viewed: true, Status: sdk.Status{Code: sdk.Internal, Native: 80, Message: []byte("why")}}, `status.message: "why"`},
		"no view":            {&rpcclient.Reply{Frame: []byte("abc")}, `message: "3 bytes, sha256 ba7816bf`},
	} {
		if got := text(Facts(&toycodec.Codec{}, test.reply)); !strings.Contains(got, test.want) {
			t.Errorf("%s: got\n%swant\n%s", name, got, test.want)
		}
	}
}

func TestCompare(t *testing.T) {
	before := Facts(nil, reply(map[string]any{"a": 1, "b": []any{1, 2}, "gone": true, "same": "s"}))
	after := Facts(nil, reply(map[string]any{"a": 2, "b": []any{1, 3, 4}, "new": false, "same": "s"}))
	for _, test := range []struct {
		ignore Ignore
		want   string
	}{
		{nil, "result.a: 1>2 result.b[1]: 2>3 result.b[2]: ->4 result.gone: true>- result.new: ->false"},
		{Ignore{"result.b"}, "result.a: 1>2 result.gone: true>- result.new: ->false"},
		{Ignore{"result.b[*]", "result.n*"}, "result.a: 1>2 result.gone: true>-"},
		{Ignore{"*.a", "result.*n*", "b"}, "result.b[1]: 2>3 result.b[2]: ->4"},
		{Ignore{"result"}, ""},
		{Ignore{"res"}, "result.a: 1>2 result.b[1]: 2>3 result.b[2]: ->4 result.gone: true>- result.new: ->false"},
	} {
		var got []string
		for _, d := range Compare(before, after, test.ignore) {
			side := func(s *string) string {
				if s == nil {
					return "-"
				}
				return *s
			}
			got = append(got, d.Path+": "+side(d.Recorded)+">"+side(d.Got))
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q:\ngot  %q\nwant %q", test.ignore, got, test.want)
		}
	}
}

func TestIgnoreNamesOfMetadata(t *testing.T) {
	g := Ignore{"Zone", "X-Trace.ID"}
	for path, want := range map[string]bool{"metadata.zone": true, `metadata["x-trace.id"]`: true, "result.zone": false, "metadata.zones": false} {
		if g.Match(path) != want {
			t.Errorf("%s: %v, want %v", path, !want, want)
		}
	}
}

func TestOnlyTheStatus(t *testing.T) {
	got := Facts(nil, reply("x"))
	if s := Only(got, StatusFacts("OK", 20, true)); len(s) != 2 || s[0].Path != PathCode || s[1].Path != PathNative {
		t.Errorf("got %v", s)
	}
	if s := Only(got, StatusFacts("UNAVAILABLE", 0, false)); !slices.Equal(s, []Fact{{PathCode, `"OK"`}}) {
		t.Errorf("of a proxy's answer: got %v", s)
	}
}
