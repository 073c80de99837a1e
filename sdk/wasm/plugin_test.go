package wasm

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// What filters see is tested on stock Envoys (internal/wasmtest). Here is how this package
// uses the ABI, with the SDK's emulator of a host.

// emulate makes a host for a module with these filters, and a plugin of that configuration.
func emulate(t *testing.T, config string, filters ...filter.Definition) proxytest.HostEmulator {
	t.Helper()
	library := Library{Codecs: []sdk.Definition{testcodec.Definition()}, Filters: filters}
	host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().
		WithVMContext(&vm{library: library}).WithPluginConfiguration([]byte(config)))
	t.Cleanup(reset)
	host.RegisterForeignFunction("clear_route_cache", func([]byte) []byte { return []byte{0} })
	return host
}

// probing is the probe, started.
func probing(t *testing.T) proxytest.HostEmulator {
	t.Helper()
	host := emulate(t, `{"filter":"probe"}`, probe.Definition())
	if host.StartPlugin() != types.OnPluginStartStatusOK {
		t.Fatalf("refused: %v", host.GetCriticalLogs())
	}
	return host
}

// begin begins a call with commands for the probe.
func begin(host proxytest.HostEmulator, commands string) (id uint32, action types.Action) {
	id = host.InitializeHttpContext()
	return id, host.CallOnRequestHeaders(id, [][2]string{
		{":method", "POST"}, {":path", "/shop.Orders/get"}, {"content-type", "application/grpc+toy"}, {"x-rpc-do", commands},
	}, false)
}

func header(headers [][2]string, name string) string {
	if at := slices.IndexFunc(headers, func(h [2]string) bool { return h[0] == name }); at >= 0 {
		return headers[at][1]
	}
	return ""
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	for config, want := range map[string]string{
		``:                                    `unknown filter ""; this library knows probe`,
		`{}`:                                  `unknown filter ""; this library knows probe`,
		`{"filter":"absent"}`:                 `unknown filter "absent"`,
		`{"filter":"probe","confg":{}}`:       `unknown field "confg"`,
		`{"filter":"probe","config":{"x":1}}`: `filter probe: configuration: json: unknown field "x"`,
		`{"filter":"probe","codec":{"name":"toi"}}`: `unknown codec "toi"; this library knows toy`,
	} {
		t.Run(config, func(t *testing.T) {
			host := emulate(t, config, probe.Definition())
			if host.StartPlugin() != types.OnPluginStartStatusFailed || !strings.Contains(strings.Join(host.GetCriticalLogs(), "\n"), want) {
				t.Errorf("the log does not say %q: %q", want, host.GetCriticalLogs())
			}
		})
	}
}

// TestWhatIsLacking loads filters that need one capability each.
func TestWhatIsLacking(t *testing.T) {
	for _, c := range filter.Capabilities() {
		t.Run(string(c), func(t *testing.T) {
			d := probe.Definition()
			d.Needs = []filter.Capability{c}
			host := emulate(t, `{"filter":"probe"}`, d)
			status := host.StartPlugin()
			want := `meltemi: filter probe needs "` + string(c) + `", which this host cannot do`
			if refused := slices.Equal(host.GetCriticalLogs(), []string{want}); refused != slices.Contains(lacks, c) || refused == bool(status) {
				t.Errorf("started %t, the log says %q", status, host.GetCriticalLogs())
			}
		})
	}
}

func TestListsThatAreRefused(t *testing.T) {
	host := emulate(t, `{}`, probe.Definition(), probe.Definition())
	if host.StartVM() != types.OnVMStartStatusFailed || !slices.Equal(host.GetCriticalLogs(), []string{`meltemi: filter "probe" is listed twice`}) {
		t.Errorf("%q", host.GetCriticalLogs())
	}
}

