package cache

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

const shared = `{"rules": [{"methods": ["*/get*"], "ttl": "10s", "shared": true}]}`

// get is a call of a method that is kept.
func get(arguments ...any) filtertest.Request {
	return filtertest.Request{Service: "shop.Orders", Method: "get", Arguments: arguments}
}

// fetch makes a call that has to reach the server, which answers it.
func fetch(t *testing.T, h *filtertest.Host, r filtertest.Request, answer filtertest.Response) {
	t.Helper()
	c := h.Begin(r)
	if c.State() != filtertest.Sent {
		t.Fatalf("the call is %v, not sent", c.State())
	}
	c.Respond(answer)
	c.End()
}

// hits makes a call that has to be answered from the cache.
func hits(t *testing.T, h *filtertest.Host, r filtertest.Request, want string) {
	t.Helper()
	c := h.Begin(r)
	got := c.End()
	if got.State != filtertest.Answered || resultOf(t, got.Payload) != want {
		t.Fatalf("the call is %v with %s, want %q from the cache", got.State, got.Payload, want)
	}
	if got.Dynamic["result"] != "hit" {
		t.Errorf("access logs are told %v", got.Dynamic)
	}
}

// misses makes a call that has to reach the server. Nobody answers it.
func misses(t *testing.T, h *filtertest.Host, r filtertest.Request) {
	t.Helper()
	c := h.Begin(r)
	if c.State() != filtertest.Sent {
		t.Errorf("the call is %v, not sent", c.State())
	}
	c.End()
}

func resultOf(t *testing.T, message []byte) string {
	t.Helper()
	var m struct{ Result string }
	if err := json.Unmarshal(message, &m); err != nil {
		t.Fatalf("%q: %v", message, err)
	}
	return m.Result
}

func TestAnswers(t *testing.T) {
	h := filtertest.New(t, Definition(), shared)
	fetch(t, h, get(1), filtertest.Response{Result: "one"})
	for range 3 {
		hits(t, h, get(1), "one")
	}
	misses(t, h, get(2))
	if c := h.Begin(filtertest.Request{Service: "shop.Orders", Method: "put", Arguments: []any{1}}); !c.Ignored() {
		t.Error("a method that nobody named is looked at")
	}
	for name, want := range map[string]uint64{"hits_total": 3, "misses_total": 2, "entries": 1, "coalesced_total": 0} {
		if n := h.Metric(name, "cache"); n != want {
			t.Errorf("%s is %d, want %d", name, n, want)
		}
	}
	if n := h.Metric("bytes", "cache"); n < entryBytes || n > entryBytes+200 {
		t.Errorf("%d bytes", n)
	}
}

// TestWhatMakesAnotherCall changes one thing at a time in a call whose answer is kept.
func TestWhatMakesAnotherCall(t *testing.T) {
	const rules = `{"rules": [{"methods": ["*/get*"], "ttl": "10s", "metadata": ["Lane", "zone"], "local": ["class"]}]}`
	base := func() filtertest.Request {
		r := get("a")
		r.Principal, r.Route, r.Cluster = "spiffe://shop", "orders", "v1"
		r.Metadata = map[string]string{"lane": "blue", "trace": "1", "version": "1.0"}
		r.Local = map[string]string{"class": "gold", "other": "1"}
		return r
	}
	h := filtertest.New(t, Definition(), rules)
	fetch(t, h, base(), filtertest.Response{Result: "kept"})
	same := map[string]func(r *filtertest.Request){
		"nothing":        func(*filtertest.Request) {},
		"trace":          func(r *filtertest.Request) { r.Metadata["trace"] = "2" },
		"other local":    func(r *filtertest.Request) { r.Local["other"] = "2" },
		"deadline":       func(r *filtertest.Request) { r.Timeout = time.Minute },
		"source":         func(r *filtertest.Request) { r.Source = "192.0.2.1:1" },
		"no other entry": func(r *filtertest.Request) { delete(r.Metadata, "trace") },
	}
	for what, change := range same {
		t.Run(what, func(t *testing.T) {
			r := base()
			change(&r)
			hits(t, h, r, "kept")
		})
	}
	others := map[string]func(r *filtertest.Request){
		"service":           func(r *filtertest.Request) { r.Service = "shop.Orders2" },
		"method":            func(r *filtertest.Request) { r.Method = "get2" },
		"arguments":         func(r *filtertest.Request) { r.Arguments = []any{"b"} },
		"one more argument": func(r *filtertest.Request) { r.Arguments = []any{"a", nil} },
		"caller":            func(r *filtertest.Request) { r.Principal = "spiffe://shop2" },
		"lane":              func(r *filtertest.Request) { r.Metadata["lane"] = "green" },
		"no lane":           func(r *filtertest.Request) { delete(r.Metadata, "lane") },
		"zone":              func(r *filtertest.Request) { r.Metadata["zone"] = "a" },
		"class":             func(r *filtertest.Request) { r.Local["class"] = "silver" },
		"version":           func(r *filtertest.Request) { r.Metadata["version"] = "2.0" },
		"route":             func(r *filtertest.Request) { r.Route = "orders2" },
		"cluster":           func(r *filtertest.Request) { r.Cluster = "v2" },
		"forged local":      func(r *filtertest.Request) { r.Local, r.Metadata["class"] = nil, "gold" },
	}
	for what, change := range others {
		t.Run(what, func(t *testing.T) {
			r := base()
			change(&r)
			misses(t, h, r)
		})
	}
	hits(t, h, base(), "kept")
}

