package wasmtest

import (
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/envoytest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestAVirtualMachineThatEnds takes more memory than a module can have, which ends its
// virtual machine. Calls of its filters fail from then on, until Envoy has made another
// one if it is told to; those of a filter in a virtual machine of its own do not notice.
func TestAVirtualMachineThatEnds(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := envoytest.Serve(t, envoytest.Echo)
		listener := func(name string, filter map[string]any) any {
			return envoytest.Listener(name, toy, []any{envoytest.Route("/", "server", nil)}, map[string]any{"http_filters": envoytest.Filters(filter)})
		}
		envoy := envoytest.Start(t, version, envoytest.Library(t), envoytest.Bootstrap([]any{
			listener("reloads", inVM("reloads", wasm(t, "fatal", `{}`, map[string]any{"failure_policy": "FAIL_RELOAD"}))),
			listener("closed", inVM("closed", wasm(t, "fatal", `{}`, nil))),
			listener("other", inVM("other", wasm(t, "probe", `{}`, nil))),
		}, []any{envoytest.Bridge("server", toy, server.Port)}))
		clients := map[string]*envoytest.Client{}
		for _, name := range []string{"reloads", "closed", "other"} {
			clients[name] = envoytest.Dial(t, envoy.Port(name))
			if got := clients[name].Call(envoytest.Told(1, "set:a=b", "")); got.Status != sdk.OK {
				t.Fatalf("%s: got %+v", name, got)
			}
		}
		for _, name := range []string{"reloads", "closed"} {
			if got := clients[name].Call(deadly()); got.Status == sdk.OK {
				t.Errorf("%s: the call that ended it passed", name)
			}
		}
		if got := clients["closed"].Call(envoytest.Told(3, "", "")); got.Status != sdk.Unavailable {
			t.Errorf("a call without its filter: %+v", got)
		}
		if got := clients["other"].Call(envoytest.Told(3, "set:a=b", "")); got.Status != sdk.OK || got.Entry("a") != "b" {
			t.Errorf("the neighbour: %+v", got)
		}
		recovered := false
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && !recovered; time.Sleep(100 * time.Millisecond) {
			recovered = clients["reloads"].Call(envoytest.Told(4, "", "")).Status == sdk.OK
		}
		if !recovered {
			t.Error("Envoy did not make another virtual machine")
		}
		if got := clients["closed"].Call(envoytest.Told(5, "", "")); got.Status == sdk.OK {
			t.Errorf("a call passed without its filter: %+v", got)
		}
	})
}

// inVM gives a filter a virtual machine that it shares with those of the same name.
func inVM(name string, filter map[string]any) map[string]any {
	plugin := filter["typed_config"].(map[string]any)["config"].(map[string]any)
	plugin["vm_config"].(map[string]any)["vm_id"] = name
	return filter
}

// deadly is a call that ends the virtual machine of the filter "fatal".
func deadly() testcodec.Message {
	m := envoytest.Told(2, "", "")
	m.Entries = append(m.Entries, [2]string{"die", "now"})
	return m
}
