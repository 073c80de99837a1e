package filterhost_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
	"github.com/meltemi-mesh/meltemi/sdk/moduleconfig"
)

// The hooks are tested by the conformance test (filtertest, envoytest). Here is what
// only strangers and careless people do.

func TestConfigurationsThatAreRefused(t *testing.T) {
	codecs := []sdk.Definition{testcodec.Definition()}
	needy := probe.Definition()
	needy.Name, needy.Needs = "needy", []filter.Capability{filter.CallHTTP}
	reader := probe.Definition()
	reader.Name = "reader"
	panicky := filter.Definition{Name: "panicky", New: func([]byte, filter.Host) (filter.Filter, error) { panic("at load") }}
	none := filter.Definition{Name: "none", New: func([]byte, filter.Host) (filter.Filter, error) { return nil, nil }} //nolint:nilnil // a mistake
	metrics := filter.Definition{Name: "metrics", New: func(_ []byte, h filter.Host) (filter.Filter, error) {
		h.Counter("Bad name")
		h.Gauge("g", "label with spaces")
		h.Histogram("h", "a", "b", "c", "d", "e", "f", "g", "h", "i")
		h.Counter("twice")
		h.Gauge("twice")
		h.Counter("panics")
		return nil, nil //nolint:nilnil // its metrics are wrong already
	}}
	filters := []filter.Definition{probe.Definition(), needy, reader, panicky, none, metrics}
	env := filterhost.Env{
		Define: func(*filter.Metric, string) error { return nil }, Has: []filter.Capability{filter.WaitCalls},
		LogOn: func(filter.Level) bool { return false },
	}
	for _, c := range []struct{ name, config, want string }{
		{"absent", `{}`, `unknown filter "absent"; this library knows probe, needy, reader, panicky, none, metrics`},
		{"probe", `{"confg":{}}`, `unknown field "confg"`},
		{"probe", `{"config":{"typo":1}}`, `filter probe: configuration: json: unknown field "typo"`},
		{"probe", `{"config":{"needs":"luck"}}`, `filter probe: needs: the probe has no luck`},
		{"probe", `{"config":{"twice":true}}`, `metric "requests_total": it is defined twice`},
		{"probe", `{"codec":{"name":"nope"}}`, `codec: configuration: name: unknown codec "nope"; this library knows toy`},
		{"probe", `{} {}`, `something follows`},
		{"needy", `{}`, `filter needy needs "http", which this host cannot do`},
		{"reader", `{"config":{"payload":true}}`, `filter reader reads messages, which this host cannot do`},
		{"panicky", `{}`, `filter panicky: New panicked: at load`},
		{"none", `{}`, `filter none: New made none`},
		{"metrics", `{}`, `metric "Bad name": its name is not lower-case`},
		{"metrics", `{}`, `metric "g": label "label with spaces"`},
		{"metrics", `{}`, `metric "h": 9 labels are more than 8`},
		{"metrics", `{}`, `metric "twice": it is defined twice`},
		{"metrics", `{}`, `metric "panics": it is defined twice`},
	} {
		if _, err := filterhost.New(c.name, []byte(c.config), codecs, filters, env); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.name, c.config, err, c.want)
		}
	}
	for name, want := range map[string]string{
		"probe": `filter probe: configuration: json: unknown field "typo"`, "none": "takes no configuration of routes", "absent": "unknown filter",
	} {
		if _, err := filterhost.NewRoute(name, []byte(`{"typo":1}`), filters); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestMetricsOfAHostThatHasClosed defines a metric when it is too late.
func TestMetricsOfAHostThatHasClosed(t *testing.T) {
	var host filter.Host
	d := filter.Definition{Name: "late", New: func(_ []byte, h filter.Host) (filter.Filter, error) {
		host = h
		return beginner(func(c filter.Call) filter.Handler {
			host.Counter("too_late").Add(c, 1)
			return nil
		}), nil
	}}
	h := filtertest.New(t, d, "")
	h.Do(filtertest.Request{})
	if got := h.Series(); len(got) > 0 {
		t.Errorf("recorded: %v", got)
	}
}

// TestAHostThatCannotAnswer has a filter answer that did not say that it would.
func TestAHostThatCannotAnswer(t *testing.T) {
	reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, Payload: "the answer"})
	d := filter.Definition{Name: "answering", New: func([]byte, filter.Host) (filter.Filter, error) {
		return beginner(func(filter.Call) filter.Handler { return answering{message: reply} }), nil
	}}
	env := filterhost.Env{Define: func(*filter.Metric, string) error { return nil }, Now: clock}
	config, err := filterhost.New(d.Name, []byte(`{}`), []sdk.Definition{testcodec.Definition()}, []filter.Definition{d}, env)
	if err != nil {
		t.Fatal(err)
	}
	call, out := config.Begin(nothing{}, benchRequest(), false)
	if out.Action != filterhost.SendReply || !strings.Contains(out.Reply.Failure.Message, "this host cannot answer calls") {
		t.Errorf("%+v", out)
	}
	call.End(&filterhost.End{})
}

