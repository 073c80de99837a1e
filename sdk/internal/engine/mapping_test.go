package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// mapper maps messages of the test protocol.
type mapper struct {
	c *Config
	g guarded
	f fields
}

func newMapper(tb testing.TB, text string) *mapper {
	tb.Helper()
	c := config(tb, text)
	return &mapper{c: c, g: guarded{cfg: c, codec: c.codecs[0], counts: &Counts{}}}
}

func (x *mapper) read(tb testing.TB, b []byte) *sdk.Message {
	tb.Helper()
	m := &sdk.Message{}
	n, err := x.g.decode(sdk.FromClient, b, m)
	if err != nil || n != len(b) {
		tb.Fatalf("decode: %d of %d, %v", n, len(b), err)
	}
	m.Bytes = b
	if err := x.g.metadata(m); err != nil && !isUnreadable(err) {
		tb.Fatal(err)
	}
	return m
}

// headers maps a message and returns its headers as text, without the fixed ones.
func (x *mapper) headers(tb testing.TB, msg testcodec.Message) (string, error) {
	tb.Helper()
	m := x.read(tb, testcodec.Append(nil, msg))
	if err := x.f.request(x.c, &x.g, m, &Env{LocalAddress: []byte("10.0.0.1:20880")}, x.c.isOneway(m), false); err != nil {
		return "", err
	}
	var list []string
	for _, h := range x.f.list {
		switch name := string(h.Name); name {
		case ":method", ":scheme", "content-type", "te":
		default:
			list = append(list, name+"="+string(h.Value))
		}
	}
	return strings.Join(list, " "), nil
}

