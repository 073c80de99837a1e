package wasm

import (
	"slices"
	"testing"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestRegister takes one list and no second one, of which one would be lost.
func TestRegister(t *testing.T) {
	host := emulate(t, `{}`)
	defer func() { registered = nil }()
	library := Library{Codecs: []sdk.Definition{testcodec.Definition()}, Filters: []filter.Definition{probe.Definition()}}
	Register(library)
	if host.StartVM() != types.OnVMStartStatusOK {
		t.Errorf("refused: %q", host.GetCriticalLogs())
	}
	Register(library)
	if host.StartVM() != types.OnVMStartStatusFailed || !slices.Equal(host.GetCriticalLogs(), []string{"meltemi: wasm.Register was called twice"}) {
		t.Errorf("the log says %q", host.GetCriticalLogs())
	}
}
