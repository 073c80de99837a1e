package wasm

import (
	"errors"
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
// A missing or doubled name, or a second call, makes Envoy refuse the module with a
// sentence in its log.
func Register(l Library) struct{} {
	if registered != nil {
		registered.err = errors.New("wasm.Register was called twice")
		return struct{}{}
	}
	registered = &vm{library: l}
	proxywasm.SetVMContext(registered)
	return struct{}{}
}

// registered is what the main package listed. It is set once, while the module's package
// variables are initialised.
var registered *vm

// vm is the module on one worker.
type vm struct {
	types.DefaultVMContext
	library Library
	err     error // why Envoy must not use this module
}

// OnVMStart implements types.VMContext.
func (v *vm) OnVMStart(int) types.OnVMStartStatus {
	if err := errors.Join(v.err, carried.Check(v.library.Codecs, v.library.Filters)); err != nil {
		proxywasm.LogCritical(fmt.Sprintf("meltemi: %v", err))
		return types.OnVMStartStatusFailed
	}
	return types.OnVMStartStatusOK
}

// NewPluginContext implements types.VMContext.
func (v *vm) NewPluginContext(id uint32) types.PluginContext {
	return &plugin{id: id, library: &v.library}
}