// answering answers requests.
type answering struct {
	filter.Base
	message []byte
}

func (a answering) Request(filter.Call) filter.Verdict { return filter.Answer(a.message) }

// TestRefuse refuses a call that is collected, in the host's own name.
func TestRefuse(t *testing.T) {
	ended := 0
	reading := filter.Definition{Name: "reading", New: func([]byte, filter.Host) (filter.Filter, error) { return &reader{ended: &ended}, nil }}
	env := filterhost.Env{Define: func(*filter.Metric, string) error { return nil }, Now: clock, Has: filter.Capabilities()}
	config, err := filterhost.New("reading", []byte(`{}`), []sdk.Definition{testcodec.Definition()}, []filter.Definition{reading}, env)
	if err != nil {
		t.Fatal(err)
	}
	call, out := config.Begin(nothing{}, benchRequest(), false)
	if out.Action != filterhost.Collect {
		t.Fatalf("%+v", out)
	}
	out = call.Refuse(sdk.Failure{Cause: sdk.CauseInternal, Code: sdk.Internal, Message: "no message came"})
	if out.Action != filterhost.SendReply || out.Reply.Failure.Message != "no message came" {
		t.Errorf("%+v", out)
	}
	if out = call.Message(nil); out.Action != filterhost.Nothing {
		t.Errorf("a message that came too late: %+v", out)
	}
	call.End(&filterhost.End{})
	if ended != 1 {
		t.Errorf("it ended %d times", ended)
	}
}

// reader reads requests, and counts their ends.
type reader struct {
	filter.Base
	ended *int
}

func (r *reader) Payload() (request, response bool) { return true, false }
func (r *reader) Begin(filter.Call) filter.Handler  { return r }
func (r *reader) End(filter.Call, filter.Outcome)   { *r.ended++ }

// beginner is a Filter that is a function.
type beginner func(c filter.Call) filter.Handler

func (f beginner) Begin(c filter.Call) filter.Handler { return f(c) }

// closing is a Filter that is closed with a function.
type closing struct {
	beginner

	shut func()
}

func (f closing) Close() { f.shut() }

// TestClose lets go of a filter that gives back what it has, of one that panics then, and
// of one that has nothing.
func TestClose(t *testing.T) {
	closed := 0
	for shut, panics := range map[*func()]int{
		new(func() { closed++ }): 0, new(func() { panic("at the end") }): 1, nil: 0,
	} {
		h := filtertest.New(t, filter.Definition{Name: "closing", New: func([]byte, filter.Host) (filter.Filter, error) {
			f := beginner(func(filter.Call) filter.Handler { return nil })
			if shut == nil {
				return f, nil
			}
			return closing{f, *shut}, nil
		}}, "")
		h.Do(filtertest.Request{})
		h.Close()
		if got := h.Panics(); len(got) != panics {
			t.Errorf("%d panics, want %d: %v", len(got), panics, got)
		}
	}
	if closed != 1 {
		t.Errorf("closed %d times, want once", closed)
	}
}

// TestRequestsThatAreNone begins calls with what strangers can send to the port.
func TestRequestsThatAreNone(t *testing.T) {
	env := filterhost.Env{
		Define: func(*filter.Metric, string) error { return nil }, Now: clock,
		OnPanic: func(where string, value any, stack []byte) { t.Errorf("panic in %s: %v\n%s", where, value, stack) },
	}
	config, err := filterhost.New(probe.Name, []byte(`{"config":{"all":true}}`), []sdk.Definition{testcodec.Definition()}, []filter.Definition{probe.Definition()}, env)
	if err != nil {
		t.Fatal(err)
	}
	list := func(path, contentType string) []engine.Field {
		return []engine.Field{{Name: []byte(":path"), Value: []byte(path)}, {Name: []byte("content-type"), Value: []byte(contentType)}}
	}
	for _, foreign := range []string{"application/json", "application/grpc", "application/grpc+proto", "application/grpc+toys", ""} {
		if call, out := config.Begin(nothing{}, list("/a/b", foreign), false); call != nil || out != nil {
			t.Errorf("%q is taken for ours", foreign)
		}
	}
	for _, path := range []string{"/a/b?c", "/a/~41", "//", "/a"} {
		call, out := config.Begin(nothing{}, list(path, "application/grpc+toy"), false)
		if out == nil || out.Action != filterhost.SendReply || out.Reply.Failure.Cause != sdk.CauseMalformed {
			t.Fatalf("%q: %+v", path, out)
		}
		call.End(&filterhost.End{})
	}
}

