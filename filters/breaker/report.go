package breaker

import "github.com/meltemi-mesh/meltemi/sdk/filter"

// labels are the service and method that a circuit counts as.
func (c *circuit) labels() (service, method string) {
	if c.known.Load() {
		return c.service, c.method
	}
	return filter.OtherLabel, filter.OtherLabel
}

// events are how changes are logged. Callers choose the names of methods, so those are
// quoted, and cut.
var events = [...]struct {
	level filter.Level
	text  string
}{
	opened:    {filter.Warn, "%.200q open: too many calls failed"},
	probed:    {filter.Info, "%.200q half open"},
	reopened:  {filter.Warn, "%.200q open again: a probe failed"},
	stalled:   {filter.Warn, "%.200q open again: a probe takes too long"},
	recovered: {filter.Info, "%.200q closed: probes succeeded"},
}

// report counts, shows and logs a change.
func (f *breaker) report(c filter.Call, circuit *circuit, e event) {
	if e == unchanged {
		return
	}
	if e == opened || e == reopened || e == stalled {
		service, method := circuit.labels()
		f.opened.Add(c, 1, service, method)
	}
	f.show(c, circuit)
	f.host.Log(events[e].level, events[e].text, circuit.service+"/"+circuit.method)
}

// show sets the gauge of a circuit that has one. It does so under the circuit's lock, so
// that of two changes the later one is shown.
func (f *breaker) show(c filter.Call, circuit *circuit) {
	if !circuit.known.Load() {
		return
	}
	circuit.mu.Lock()
	defer circuit.mu.Unlock()
	f.state.Set(c, uint64(circuit.phase), circuit.service, circuit.method)
}
