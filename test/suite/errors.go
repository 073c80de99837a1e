package suite

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/test/peers"
)

// ClientTimeout is how long a client waits for a call that something on the way is to
// answer. Each error of Envoy has to arrive before.
const ClientTimeout = 3 * time.Second

// Errors is how a protocol's clients see the errors of Envoy.
type Errors struct {
	// Clients are who see errors, each of a server of its own kind. What the first one
	// sees that can make a case is the table in docs/errors.md; all others see the same.
	// The first of all goes through two proxies too.
	Clients []peers.Peer
	// Lacks tells that a client cannot make a case, nil that all can make all.
	Lacks func(client peers.Peer, name string) bool
	// Expect changes what a client is to see into what it sees in its own way. An empty
	// field is any, and a time of 0 any time.
	Expect func(client peers.Peer, name string, want *peers.Seen)

	// Metadata is what the protocol calls it, Head what stands above its messages.
	Metadata, Head string
	// Match is the match of Envoy's route for the calls of a case, and Rewrite a field of
	// a route that makes them calls of the server's service; "" is none.
	Match   func(name string) string
	Rewrite string
	// Frame is a call of a case, and Decoder and Native read the answer.
	Frame   func(tb testing.TB, name string) []byte
	Decoder sdk.Codec
	Native  func(answer *sdk.Message) string
	// Stranger is an answer with an id that no client uses.
	Stranger string
}

// testErrors has each of the failures happen to a call of each kind of client, through
// one proxy and through two of different versions. All clients see the same, in time,
// and their connection serves the next call.
func (p *Protocol) testErrors(t *testing.T) {
	e := &p.Errors
	if len(e.Clients) == 0 {
		t.Fatal("nobody is tested")
	}
	want := map[string]peers.Seen{}
	native := map[string]string{}
	for i, client := range e.Clients {
		proxy := p.startErrors(t, Both[i%2], client)
		got := peers.Errors(t, client, proxy.Port, ClientTimeout, e.cases(client)...)
		for _, f := range failures {
			if _, ok := want[f.name]; !ok && !e.lacks(client, f.name) {
				want[f.name] = got[f.name]
				native[f.name] = e.native(t, proxy.Port, f.name)
			}
		}
		e.check(t, client, want, got)
		two := peers.Start(t, Both[(i+1)%2], peers.Forward(p.codec(client, margin, largest), proxy.Port))
		e.check(t, client, want, peers.Errors(t, client, two.Port, ClientTimeout, e.cases(client)...))
	}
	for _, f := range failures {
		if _, ok := want[f.name]; !ok {
			t.Errorf("no client makes the case %s", f.name)
		}
	}
	if !t.Failed() {
		compareDocument(t, errorsFile, p.Codec, p.table(want, native))
	}
}

// table is what stands in docs/errors.md.
func (p *Protocol) table(want map[string]peers.Seen, native map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| event | %s | the client's exception | text |\n| --- | --- | --- | --- |\n", p.Errors.Head)
	names := strings.NewReplacer("PROTOCOL", p.Name, "METADATA", p.Errors.Metadata)
	for _, f := range failures {
		s := want[f.name]
		exception := "`" + s.Class + "`"
		if s.Code != "" {
			exception += " " + s.Code
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", names.Replace(f.event), native[f.name], exception, withoutSizes(s.Text))
	}
	return b.String()
}

// cases are what a client calls: each of the failures, and a good call after it.
func (e *Errors) cases(client peers.Peer) []string {
	var all []string
	for _, f := range failures {
		if !e.lacks(client, f.name) {
			all = append(all, f.name, "good")
		}
	}
	return all
}

func (e *Errors) lacks(client peers.Peer, name string) bool {
	return e.Lacks != nil && e.Lacks(client, name)
}

// startErrors starts a proxy in which each failure happens, before a server that speaks
// what the client does. The one token of the rate limit is used up.
func (p *Protocol) startErrors(t *testing.T, envoy string, client peers.Peer) *peers.Proxy {
	t.Helper()
	proxy := peers.Start(t, envoy, p.errorsMesh(t, client))
	p.Errors.native(t, proxy.Port, "rate-limited")
	return proxy
}

// check compares what a client saw with what it is to see.
func (e *Errors) check(t *testing.T, client peers.Peer, all, got map[string]peers.Seen) {
	t.Helper()
	if s := got["good"]; s.Class != "none" || s.Text != "good" {
		t.Errorf("%v: a good call between the others: %+v", client, s)
	}
	for _, f := range failures {
		if e.lacks(client, f.name) {
			continue
		}
		s, want := got[f.name], all[f.name]
		want.Took = ClientTimeout
		if e.Expect != nil {
			e.Expect(client, f.name, &want)
		}
		if !like(s.Class, want.Class) || !like(s.Code, want.Code) || !like(withoutSizes(s.Text), withoutSizes(want.Text)) {
			t.Errorf("%v: %s:\n got %s %s: %s\nwant %s %s: %s", client, f.name, s.Class, s.Code, s.Text, want.Class, want.Code, want.Text)
		}
		if s.Class == "none" || want.Took > 0 && s.Took >= want.Took {
			t.Errorf("%v: %s: no error before the client's timeout: %+v", client, f.name, s)
		}
	}
}

func like(got, want string) bool { return want == "" || got == want }

var sizes = regexp.MustCompile(`message: \d+ bytes`)

// withoutSizes takes out of a text how long a message was: that depends on its
// serialization.
func withoutSizes(text string) string { return sizes.ReplaceAllString(text, "message: N bytes") }
