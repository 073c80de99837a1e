package cache

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// hidden is a call of Dubbo whose entries are in the message alone: its codec exposes none
// as headers. Entries are keys and values in turn.
func hidden(t *testing.T, p *peer, entries ...string) filtertest.Request {
	t.Helper()
	r := sdk.Request{ID: 1, Service: "shop.Orders", Method: "get"}
	for i := 0; i < len(entries); i += 2 {
		r.Metadata = append(r.Metadata, sdk.Entry{Key: []byte(entries[i]), Value: []byte(entries[i+1])})
	}
	b, err := p.codec.(sdk.RequestBuilder).BuildRequest(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	return filtertest.Request{Codec: "dubbo", Service: r.Service, Method: r.Method, Payload: b}
}

// overDubbo makes the filter for calls of Dubbo.
func overDubbo(t *testing.T, rule string) (*filtertest.Host, *peer) {
	t.Helper()
	c, err := dubbo.Definition().New(nil)
	if err != nil {
		t.Fatal(err)
	}
	config := `{"rules": [{"methods": ["*"], "ttl": "10s", ` + rule + `}]}`
	return filtertest.New(t, Definition(), config, filtertest.WithCodecs(dubbo.Definition())), &peer{"dubbo", c}
}

// TestEntriesThatAreNotExposed count as the message has them: the application gets those.
func TestEntriesThatAreNotExposed(t *testing.T) {
	h, p := overDubbo(t, `"shared": true, "metadata": ["Lang"]`)
	keep := func(entries ...string) {
		t.Helper()
		r := hidden(t, p, entries...)
		fetch(t, h, r, p.answer(t, r, "x"))
	}
	for _, entries := range [][]string{
		nil,
		{"lang", "en"},
		{"lang", "de"},
		{"Lang", "en"},
		{"lang", "en", "Lang", "de"},
		{"lang", "de", "Lang", "en"},
		{"lang", ""},
		{"group", "a"},
		{"group", "b"},
		{"Group", "b"},
		{"version", "9.9.9"},
		{"generic", "true"},
	} {
		keep(entries...)
	}
	got := h.Begin(hidden(t, p, "trace", "1", "lang", "en")).End()
	if got.State != filtertest.Answered {
		t.Errorf("the same entry is %v, not answered", got.State)
	}
}

// TestSpellingsAreNotTheSame: headers know no case, servers may.
func TestSpellingsAreNotTheSame(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"rules": [
	  {"methods": ["*/get"], "ttl": "10s", "shared": true, "metadata": ["lang"]},
	  {"methods": ["*/mine"], "ttl": "10s", "caller_metadata": "User"}]}`)
	with := func(method, key string) filtertest.Request {
		return filtertest.Request{Service: "shop.Orders", Method: method, Metadata: map[string]string{key: "x"}}
	}
	for _, r := range []filtertest.Request{
		with("get", "lang"), with("get", "Lang"), with("get", "version"), with("get", "VERSION"), with("mine", "user"), with("mine", "User"),
	} {
		fetch(t, h, r, filtertest.Response{Result: "kept"})
		hits(t, h, r, "kept")
	}
}

// TestCallerThatIsNotExposed is nobody: nothing before the filter can have checked it.
func TestCallerThatIsNotExposed(t *testing.T) {
	h, p := overDubbo(t, `"caller_metadata": "user"`)
	for range 2 {
		r := hidden(t, p, "user", "a")
		fetch(t, h, r, p.answer(t, r, "x"))
	}
	if n := h.Metric("bypass_total", "cache", "no_caller"); n != 2 {
		t.Errorf("%d calls had no caller, want 2", n)
	}
}

// TestControlThatIsNotExposed is in the answer's message, and counts.
func TestControlThatIsNotExposed(t *testing.T) {
	h, p := overDubbo(t, `"shared": true`)
	r := hidden(t, p)
	b, err := p.codec.(sdk.ResponseBuilder).BuildResponse(nil, p.read(t, sdk.FromClient, r.Payload), sdk.Response{
		Result: "x", Metadata: []sdk.Entry{{Key: []byte("Cache-Control"), Value: []byte("private")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	fetch(t, h, r, filtertest.Response{Payload: b})
	misses(t, h, r)
}
