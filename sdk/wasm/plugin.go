package wasm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
	"github.com/meltemi-mesh/meltemi/sdk/internal/process"
)

// plugin is one filter, made from one configuration, on one worker.
type plugin struct {
	types.DefaultPluginContext
	id      uint32
	library *Library
	name    string // the filter's
	config  *filterhost.Config

	metrics metrics
	events  events
	panics  process.Panics
	// bodies tells that Envoy has handed over a body of a request that was held: then it
	// always does (stream.awaitBody).
	bodies bool
}

// settings are the configuration of a plugin.
type settings struct {
	Filter string          `json:"filter"`
	Config json.RawMessage `json:"config,omitempty"`
	Codec  json.RawMessage `json:"codec,omitempty"`
}

// lacks are the capabilities that this host does not have.
var lacks = []filter.Capability{
	filter.CallGRPC, filter.AnswerCalls, filter.RouteConfigs, filter.AccessLogs, filter.TraceTags, filter.System,
}

// has are the others.
func has() []filter.Capability {
	return slices.DeleteFunc(filter.Capabilities(), func(c filter.Capability) bool { return slices.Contains(lacks, c) })
}

// OnPluginStart implements types.PluginContext.
func (p *plugin) OnPluginStart(int) (status types.OnPluginStartStatus) {
	defer p.barrier("a plugin's start", func() { status = types.OnPluginStartStatusFailed })
	if err := p.start(); err != nil {
		proxywasm.LogCritical(fmt.Sprintf("meltemi: %v", err))
		return types.OnPluginStartStatusFailed
	}
	return types.OnPluginStartStatusOK
}

func (p *plugin) start() error {
	text, err := proxywasm.GetPluginConfiguration()
	if err != nil && !errors.Is(err, types.ErrorStatusNotFound) {
		return fmt.Errorf("configuration: %w", err)
	}
	var s settings
	if err := sdk.ParseConfig(text, &s); err != nil {
		return err
	}
	p.name, s.Filter = s.Filter, ""
	rest, err := json.Marshal(struct {
		Config json.RawMessage `json:"config,omitempty"`
		Codec  json.RawMessage `json:"codec,omitempty"`
	}{s.Config, s.Codec})
	if err != nil {
		return err
	}
	p.config, err = filterhost.New(p.name, rest, p.library.Codecs, p.library.Filters, p.env())
	return err
}

// env is what this host lends to a filter.
func (p *plugin) env() filterhost.Env {
	return filterhost.Env{
		Has:         has(),
		Now:         time.Now,
		Cancellable: func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) },
		Define:      p.metrics.define,
		// The ABI of the SDK does not tell which levels are on: Envoy drops the others.
		LogOn:   func(filter.Level) bool { return true },
		Log:     func(level filter.Level, text string) { logLine(level, "meltemi: "+text) },
		OnPanic: p.logPanic,
	}
}

// OnPluginDone implements types.PluginContext. Envoy calls it when no call has the plugin
// any more.
func (p *plugin) OnPluginDone() (done bool) {
	// Else Envoy would keep the plugin for ever.
	defer p.barrier("a plugin's end", func() { done = true })
	if p.config != nil {
		p.config.Close()
	}
	return true
}

// NewHttpContext implements types.PluginContext.
func (p *plugin) NewHttpContext(id uint32) types.HttpContext { return &stream{id: id, plugin: p} }

// logLine writes a line to Envoy's log, where the logger is "wasm".
func logLine(level filter.Level, text string) {
	switch level {
	case filter.Debug:
		proxywasm.LogDebug(text)
	case filter.Info:
		proxywasm.LogInfo(text)
	case filter.Warn:
		proxywasm.LogWarn(text)
	case filter.Error:
		proxywasm.LogError(text)
	}
}
