package arguments

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/codecs/brpc"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/codecs/thrift"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

const customer = `{"entries": [{"name": "customer", "methods": ["shop.Orders/*"], "path": "0.customer.id"}]}`

// order is a call whose first argument names a customer.
func order(id any) filtertest.Request {
	return filtertest.Request{
		Service: "shop.Orders", Method: "get",
		Arguments: []any{map[string]any{"customer": map[string]any{"id": id}}, "second"},
	}
}

func TestArgumentsBecomeLocalEntries(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"entries": [
	  {"name": "customer", "methods": ["shop.Orders/*"], "path": "0.customer.id"},
	  {"name": "second", "methods": ["*"], "path": "1"},
	  {"name": "third", "methods": ["*"], "path": "2"}]}`)
	r := h.Do(order("blue"))
	if want := map[string]string{"customer": "blue", "second": "second"}; !maps.Equal(r.Local, want) || r.State != filtertest.Done {
		t.Errorf("%+v, want %v", r, want)
	}
	if !r.Rerouted {
		t.Error("the route is not chosen anew")
	}
	for _, id := range []any{5, true, "grüße", "with spaces ", strings.Repeat("x", 256)} {
		if r := h.Do(order(id)); r.Local["customer"] == "" || r.State != filtertest.Done {
			t.Errorf("%v: %+v", id, r)
		}
	}
	for result, n := range map[string][2]uint64{"read": {6, 0}, "missing": {0, 6}} {
		if got := h.Metric("values_total", "customer", result); got != n[0] {
			t.Errorf("%d values of customer are %s, want %d", got, result, n[0])
		}
		if got := h.Metric("values_total", "third", result); got != n[1] {
			t.Errorf("%d values of third are %s, want %d", got, result, n[1])
		}
	}
}

func TestOtherCallsAreIgnored(t *testing.T) {
	h := filtertest.New(t, Definition(), customer)
	c := h.Begin(filtertest.Request{Service: "shop.Carts", Method: "get", Arguments: []any{"x"}})
	if !c.Ignored() {
		t.Error("a call of another service is not ignored")
	}
	c.End()
}

// TestCallsWithoutAValue go on or are refused, as the entry says.
func TestCallsWithoutAValue(t *testing.T) {
	for _, test := range []struct {
		entry   string // what is added to one
		id      any
		state   filtertest.State
		result  string
		message string
	}{
		{``, nil, filtertest.Done, "missing", ""},
		{``, "", filtertest.Done, "missing", ""},
		{`, "missing": "skip"`, nil, filtertest.Done, "missing", ""},
		{`, "missing": "refuse"`, nil, filtertest.Refused, "missing", "argument customer: missing"},
		{`, "missing": "refuse"`, "", filtertest.Refused, "missing", "argument customer: missing"},
		{`, "missing": "refuse"`, "x", filtertest.Done, "read", ""},
		{``, []any{1}, filtertest.Refused, "unreadable", "argument customer: malformed: arguments: no single value"},
		{`, "unreadable": "refuse"`, []any{1}, filtertest.Refused, "unreadable", "no single value"},
		{`, "unreadable": "skip"`, []any{1}, filtertest.Done, "unreadable", ""},
		{``, strings.Repeat("x", 257), filtertest.Refused, "too_long", "argument customer: 257 bytes are more than 256"},
		{`, "max_bytes": 3`, "four", filtertest.Refused, "too_long", "4 bytes are more than 3"},
		{`, "max_bytes": 4`, "four", filtertest.Done, "read", ""},
		{`, "max_bytes": 3, "unreadable": "skip"`, "four", filtertest.Done, "too_long", ""},
	} {
		h := filtertest.New(t, Definition(), `{"entries": [{"name": "customer", "methods": ["*"], "path": "0.customer.id"`+test.entry+`}]}`)
		r := h.Do(order(test.id))
		if r.State != test.state || !strings.Contains(r.Failure.Message, test.message) {
			t.Errorf("%s %v: %v, %v", test.entry, test.id, r.State, r.Failure)
		}
		if _, set := r.Local["customer"]; set != (test.result == "read") {
			t.Errorf("%s %v: local entries are %v", test.entry, test.id, r.Local)
		}
		if h.Metric("values_total", "customer", test.result) != 1 {
			t.Errorf("%s %v: %v", test.entry, test.id, h.Series())
		}
		refused := uint64(0)
		if test.state == filtertest.Refused {
			refused = 1
			if r.Failure.Cause != sdk.CauseDenied {
				t.Errorf("%s %v: the cause is %v", test.entry, test.id, r.Failure.Cause)
			}
		}
		if n := h.Metric("refused_total", "customer"); n != refused {
			t.Errorf("%s %v: %d calls are counted as refused", test.entry, test.id, n)
		}
	}
}

// TestNobodyElseSetsTheEntries: whatever came in as one is gone, also where no entry is
// chosen for the method.
func TestNobodyElseSetsTheEntries(t *testing.T) {
	h := filtertest.New(t, Definition(), customer)
	forged := func(r filtertest.Request) map[string]string {
		t.Helper()
		r.Local = map[string]string{"customer": "forged", "other": "kept"}
		return h.Do(r).Local
	}
	for name, test := range map[string]struct {
		request filtertest.Request
		want    map[string]string
	}{
		"read":           {order("blue"), map[string]string{"customer": "blue", "other": "kept"}},
		"escaped":        {order("gr\u00fc\u00dfe\n"), map[string]string{"customer": "gr\u00fc\u00dfe\n", "other": "kept"}},
		"missing":        {order(nil), map[string]string{"other": "kept"}},
		"another method": {filtertest.Request{Service: "shop.Carts"}, map[string]string{"other": "kept"}},
	} {
		if got := forged(test.request); !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestTheFirstEntryOfANameDecides(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"entries": [
	  {"name": "key", "methods": ["shop.Orders/get"], "path": "7"},
	  {"name": "key", "methods": ["shop.Orders/*"], "path": "0.customer.id"}]}`)
	if r := h.Do(order("blue")); len(r.Local) > 0 {
		t.Errorf("get: %v", r.Local)
	}
	put := order("blue")
	put.Method = "put"
	if r := h.Do(put); r.Local["key"] != "blue" {
		t.Errorf("put: %v", r.Local)
	}
}

