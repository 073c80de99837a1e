package breaker

import (
	"testing"
	"time"
)

// model is a circuit again, as plainly as can be: it remembers every call, and looks for
// what must never be.
type model struct {
	t        *testing.T
	s        settings
	now      time.Duration
	circuit  *circuit
	phase    phase
	since    time.Duration // the phase began
	tries    time.Duration // the last probe began
	calls    []*modelCall  // under way
	ended    []endedCall   // in this phase
	finished int           // probes that succeeded in this phase
}

type modelCall struct {
	epoch uint64
	probe bool // of this phase
	fresh bool // began in this phase
}

type endedCall struct {
	slice  time.Duration
	failed bool
}

func newModel(t *testing.T, s settings) *model {
	t.Helper()
	return &model{t: t, s: s, circuit: newCircuit(key{settings: s}, 0)}
}

func (m *model) turn(p phase) {
	m.phase, m.since, m.ended, m.finished = p, m.now, nil, 0
	for _, c := range m.calls {
		c.fresh, c.probe = false, false
	}
}

func (m *model) probes() (n int) {
	for _, c := range m.calls {
		if c.probe {
			n++
		}
	}
	return n
}

// call begins a call.
func (m *model) call() {
	full := m.probes() >= m.s.Probes
	switch {
	case m.phase == open && m.now-m.since >= time.Duration(m.s.OpenTime):
		m.turn(halfOpen)
	case m.phase == halfOpen && full && m.now-m.tries >= time.Duration(m.s.OpenTime):
		m.turn(open)
	}
	want := admitted
	switch {
	case m.phase == open:
		want = refusedOpen
	case m.phase == halfOpen && m.probes() >= m.s.Probes:
		want = refusedHalfOpen
	case m.s.MaxConcurrent > 0 && len(m.calls) >= m.s.MaxConcurrent:
		want = refusedConcurrent
	}
	got := m.circuit.admit(m.now)
	if got.refusal != want || got.probe != (want == admitted && m.phase == halfOpen) {
		m.t.Fatalf("at %v, %d: %+v, want %d", m.now, m.phase, got, want)
	}
	if want == admitted {
		if m.phase == halfOpen {
			m.tries = m.now
		}
		m.calls = append(m.calls, &modelCall{got.epoch, m.phase == halfOpen, true})
	}
	m.check()
}

// end ends the call with that number.
func (m *model) end(i int, r result) {
	if len(m.calls) == 0 {
		return
	}
	i %= len(m.calls)
	c := m.calls[i]
	m.calls = append(m.calls[:i:i], m.calls[i+1:]...)
	got := m.circuit.end(m.now, c.epoch, r)
	want := unchanged
	switch {
	case !c.fresh || r == nothing:
	case c.probe && r == failure:
		want = reopened
	case c.probe:
		if m.finished++; m.finished == m.s.Successes {
			want = recovered
		}
	case m.s.FailurePercent > 0:
		m.ended = append(m.ended, endedCall{m.slice(), r == failure})
		if r == failure && m.failing() {
			want = opened
		}
	}
	if got != want {
		m.t.Fatalf("at %v, %d: the end is %d, want %d", m.now, m.phase, got, want)
	}
	switch want {
	case opened, reopened:
		m.turn(open)
	case recovered:
		m.turn(closed)
	case unchanged, probed, stalled:
	}
	m.check()
}

func (m *model) slice() time.Duration { return m.now / (time.Duration(m.s.Window) / windowParts) }

func (m *model) failing() bool {
	calls, failures := 0, 0
	for _, e := range m.ended {
		if m.slice()-e.slice < windowParts {
			calls++
			if e.failed {
				failures++
			}
		}
	}
	return calls >= m.s.MinCalls && float64(failures)/float64(calls) >= float64(m.s.FailurePercent)/100
}

func (m *model) check() {
	c := m.circuit
	if c.phase != m.phase || c.calls != len(m.calls) || c.probing != m.probes() || c.probing > m.s.Probes {
		m.t.Fatalf("at %v: %+v, want phase %d with %d calls, %d of them probes", m.now, c, m.phase, len(m.calls), m.probes())
	}
}

// step does what two bytes say.
func (m *model) step(what, with byte) {
	switch what % 8 {
	case 0, 1, 2:
		m.call()
	case 3:
		m.end(int(with), success)
	case 4, 5:
		m.end(int(with), failure)
	case 6:
		m.end(int(with), nothing)
	case 7:
		m.now += time.Duration(with) * 7 * time.Millisecond
	}
}