// TestCallers has callers that are told apart in each way, and one that nobody knows.
func TestCallers(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"rules": [
	  {"methods": ["s/principal"], "ttl": "10s"},
	  {"methods": ["s/metadata"], "ttl": "10s", "caller_metadata": "User"},
	  {"methods": ["s/local"], "ttl": "10s", "caller_local": "user"}]}`)
	as := func(method, principal, metadata, local string) filtertest.Request {
		r := filtertest.Request{Service: "s", Method: method, Principal: principal, Metadata: map[string]string{}, Local: map[string]string{}}
		if metadata != "" {
			r.Metadata["user"] = metadata
		}
		if local != "" {
			r.Local["user"] = local
		}
		return r
	}
	for i, c := range []struct{ known, other, unknown filtertest.Request }{
		{as("principal", "a", "", ""), as("principal", "b", "", ""), as("principal", "", "a", "a")},
		{as("metadata", "", "a", ""), as("metadata", "x", "a", ""), as("metadata", "x", "", "a")},
		{as("local", "", "", "a"), as("local", "", "", "b"), as("local", "x", "a", "")},
	} {
		fetch(t, h, c.known, filtertest.Response{Result: "of a"})
		hits(t, h, c.known, "of a")
		misses(t, h, c.other)
		for range 2 { // and it is not kept
			unknown := h.Begin(c.unknown)
			if !unknown.Ignored() {
				t.Errorf("%d: an unknown caller is not ignored", i)
			}
			unknown.Respond(filtertest.Response{Result: "of nobody"})
			if got := unknown.End(); got.Dynamic["result"] != "bypass" {
				t.Errorf("access logs are told %v", got.Dynamic)
			}
		}
	}
	if n := h.Metric("bypass_total", "cache", "no_caller"); n != 6 {
		t.Errorf("%d calls had no caller, want 6", n)
	}
}

func TestTimeToLive(t *testing.T) {
	h := filtertest.New(t, Definition(), shared)
	fetch(t, h, get(), filtertest.Response{Result: "old"})
	h.Advance(10*time.Second - 1)
	hits(t, h, get(), "old")
	h.Advance(1)
	fetch(t, h, get(), filtertest.Response{Result: "new", Metadata: map[string]string{"Cache-Control": "max-age=3"}})
	hits(t, h, get(), "new")
	h.Advance(3 * time.Second)
	misses(t, h, get())
	if n := h.Metric("evictions_total", "cache", "expired"); n != 2 {
		t.Errorf("%d entries have expired, want 2", n)
	}
	if n := h.Metric("entries", "cache") + h.Metric("bytes", "cache"); n != 0 {
		t.Errorf("%d entries or bytes are left", n)
	}
	fetch(t, h, get(), filtertest.Response{Result: "long", Metadata: map[string]string{"cache-control": "max-age=1000"}})
	h.Advance(10 * time.Second)
	misses(t, h, get())
}

// TestWhatIsNotKept has answers that are for one call alone.
func TestWhatIsNotKept(t *testing.T) {
	control := func(value string) filtertest.Response {
		return filtertest.Response{Result: "x", Metadata: map[string]string{"cache-control": value}}
	}
	for what, r := range map[string]filtertest.Response{
		"an exception":   {Code: sdk.FailedPrecondition},
		"an error":       {Code: sdk.Unavailable},
		"a local reply":  {Cause: sdk.CauseNoUpstream},
		"a long answer":  {Result: strings.Repeat("x", 1000)},
		"no-store":       control("no-store"),
		"no-cache":       control("max-age=5, No-Cache"),
		"private":        control("private"),
		"max-age=0":      control("max-age=0"),
		"a large entry":  {Result: strings.Repeat("x", 500)},
		"another's word": {Code: sdk.NotFound, Native: 7},
	} {
		t.Run(what, func(t *testing.T) {
			h := filtertest.New(t, Definition(), `{"max_bytes": 700, "rules": [{"methods": ["*"], "ttl": "10s", "shared": true, "max_entry_bytes": 600}]}`)
			fetch(t, h, get(), r)
			misses(t, h, get())
			if n := h.Metric("entries", "cache"); n != 0 {
				t.Errorf("%d entries", n)
			}
		})
	}
}

// TestOneWay has a call that nobody answers.
func TestOneWay(t *testing.T) {
	h := filtertest.New(t, Definition(), shared)
	r := get()
	r.OneWay = true
	if c := h.Begin(r); !c.Ignored() || h.Metric("bypass_total", "cache", "one_way") != 1 {
		t.Error("a one-way call is not ignored")
	}
}

func TestControlOfCalls(t *testing.T) {
	with := func(value string) filtertest.Request {
		r := get()
		r.Metadata = map[string]string{"cache-control": value}
		return r
	}
	h := filtertest.New(t, Definition(), shared)
	fetch(t, h, get(), filtertest.Response{Result: "first"})
	fetch(t, h, with("no-store"), filtertest.Response{Result: "for one"})
	hits(t, h, get(), "first")
	hits(t, h, with("max-stale"), "first")
	fetch(t, h, with("no-cache"), filtertest.Response{Result: "second"})
	hits(t, h, get(), "second")
	fetch(t, h, with("no-cache"), filtertest.Response{Code: sdk.Internal})
	hits(t, h, get(), "second")
	for reason, want := range map[string]uint64{"no_store": 1, "no_cache": 2} {
		if n := h.Metric("bypass_total", "cache", reason); n != want {
			t.Errorf("%s: %d, want %d", reason, n, want)
		}
	}

	renamed := filtertest.New(t, Definition(), `{"control": "fresh", "rules": [{"methods": ["*"], "ttl": "1s", "shared": true}]}`)
	fetch(t, renamed, get(), filtertest.Response{Result: "first"})
	hits(t, renamed, with("no-cache"), "first")
	r := get()
	r.Metadata = map[string]string{"fresh": "no-cache"}
	misses(t, renamed, r)

	deaf := filtertest.New(t, Definition(), `{"control": "", "rules": [{"methods": ["*"], "ttl": "1s", "shared": true}]}`)
	fetch(t, deaf, get(), filtertest.Response{Result: "first", Metadata: map[string]string{"cache-control": "no-store"}})
	hits(t, deaf, with("no-cache"), "first")
}

// TestRoutes has a route with rules of its own, and one with none.
func TestRoutes(t *testing.T) {
	h := filtertest.New(t, Definition(), shared)
	r := get()
	r.RouteConfig = `{"rules": [{"methods": ["*"], "ttl": "1s", "shared": true}]}`
	fetch(t, h, r, filtertest.Response{Result: "short"})
	hits(t, h, r, "short")
	h.Advance(time.Second)
	misses(t, h, r)
	r.RouteConfig = `{}`
	if c := h.Begin(r); !c.Ignored() {
		t.Error("a route without rules does not turn the cache off")
	}
}

// TestNoKey has a codec that cannot tell which calls ask for the same: a message that
// is none.
func TestNoKey(t *testing.T) {
	bare := sdk.Definition{Name: "bare", New: func([]byte) (sdk.Codec, error) { return bareCodec{}, nil }}
	h := filtertest.New(t, Definition(), shared, filtertest.WithCodecs(bare))
	r := get()
	r.Codec, r.Payload = "bare", []byte("x")
	for range 2 {
		fetch(t, h, r, filtertest.Response{Payload: []byte("y")})
	}
	if n := h.Metric("bypass_total", "cache", "no_key"); n != 2 {
		t.Errorf("%d calls had no key, want 2", n)
	}
}

// bareCodec is a protocol of one byte.
type bareCodec struct{}

func (bareCodec) Name() string { return "bare" }

func (bareCodec) Decode(_ sdk.Side, _ []byte, m *sdk.Message) (int, error) {
	m.Kind = sdk.KindRequest
	return 1, nil
}

func (bareCodec) Metadata(m *sdk.Message) error {
	m.Method = m.Bytes
	return nil
}

func (bareCodec) Encode(dst []byte, m *sdk.Message, _ *sdk.Mutation) ([]byte, error) {
	return append(dst, m.Bytes...), nil
}

func (bareCodec) Reply(dst []byte, _ sdk.Call, _ sdk.Failure) ([]byte, error) { return dst, nil }

// TestCapabilities loads the filter where something is missing that it needs.
func TestCapabilities(t *testing.T) {
	for _, need := range Definition().Needs {
		if _, err := filtertest.Try(t, Definition(), shared, filtertest.Without(need)); err == nil {
			t.Errorf("it loads without %q", need)
		}
	}
	if _, err := filtertest.Try(t, Definition(), shared, filtertest.Without(filter.CallHTTP, filter.TraceTags)); err != nil {
		t.Error(err)
	}
}