func TestRequestHeaders(t *testing.T) {
	request := func(service, method string, entries ...[2]string) testcodec.Message {
		return testcodec.Message{Kind: sdk.KindRequest, Service: service, Method: method, Entries: entries}
	}
	timed := request("s", "m")
	timed.Timeout = time.Second
	brief := request("s", "m")
	brief.Timeout = 2 * time.Millisecond
	long := request("s", "m")
	long.Timeout = 49 * 24 * time.Hour
	oneway := request("s", "m")
	oneway.Kind = sdk.KindOneWay
	tests := map[string]struct {
		config  string
		message testcodec.Message
		want    string
	}{
		"plain":                     {``, request("com.foo.Bar", "get$1"), ":authority=toy :path=/com.foo.Bar/get$1"},
		"escaped path":              {``, request("a/b c", "ü~?#"), ":authority=toy :path=/a~2Fb~20c/~C3~BC~7E~3F~23"},
		"dots":                      {``, request("..", "."), ":authority=toy :path=/~2E~2E/~2E"},
		"no service":                {``, request("", "m"), ":authority=toy :path=/toy/m"},
		"default service":           {`"default_service":"d"`, request("", "m"), ":authority=toy :path=/d/m"},
		"authority":                 {`"authority":"mesh.local"`, request("s", "m"), ":authority=mesh.local :path=/s/m"},
		"original dst":              {`"authority":"original_dst"`, request("s", "m"), ":authority=10.0.0.1:20880 :path=/s/m"},
		"hosts":                     {`"hosts":{"s":"s.ns.svc"}`, request("s", "m"), ":authority=s.ns.svc :path=/s/m"},
		"hosts, no service":         {`"default_service":"d","hosts":{"d":"d.ns.svc"}`, request("", "m"), ":authority=d.ns.svc :path=/d/m"},
		"one-way without a service": {`"default_service":"d","oneway":["d/m"]`, request("", "m"), ":authority=toy :path=/d/m x-rpc-kind=oneway"},
		"deadline":                  {``, timed, ":authority=toy :path=/s/m grpc-timeout=995m"},
		"margin":                    {`"deadline_margin":"100ms"`, timed, ":authority=toy :path=/s/m grpc-timeout=900m"},
		"short deadline":            {``, brief, ":authority=toy :path=/s/m grpc-timeout=1m"},
		"long deadline":             {``, long, ":authority=toy :path=/s/m grpc-timeout=4233599S"},
		"one-way":                   {``, oneway, ":authority=toy :path=/s/m x-rpc-kind=oneway"},
		"one-way by method":         {`"oneway":["s/m"]`, request("s", "m"), ":authority=toy :path=/s/m x-rpc-kind=oneway"},
		"names": {
			``, request("s", "m", [2]string{"Tenant", "A"}, [2]string{"a b", "1"}, [2]string{"~", "2"}, [2]string{"", "3"}),
			":authority=toy :path=/s/m x-rpc-tenant=A x-rpc-a~20b=1 x-rpc-~7e=2",
		},
		"values": {
			``, request("s", "m", [2]string{"a", " x"}, [2]string{"b", "x\n~"}, [2]string{"c", "ü~"}, [2]string{"d", ""}),
			":authority=toy :path=/s/m x-rpc-a~=~20x x-rpc-b~=x~0A~7E x-rpc-c=ü~ x-rpc-d=",
		},
		"reserved": {
			``, request("s", "m", [2]string{"kind", "1"}, [2]string{"_kind", "2"}, [2]string{"Local-x", "3"}, [2]string{"status", "4"}),
			":authority=toy :path=/s/m x-rpc-_kind=1 x-rpc-__kind=2 x-rpc-_local-x=3 x-rpc-_status=4",
		},
		"tracing": {
			`"tracing_headers":["x-request-id"]`, request("s", "m", [2]string{"Traceparent", "00"}, [2]string{"X-B3-TraceId", "1"}, [2]string{"x-request-id", "2"}, [2]string{"b3", "bad\n"}),
			":authority=toy :path=/s/m traceparent=00 x-b3-traceid=1 x-request-id=2",
		},
		"expose": {`"expose":["t*"]`, request("s", "m", [2]string{"tenant", "1"}, [2]string{"secret", "2"}), ":authority=toy :path=/s/m x-rpc-tenant=1"},
		"hidden": {`"on_fold":"hide"`, request("s", "m", [2]string{"A", "1"}, [2]string{"a", "2"}, [2]string{"b", "3"}), ":authority=toy :path=/s/m x-rpc-b=3"},
		"nothing but what a client may set": {
			``, request("s", "m", [2]string{":path", "/x"}, [2]string{"x-envoy-retry-on", "5xx"}, [2]string{"host", "h"}),
			":authority=toy :path=/s/m x-rpc-~3apath=/x x-rpc-x-envoy-retry-on=5xx x-rpc-host=h",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text := `{"name":"toy"`
			if tt.config != "" {
				text += "," + tt.config
			}
			got, err := newMapper(t, text+"}").headers(t, tt.message)
			if err != nil || got != tt.want {
				t.Errorf("%v\n got %s\nwant %s", err, got, tt.want)
			}
		})
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	many := testcodec.Message{Kind: sdk.KindRequest, Service: "s", Method: "m"}
	for i := range 300 {
		many.Entries = append(many.Entries, [2]string{fmt.Sprint("k", i), "v"})
	}
	big := testcodec.Message{Kind: sdk.KindRequest, Service: "s", Method: "m", Entries: [][2]string{{"k", strings.Repeat("v", 60000)}}}
	folded := testcodec.Message{Kind: sdk.KindRequest, Service: "s", Method: "m", Entries: [][2]string{{"A", "1"}, {"a", "2"}}}
	for name, tt := range map[string]struct {
		message testcodec.Message
		cause   sdk.Cause
		text    string
	}{
		"too many": {many, sdk.CauseTooLarge, "more than 256 entries"},
		"too long": {big, sdk.CauseTooLarge, "over 49152 bytes"},
		"too long a path": {
			testcodec.Message{Kind: sdk.KindRequest, Service: strings.Repeat("s", 25000), Method: strings.Repeat("m", 25000)},
			sdk.CauseTooLarge, "service and method: 50000 bytes, limit 49152",
		},
		"folded": {folded, sdk.CauseMalformed, `keys "A" and "a" look the same`},
	} {
		_, err := newMapper(t, `{"name":"toy"}`).headers(t, tt.message)
		var call *sdk.CallError
		if !errors.As(err, &call) || call.Cause != tt.cause || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFarEndFindsNoDifference maps messages and reads them back: the mutation is
// empty, however odd the keys and values.
func TestFarEndFindsNoDifference(t *testing.T) {
	x := newMapper(t, `{"name":"toy","on_fold":"hide"}`)
	for _, msg := range []testcodec.Message{
		callOf(1, "plain", [2]string{"Tenant", "blue"}),
		callOf(2, "o~d/d", [2]string{"~", " "}, [2]string{"kind", "\x00"}, [2]string{"A", ""}, [2]string{"a", "x"}, [2]string{"traceparent", "t"}),
	} {
		m := x.read(t, testcodec.Append(nil, msg))
		if mut := roundTrip(t, x, m, nil); !mut.Empty() {
			t.Errorf("%+v: %+v", msg, mut)
		}
	}
}

// roundTrip maps m to headers, lets change alter them, and returns what the far end
// makes of it.
func roundTrip(tb testing.TB, x *mapper, m *sdk.Message, change func([]Field) []Field) *sdk.Mutation {
	tb.Helper()
	near := &fields{}
	if err := near.request(x.c, &x.g, m, &Env{}, x.c.isOneway(m), false); err != nil {
		tb.Fatal(err)
	}
	list := near.list
	if change != nil {
		list = change(list)
	}
	mut := &sdk.Mutation{}
	if err := x.f.requestMutation(x.c, &x.g, mut, m, list, false); err != nil {
		tb.Fatal(err)
	}
	return mut
}

func FuzzNoDifference(f *testing.F) {
	f.Add("com.foo.Bar", "get", "key", "value", "Key ", "\x00~41")
	f.Add("..", "~", "_kind", " x ", "traceparent", "\n")
	x := newMapper(f, `{"name":"toy","on_fold":"hide","max_metadata_bytes":1000000}`)
	f.Fuzz(func(t *testing.T, service, method, k1, v1, k2, v2 string) {
		if method == "" || method == testcodec.PanicMethod || method == testcodec.UnreadableMethod ||
			max(len(service), len(method), len(k1), len(v1), len(k2), len(v2)) > 60000 ||
			strings.HasPrefix(k1, ":") || strings.HasPrefix(k2, ":") {
			return
		}
		m := x.read(t, testcodec.Append(nil, testcodec.Message{
			Kind: sdk.KindRequest, Service: service, Method: method, Entries: [][2]string{{k1, v1}, {k2, v2}},
		}))
		if mut := roundTrip(t, x, m, nil); !mut.Empty() {
			t.Fatalf("%q/%q %q: %+v", service, method, m.Entries(), mut)
		}
		// A value that a policy sets arrives as it was, whatever it is.
		if !validValue([]byte(v2)) {
			return
		}
		mut := roundTrip(t, x, m, func(list []Field) []Field {
			return append(list, Field{[]byte("x-rpc-fresh-name"), []byte(v2)})
		})
		if len(mut.Set) != 1 || string(mut.Set[0].Value) != v2 {
			t.Fatalf("set %q: %+v", v2, mut)
		}
	})
}

func TestLocalReplyCauses(t *testing.T) {
	for text, want := range map[string]sdk.Cause{
		"404 NR route_not_found":                                      sdk.CauseNoRoute,
		"503 NC cluster_not_found":                                    sdk.CauseNoRoute,
		"503 UH no_healthy_upstream":                                  sdk.CauseNoUpstream,
		"503 UF upstream_reset_before_response_started{remote}":       sdk.CauseConnectFailure,
		"503 UC upstream_reset_before_response_started{termination}":  sdk.CauseConnectionLost,
		"504 UT response_timeout":                                     sdk.CauseTimeout,
		"504 DT duration_timeout":                                     sdk.CauseTimeout,
		"403 - direct_response":                                       sdk.CauseDenied,
		"503 - direct_response":                                       sdk.CauseAborted,
		"429 - local_rate_limited":                                    sdk.CauseRateLimited,
		"429 RL request_rate_limited":                                 sdk.CauseRateLimited,
		"403 - rbac_access_denied_matched_policy[none]":               sdk.CauseDenied,
		"503 FI fault_filter_abort":                                   sdk.CauseAborted,
		"429 FI fault_filter_abort":                                   sdk.CauseRateLimited,
		"503 UO overflow":                                             sdk.CauseOverloaded,
		"503 - reached_concurrency_limit":                             sdk.CauseOverloaded,
		"503 - denied_by_admission_control":                           sdk.CauseOverloaded,
		"403 UAEX ext_authz_denied":                                   sdk.CauseDenied,
		"503 UF,URX upstream_reset_before_response_started{overflow}": sdk.CauseConnectFailure,
		"- - meltemi_too_large":                                       sdk.CauseTooLarge,
	} {
		f := failureOf([]Field{{[]byte(":status"), []byte("200")}, {[]byte("grpc-status"), []byte("14")}, {[]byte(headerCause), []byte(text)}}, nil)
		if f.Cause != want {
			t.Errorf("%s: %v, want %v", text, f.Cause, want)
		}
	}
	for text, want := range map[string]sdk.Code{
		"504 UT response_timeout":  sdk.DeadlineExceeded, // however Envoy reports it
		"408 - request_timeout":    sdk.DeadlineExceeded,
		"503 - direct_response":    sdk.Unknown, // an error is never OK
		"403 UAEX ext_authz_error": sdk.Unknown,
	} {
		f := failureOf([]Field{{[]byte(":status"), []byte("200")}, {[]byte("grpc-status"), []byte("0")}, {[]byte(headerCause), []byte(text)}}, nil)
		if f.Code != want {
			t.Errorf("%s: %v, want %v", text, f.Code, want)
		}
	}
	f := failureOf([]Field{{[]byte(":status"), []byte("429")}}, []byte("slow down"))
	if f.Cause != sdk.CauseRateLimited || f.Code != sdk.Unavailable || f.Message != "slow down" {
		t.Errorf("plain HTTP: %+v", f)
	}
}

func TestMetricsHaveDistinctNames(t *testing.T) {
	if numCauses != len(sdk.Causes()) {
		t.Fatalf("numCauses is %d, there are %d causes", numCauses, len(sdk.Causes()))
	}
	seen := map[string]bool{}
	for _, n := range MetricNames {
		if n == "" || seen[n] {
			t.Errorf("name %q", n)
		}
		seen[n] = true
	}
}

func TestConfigErrorsNameTheField(t *testing.T) {
	for text, want := range map[string]string{
		``:                                    "configuration is empty",
		`{}`:                                  "name: missing; this library knows toy",
		`{"name":"toy","auto":["toy"]}`:       "name and auto exclude each other",
		`{"auto":["toy","toy"]}`:              `auto[1]: codec "toy" is named twice`,
		`{"auto":[{"name":"toy","x":1}]}`:     `auto[0]: configuration: json: unknown field "x"`,
		`{"name":"toy","max_metadata":0}`:     "max_metadata: 0 is not between 1 and 4096",
		`{"name":"toy","oneway":["x"]}`:       `oneway: "x" is not service/method`,
		`{"name":"toy","expose":["[","a"]}`:   `expose[0]: "[" is not a pattern`,
		`{"name":"toy","deadline_margin":5}`:  `5 is not a duration`,
		`{"name":"toy","hosts":{"a":""}}`:     `hosts: "a" has no host`,
		`{"name":"toy"} {}`:                   "something follows",
		`{"name":"toy","sniff_timeout":"0s"}`: "sniff_timeout: 0s would let",

		`{"name":"toy","tracing_headers":["x-id","X-Envoy-Retry-On"]}`: `tracing_headers[1]: "X-Envoy-Retry-On" is reserved`,
		`{"name":"toy","tracing_headers":["Content-Type"]}`:            `"Content-Type" is reserved`,
		`{"name":"toy","tracing_headers":["x-rpc-kind"]}`:              `"x-rpc-kind" is reserved`,
		`{"name":"toy","tracing_headers":[":path"]}`:                   `":path" is not the name of a header`,
		`{"name":"toy","tracing_headers":["ä"]}`:                       `"ä" is not the name of a header`,
		`{"name":"toy","tracing_headers":[""]}`:                        `"" is not the name of a header`,
		`{"name":"toy","opaque":"let","x":""}`:                         `unknown field "x"`,
	} {
		_, err := ParseConfig([]byte(text), []sdk.Definition{testcodec.Definition()})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
