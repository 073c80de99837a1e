package wasm

import (
	"strings"
	"testing"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
)

// TestPanicsAreLoggedOnce, each with its stack.
func TestPanicsAreLoggedOnce(t *testing.T) {
	host := probing(t)
	for range 3 {
		id, action := begin(host, "panic")
		if got := host.GetSentLocalResponse(id); action != pauseAll || got == nil || got.GRPCStatus != int32(sdk.Internal) {
			t.Errorf("action %v, %+v", action, got)
		}
	}
	if logs := host.GetErrorLogs(); len(logs) != 1 || !strings.Contains(logs[0], "panic in filter probe: Request: a probe that was told to (logged once)\n") {
		t.Errorf("%q", logs)
	}
}

// TestDefectsOfTheHost outside the hooks of a stream cost that call alone: its reply is
// about the stream, and what comes next about the plugin again.
func TestDefectsOfTheHost(t *testing.T) {
	host := probing(t)
	host.RegisterForeignFunction("clear_route_cache", func([]byte) []byte { panic("no route") })
	asked, _ := begin(host, "http:check,x")
	woken, _ := begin(host, "pause:10s;set:tenant=green")
	denied, _ := begin(host, "pause:10s;reply:denied")

	host.CallOnHttpCallResponse(host.GetCalloutAttributesFromContext(asked)[0].CalloutID, [][2]string{{":status", "200"}}, nil, nil)
	checkDefect(t, host, asked)
	if _, err := proxywasm.DispatchHttpCall("check", nil, nil, nil, 1, func(int, int, int) {}); err != nil ||
		len(host.GetCalloutAttributesFromContext(proxytest.PluginContextID)) != 1 {
		t.Errorf("calls into Envoy are not about the plugin: %v", err)
	}
	for end := time.Now().Add(10 * time.Second); host.GetTickPeriod() > 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		host.Tick()
	}
	checkDefect(t, host, woken)
	if got := host.GetSentLocalResponse(denied); got == nil || got.GRPCStatus != int32(sdk.PermissionDenied) {
		t.Errorf("the call beside them: %+v", got)
	}
	if logs := host.GetErrorLogs(); len(logs) != 2 || !strings.Contains(logs[0], "panic in a filter's callout: no route") ||
		!strings.Contains(logs[1], "panic in a filter's wake: no route") {
		t.Errorf("%q", logs)
	}
}

func checkDefect(t *testing.T, host proxytest.HostEmulator, id uint32) {
	t.Helper()
	if got := host.GetSentLocalResponse(id); got == nil || got.StatusCode != 500 || got.GRPCStatus != int32(sdk.Internal) {
		t.Errorf("the call got %+v", got)
	}
}

// TestPanicsAtTheStart, which are those of codecs: filterhost catches a filter's. Envoy
// refuses the plugin.
func TestPanicsAtTheStart(t *testing.T) {
	broken := sdk.Definition{Name: "broken", New: func([]byte) (sdk.Codec, error) { panic("no codec") }}
	host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithPluginConfiguration([]byte(`{"filter":"probe"}`)).
		WithVMContext(&vm{library: Library{Codecs: []sdk.Definition{broken}, Filters: []filter.Definition{probe.Definition()}}}))
	defer reset()
	if host.StartPlugin() != types.OnPluginStartStatusFailed {
		t.Error("the plugin started")
	}
	if logs := host.GetErrorLogs(); len(logs) != 1 || !strings.Contains(logs[0], "panic in a plugin's start: no codec (logged once)\n") {
		t.Errorf("%q", logs)
	}
}
