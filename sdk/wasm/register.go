package wasm

import (
	"fmt"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/carried"
)

// Library is what a Wasm module carries.
type Library struct {
	Codecs  []sdk.Definition
	Filters []filter.Definition
}

// Register tells what this module carries. The main package calls it once, in the
// initialiser of a package variable, since main does not run in such a module:
//
//	var _ = wasm.Register(wasm.Library{
//		Codecs:  []sdk.Definition{dubbo.Definition(), thrift.Definition()},
//		Filters: []filter.Definition{quota.Definition()},
//	})
//
// A missing or doubled name makes Envoy refuse the module with a sentence in its log.
func Register(l Library) struct{} {
	proxywasm.SetVMContext(&vm{library: l})
	return struct{}{}
}

// vm is the module on one worker.
type vm struct {
	types.DefaultVMContext
	library Library
}

// OnVMStart implements types.VMContext.
func (v *vm) OnVMStart(int) types.OnVMStartStatus {
	if err := carried.Check(v.library.Codecs, v.library.Filters); err != nil {
		proxywasm.LogCritical(fmt.Sprintf("meltemi: %v", err))
		return types.OnVMStartStatusFailed
	}
	return types.OnVMStartStatusOK
}

// NewPluginContext implements types.VMContext.
func (v *vm) NewPluginContext(id uint32) types.PluginContext {
	return &plugin{id: id, library: &v.library}
}