// TestResetSaysOfWhat: hosts have an interface to each direction.
func TestResetSaysOfWhat(t *testing.T) {
	config := benchConfig(t, beginner(func(filter.Call) filter.Handler { return resetter{} }))
	call, out := config.Begin(nothing{}, benchRequest(), false)
	if out.Action != filterhost.ResetStream || out.Response {
		t.Errorf("of the request: %+v", out)
	}
	call.End(&filterhost.End{})
	config = benchConfig(t, beginner(func(filter.Call) filter.Handler { return lateResetter{} }))
	call, _ = config.Begin(nothing{}, benchRequest(), false)
	if out = call.Response(benchResponse(), false); out.Action != filterhost.ResetStream || !out.Response {
		t.Errorf("of the response: %+v", out)
	}
	call.End(&filterhost.End{})
}

type resetter struct{ filter.Base }

func (resetter) Request(filter.Call) filter.Verdict { return filter.Reset }

type lateResetter struct{ filter.Base }

func (lateResetter) Response(filter.Call) filter.Verdict { return filter.Reset }

// TestCloseWithoutCalls makes filters of which no call is ever made: for a check of their
// configuration, and in hosts that refuse them.
func TestCloseWithoutCalls(t *testing.T) {
	closed := 0
	d := filter.Definition{Name: "held", New: func([]byte, filter.Host) (filter.Filter, error) {
		return &holder{close: func() { closed++ }}, nil
	}}
	if err := moduleconfig.CheckFilter("held", nil, nil, []filter.Definition{d}); err != nil || closed != 1 {
		t.Errorf("a check: %v, closed %d times, want once", err, closed)
	}
	if _, err := filtertest.Try(t, d, "", filtertest.Without(filter.ReadPayload)); err == nil || closed != 2 {
		t.Errorf("a host that cannot: %v, closed %d times, want twice", err, closed)
	}
	d.New = func(_ []byte, h filter.Host) (filter.Filter, error) {
		h.Counter("Bad")
		return &holder{close: func() { closed++ }}, nil
	}
	if _, err := filtertest.Try(t, d, ""); err == nil || closed != 3 {
		t.Errorf("a bad metric: %v, closed %d times, want three times", err, closed)
	}
}

// holder is a filter that wants to be closed, and reads messages.
type holder struct{ close func() }

func (f *holder) Begin(filter.Call) filter.Handler  { return nil }
func (f *holder) Payload() (request, response bool) { return true, true }
func (f *holder) Close()                            { f.close() }

// TestRewrite changes copies of both messages of a call.
func TestRewrite(t *testing.T) {
	set := func(key string) func(m *sdk.Message, mut *sdk.Mutation) {
		return func(m *sdk.Message, mut *sdk.Mutation) {
			for _, e := range m.Entries() {
				if string(e.Key) == key {
					mut.Set = append(mut.Set, sdk.Entry{Key: e.Key, Value: []byte("changed")})
				}
			}
		}
	}
	impossible := func(_ *sdk.Message, mut *sdk.Mutation) { mut.Set = []sdk.Entry{{Key: make([]byte, 1<<16)}} }
	message := func(kind sdk.Kind) []byte {
		return testcodec.Append(nil, testcodec.Message{Kind: kind, ID: 7, Service: "s", Method: "m", Payload: "p", Entries: [][2]string{{"Token", "secret"}}})
	}
	got := map[string]string{}
	note := func(what string, b []byte, err error) {
		if err != nil {
			got[what] = err.Error()
			return
		}
		m, _, _ := testcodec.Parse(b)
		got[what] = m.Entry("Token")
	}
	var before, after []byte
	d := filter.Definition{Name: "rewriter", New: func([]byte, filter.Host) (filter.Filter, error) {
		return &rewriter{request: func(c filter.Call) {
			b, err := c.Rewrite(set("Token"))
			note("request", b, err)
			b, err = c.Rewrite(set("none"))
			note("untouched", b, err)
			_, err = c.Rewrite(impossible)
			note("impossible", nil, err)
			_, err = c.RewriteResponse(set("Token"))
			note("too early", nil, err)
			before = bytes.Clone(c.Payload())
		}, response: func(c filter.Call) {
			b, err := c.RewriteResponse(set("Token"))
			note("response", b, err)
			_, err = c.Rewrite(set("Token"))
			note("too late", nil, err)
			after = bytes.Clone(c.ResponsePayload())
		}}, nil
	}}
	h := filtertest.New(t, d, "", filtertest.WithCodecs(testcodec.Definition()))
	c := h.Begin(filtertest.Request{Codec: "toy", Service: "s", Method: "m", Payload: message(sdk.KindRequest)})
	c.Respond(filtertest.Response{Payload: message(sdk.KindResponse)})
	c.End()
	for what, want := range map[string]string{
		"request": "changed", "response": "changed", "untouched": "secret",
		"too early": "the message is not there", "too late": "the message is not there", "impossible": "longer than its length",
	} {
		if !strings.Contains(got[what], want) {
			t.Errorf("%s: %q, want %q", what, got[what], want)
		}
	}
	if !bytes.Equal(before, message(sdk.KindRequest)) || !bytes.Equal(after, message(sdk.KindResponse)) {
		t.Error("the call's own messages were changed")
	}
}