// TestCallsThatPass follows one from its headers to its end, with its metrics.
func TestCallsThatPass(t *testing.T) {
	host := probing(t)
	id, action := begin(host, "set:tenant=green;remove:do")
	if action != pass {
		t.Fatalf("action %v", action)
	}
	if h := host.GetCurrentRequestHeaders(id); header(h, "x-rpc-tenant") != "green" || header(h, "x-rpc-do") != "" {
		t.Errorf("headers %q", h)
	}
	if host.CallOnRequestBody(id, []byte("body"), true) != pass ||
		host.CallOnResponseHeaders(id, [][2]string{{":status", "200"}, {"grpc-status", "0"}}, false) != pass ||
		host.CallOnResponseBody(id, []byte("answer"), false) != pass || host.CallOnResponseTrailers(id, nil) != pass {
		t.Error("the call was held")
	}
	if open, err := host.GetGaugeMetric("meltemi_probe_open"); open != 1 || err != nil {
		t.Errorf("open: %d, %v", open, err)
	}
	host.CompleteHttpContext(id)
	if open, err := host.GetGaugeMetric("meltemi_probe_open"); open != 0 || err != nil {
		t.Errorf("open: %d, %v", open, err)
	}
	for _, name := range []string{"requests_total", "ends_total.method.get.code.OK"} {
		if n, err := host.GetCounterMetric("meltemi_probe_" + name); n != 1 || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if host.GetTickPeriod() != 0 {
		t.Error("Envoy's timer runs, and nobody waits")
	}
}

// TestRequestsOfOthers are left alone, as are contexts that Envoy makes for its log.
func TestRequestsOfOthers(t *testing.T) {
	host := probing(t)
	id := host.InitializeHttpContext()
	if host.CallOnRequestHeaders(id, [][2]string{{":path", "/x"}, {"content-type", "text/plain"}}, true) != pass ||
		host.CallOnResponseHeaders(id, [][2]string{{":status", "200"}}, true) != pass {
		t.Error("it was held")
	}
	host.CompleteHttpContext(id)
	host.CompleteHttpContext(host.InitializeHttpContext())
	if logs := host.GetErrorLogs(); len(logs) > 0 {
		t.Errorf("%q", logs)
	}
}

func TestReplies(t *testing.T) {
	host := probing(t)
	id, action := begin(host, "reply:denied")
	got := host.GetSentLocalResponse(id)
	if action != pauseAll || got == nil {
		t.Fatalf("action %v, %+v", action, got)
	}
	if got.StatusCode != 403 || got.GRPCStatus != int32(sdk.PermissionDenied) || string(got.Data) != "probe: denied" ||
		header(got.Headers, "grpc-status") != "" || header(got.Headers, "x-meltemi-cause") == "" {
		t.Errorf("%+v", got)
	}
	if host.CallOnRequestBody(id, []byte("body"), true) == pass {
		t.Error("the body passed")
	}
}

// TestWaiting lets a goroutine, a limit and a callout decide, in Envoy's ticks.
func TestWaiting(t *testing.T) {
	host := probing(t)
	worked, _ := begin(host, "go:10s,1ms;set:waited=yes")
	limited, _ := begin(host, "never:1ms")
	asked, action := begin(host, "http:check,a body")
	if action != pauseAll || host.GetTickPeriod() != 1 {
		t.Fatalf("action %v, tick %d", action, host.GetTickPeriod())
	}
	calls := host.GetCalloutAttributesFromContext(asked)
	if len(calls) != 1 || header(calls[0].Headers, ":authority") != "check" || string(calls[0].Body) != "a body" {
		t.Fatalf("%+v", calls)
	}
	host.CallOnHttpCallResponse(calls[0].CalloutID, [][2]string{{":status", "200"}, {"x-check", "POST"}}, nil, []byte("an answer"))
	if got := header(host.GetCurrentRequestHeaders(asked), "x-rpc-http"); got != "200 POST an answer" {
		t.Errorf("http: %q", got)
	}
	for end := time.Now().Add(10 * time.Second); host.GetTickPeriod() > 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		host.Tick()
	}
	if header(host.GetCurrentRequestHeaders(worked), "x-rpc-waited") != "yes" || host.GetCurrentHttpStreamAction(worked) != pass {
		t.Error("the goroutine's call did not go on")
	}
	if got := host.GetSentLocalResponse(limited); got == nil || string(got.Data) != "the probe waited too long" {
		t.Errorf("limit: %+v", got)
	}
	if host.GetTickPeriod() != 0 {
		t.Error("Envoy's timer runs, and nobody waits")
	}
}

// TestCallsThatEndWhileTheyWait hear of nothing any more.
func TestCallsThatEndWhileTheyWait(t *testing.T) {
	host := probing(t)
	id, _ := begin(host, "go:10ms,1ms;reply:denied")
	asked, _ := begin(host, "http:check,x")
	host.CompleteHttpContext(id)
	host.CompleteHttpContext(asked)
	host.CallOnHttpCallResponse(host.GetCalloutAttributesFromContext(asked)[0].CalloutID, nil, nil, nil)
	for range 30 {
		host.Tick()
		time.Sleep(time.Millisecond)
	}
	if got := host.GetSentLocalResponse(id); got != nil || host.GetTickPeriod() != 0 || len(host.GetErrorLogs()) > 0 {
		t.Errorf("%+v, tick %d, %q", got, host.GetTickPeriod(), host.GetErrorLogs())
	}
}

// TestClose gives back what a filter has when Envoy lets go of its plugin.
func TestClose(t *testing.T) {
	closed := 0
	host := emulate(t, `{"filter":"closing"}`, filter.Definition{Name: "closing", New: func([]byte, filter.Host) (filter.Filter, error) {
		return closing{&closed}, nil
	}})
	if host.StartPlugin() != types.OnPluginStartStatusOK || !host.FinishVM() || closed != 1 {
		t.Errorf("closed %d times, want once", closed)
	}
}

// closing is a filter.Closer.
type closing struct{ closed *int }

func (closing) Begin(filter.Call) filter.Handler { return nil }
func (c closing) Close()                         { *c.closed++ }
