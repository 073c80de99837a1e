package breaker

import (
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// breaker is the filter.
type breaker struct {
	host     filter.Host
	began    time.Time
	rules    []rule
	circuits circuits

	state                      filter.Gauge
	opened, refused, forgotten filter.Counter
}

// maxName is how many bytes of a service and a method are kept. Longer ones, which nobody
// gives by chance, share a circuit.
const maxName = 1024

// now is the time since the filter was made, which no change of a clock disturbs.
func (f *breaker) now() time.Duration { return f.host.Now().Sub(f.began) }

// Begin implements filter.Filter.
func (f *breaker) Begin(c filter.Call) filter.Handler {
	s := f.settingsOf(c)
	if s == nil || s.idle() {
		return nil
	}
	service, method := c.Service(), c.Method()
	if len(service)+len(method) > maxName {
		service, method = filter.OtherLabel, filter.OtherLabel
	}
	circuit, a := f.circuits.of(key{*s, name{service, method}}, f.now)
	if a.settled {
		f.show(c, circuit)
	}
	if a.forgotten > 0 {
		f.forgotten.Add(c, uint64(a.forgotten))
	}
	return &handler{breaker: f, circuit: circuit}
}

// settingsOf returns the settings for a call: the route's, or those of the first rule that
// selects it, or nil.
func (f *breaker) settingsOf(c filter.Call) *settings {
	if s, ok := c.RouteConfig().(*settings); ok {
		return s
	}
	for i := range f.rules {
		if r := &f.rules[i]; r.Methods.Match(c.Service(), c.Method()) {
			return &r.settings
		}
	}
	return nil
}

// handler is the filter's part in one call.
type handler struct {
	filter.Base

	breaker *breaker
	circuit *circuit
	passed  bool // admitted, and so to be ended
	epoch   uint64
}

// refusals are what refused calls are told, and how they are counted.
var refusals = [...]struct{ reason, text string }{
	refusedOpen:       {"open", "circuit breaker is open"},
	refusedHalfOpen:   {"half_open", "circuit breaker is half open"},
	refusedConcurrent: {"concurrency", "too many calls of this method at once"},
}

// Request implements filter.Handler.
func (h *handler) Request(c filter.Call) filter.Verdict {
	a := h.circuit.admit(h.breaker.now())
	h.breaker.report(c, h.circuit, a.event)
	if a.refusal == admitted {
		h.passed, h.epoch = true, a.epoch
		if a.probe {
			c.SetDynamicMetadata("probe", "true")
		}
		return filter.Continue
	}
	why := &refusals[a.refusal]
	service, method := h.circuit.labels()
	h.breaker.refused.Add(c, 1, service, method, why.reason)
	c.SetDynamicMetadata("refused", why.reason)
	return filter.Reply(sdk.Failure{Cause: sdk.CauseOverloaded, Message: why.text})
}

// End implements filter.Handler.
func (h *handler) End(c filter.Call, o filter.Outcome) {
	if !h.passed {
		return
	}
	f, circuit := h.breaker, h.circuit
	now := f.now()
	if !circuit.known.Load() && o.ProvesMethod() && f.circuits.keep(circuit, now) {
		f.show(c, circuit)
	}
	f.report(c, circuit, circuit.end(now, h.epoch, circuit.settings.judge(&o, c.Timeout())))
}