func TestRoutesHaveEntriesOfTheirOwn(t *testing.T) {
	h := filtertest.New(t, Definition(), customer)
	r := order("blue")
	r.RouteConfig = `{"entries": [{"name": "second", "methods": ["*"], "path": "1"}]}`
	r.Local = map[string]string{"customer": "forged", "second": "forged"}
	if got, want := h.Do(r).Local, map[string]string{"second": "second"}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	r.RouteConfig = `{"entries": [{"name": "second", "methods": ["*"], "path": "wrong"}]}`
	if got := h.Do(r); got.State != filtertest.Refused || !strings.Contains(got.Failure.Message, `path "wrong"`) {
		t.Errorf("a path that leads nowhere: %+v", got)
	}
}

func TestConfigurationIsStrict(t *testing.T) {
	entry := func(fields string) string { return `{"entries": [{` + fields + `}]}` }
	for config, want := range map[string]string{
		``:                                     "entries: there are none",
		`{"entries": []}`:                      "entries: there are none",
		`{"entry": []}`:                        `unknown field "entry"`,
		entry(`"nam": ""`):                     `unknown field "nam"`,
		entry(`"methods": ["*"], "path": "0"`): `entries[0]: name "": not lower-case`,
		entry(`"name": "A", "methods": ["*"], "path": "0"`):                                            `name "A": not lower-case`,
		entry(`"name": "a~", "methods": ["*"], "path": "0"`):                                           `name "a~": not lower-case`,
		entry(`"name": "` + strings.Repeat("a", 65) + `", "methods": ["*"], "path": "0"`):              "64 at most",
		entry(`"name": "a", "path": "0"`):                                                              "entries[0]: methods: there are none",
		entry(`"name": "a", "methods": [], "path": "0"`):                                               "methods: there are none",
		entry(`"name": "a", "methods": ["x"], "path": "0"`):                                            `"x"`,
		entry(`"name": "a", "methods": ["*"]`):                                                         "entries[0]: path: there is none",
		entry(`"name": "a", "methods": ["*"], "path": "0."`):                                           `path "0.": a step is empty`,
		entry(`"name": "a", "methods": ["*"], "path": "x"`):                                            `entries[0]: codec words: path "x": it begins with the number`,
		entry(`"name": "a", "methods": ["*"], "path": "0", "missing": "x"`):                            `missing: "x" is neither "skip" nor "refuse"`,
		entry(`"name": "a", "methods": ["*"], "path": "0", "unreadable": "deny"`):                      `unreadable: "deny" is neither`,
		entry(`"name": "a", "methods": ["*"], "path": "0", "max_bytes": 0`):                            "max_bytes: 0 is not between 1 and 4096",
		entry(`"name": "a", "methods": ["*"], "path": "0", "max_bytes": 4097`):                         "is not between",
		`{"entries": [` + strings.Repeat(`{"name": "a", "methods": ["*"], "path": "0"},`, 32) + `{}]}`: "33 are more than 32",
	} {
		if _, err := filtertest.Try(t, Definition(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
		if _, err := newList([]byte(config)); (err == nil || !strings.Contains(err.Error(), want)) && !strings.Contains(want, "codec") {
			t.Errorf("of a route: %s: %v, want %q", config, err, want)
		}
	}
}

// TestSchema: the schema has the fields that the configuration has.
func TestSchema(t *testing.T) {
	var s struct {
		Properties struct {
			Entries struct {
				MaxItems int
				Items    struct {
					Properties map[string]struct{ Maximum, Default any }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(schema), &s); err != nil {
		t.Fatal(err)
	}
	items := s.Properties.Entries.Items.Properties
	var fields []string
	for field := range reflect.TypeFor[entry]().Fields() {
		fields = append(fields, field.Tag.Get("json"))
	}
	slices.Sort(fields)
	if got := slices.Sorted(maps.Keys(items)); !slices.Equal(got, fields) {
		t.Errorf("the schema has %v, the configuration %v", got, fields)
	}
	if s.Properties.Entries.MaxItems != maxEntries || items["max_bytes"].Maximum != float64(maxBytes) || items["max_bytes"].Default != float64(defaultMaxBytes) {
		t.Errorf("the schema has other bounds: %+v", s)
	}
}

// TestRealMessages reads messages of other implementations through the host, as in Envoy.
func TestRealMessages(t *testing.T) {
	for _, test := range []struct{ codec, frame, service, method, path, want string }{
		{"dubbo", "request-order-hessian2", "shop.Orders", "place", "1.customer.id", "c-7"},
		{"dubbo", "request-order-fastjson2", "shop.Orders", "place", "1.customer.id", "c-7"},
		{"dubbo", "request-order-fastjson", "shop.Orders", "place", "1.customer.id", "c-7"},
		{"dubbo", "request-generic-hessian2", "shop.Orders", "place", "1.customer.id", "c-7"},
		{"thrift", "framed-compact-call-rich", "thrift", "store", "40.b.0.300", "far"},
		{"thrift", "unframed-binary-call", "thrift", "sayHello", "1", "world"},
		{"brpc", "captured-person-request", "dev.meltemi.peer.Peer", "person", "5.1", "max"},
	} {
		h := filtertest.New(t, Definition(), `{"entries": [{"name": "value", "methods": ["*"], "path": "`+test.path+`", "missing": "refuse"}]}`,
			filtertest.WithCodecs(brpc.Definition(), dubbo.Definition(), thrift.Definition()))
		r := h.Do(filtertest.Request{Codec: test.codec, Service: test.service, Method: test.method, Payload: frame(t, test.codec, test.frame)})
		if r.Local["value"] != test.want {
			t.Errorf("%s %s: %+v, want %s", test.frame, test.path, r, test.want)
		}
	}
}

// frame is a message of testdata.
func frame(t *testing.T, codec, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../testdata/" + codec + "/frames.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); f[0] == name {
			b, err := hex.DecodeString(f[3])
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatalf("no frame %s", name)
	return nil
}