// rewriter is a filter that is two functions.
type rewriter struct{ request, response func(c filter.Call) }

func (f *rewriter) Begin(filter.Call) filter.Handler  { return rewriting{rewriter: f} }
func (f *rewriter) Payload() (request, response bool) { return true, true }

type rewriting struct {
	filter.Base
	*rewriter
}

func (h rewriting) Request(c filter.Call) filter.Verdict {
	h.rewriter.request(c)
	return filter.Continue
}

func (h rewriting) Response(c filter.Call) filter.Verdict {
	h.rewriter.response(c)
	return filter.Continue
}

// TestCodecsOfTheListener asks a host for its codecs.
func TestCodecsOfTheListener(t *testing.T) {
	var host filter.Host
	d := filter.Definition{Name: "curious", New: func(_ []byte, h filter.Host) (filter.Filter, error) {
		host = h
		return beginner(func(filter.Call) filter.Handler { return nil }), nil
	}}
	for text, want := range map[string]string{
		`{"codec":{"name":"toy","config":{"in_sequence":true}}}`:        `toy {"in_sequence":true};`,
		`{"codec":{"auto":["toy",{"name":"other","config":{"a": 1}}]}}`: `toy ;other {"a": 1};`,
		`{}`: `toy ;other ;`,
	} {
		toy, other := testcodec.Definition(), testcodec.Definition()
		other.Name, other.New = "other", func([]byte) (sdk.Codec, error) { return named{&testcodec.Codec{}}, nil }
		env := filterhost.Env{Define: func(*filter.Metric, string) error { return nil }}
		if _, err := filterhost.New(d.Name, []byte(text), []sdk.Definition{toy, other}, []filter.Definition{d}, env); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, c := range host.Codecs() {
			b.WriteString(c.Name + " " + string(c.Config) + ";")
		}
		if got := b.String(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// named is the test's codec under another name.
type named struct{ *testcodec.Codec }

func (named) Name() string { return "other" }

// asker asks a service in both hooks.
type asker struct{ filter.Base }

func (asker) Request(c filter.Call) filter.Verdict  { return ask(c, "first") }
func (asker) Response(c filter.Call) filter.Verdict { return ask(c, "second") }

func ask(c filter.Call, cluster string) filter.Verdict {
	return c.HTTP(cluster, filter.HTTPRequest{}, func(_ filter.Call, r filter.HTTPResponse, err error) filter.Verdict {
		if err != nil || r.Status != 200 {
			return filter.Reset
		}
		return filter.Continue
	})
}

// TestCalloutThatWasNotSentAndIsOld has a callout that cannot be sent, and the call is
// answered by somebody else before the filter hears of that. What it asks then is another
// question.
func TestCalloutThatWasNotSentAndIsOld(t *testing.T) {
	config := benchConfig(t, beginner(func(filter.Call) filter.Handler { return asker{} }))
	call, out := config.Begin(nothing{}, benchRequest(), true)
	if out.Action != filterhost.Callout || out.Cluster != "first" {
		t.Fatalf("%+v", out)
	}
	old := out.NotSent
	if out = call.Response(benchResponse(), true); out.Action != filterhost.Callout || out.Cluster != "second" {
		t.Fatalf("%+v", out)
	}
	if out = call.Woken(old); out.Action != filterhost.Nothing {
		t.Errorf("the old event is taken for one of the new callout: %+v", out)
	}
	if out = call.CalledOut(&filter.HTTPResponse{Status: 200}); out.Action != filterhost.Proceed {
		t.Errorf("the response to the new callout: %+v", out)
	}
	call.End(&filterhost.End{})
}
