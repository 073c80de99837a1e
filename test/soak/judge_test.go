package soak

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/test/soak/chaos"
)

// expectation is how often the server may get a call.
type expectation struct {
	protocol    string
	least, most int
	plan        *chaos.Plan
	sent        time.Time
	oneWay      bool
	ended       bool // it has an answer
}

func (e *expectation) String() string {
	return fmt.Sprintf("one-way: %t, answered: %t, plan: %+v", e.oneWay, e.ended, e.plan)
}

// grace is how long after a restart of its server Envoy may use a connection that it does
// not know to be closed. On a machine that is busy it learns that late.
const grace = 5 * time.Second

// disturbed tells that the server has been restarted since the call was made, or that it
// was made after Envoy was asked to end. Either can be the end of any call.
func (r *run) disturbed(e *expectation) bool {
	return r.restarted[e.protocol].After(e.sent.Add(-grace)) || !r.ending.IsZero() && e.sent.After(r.ending)
}

// expect notes that a call is being made.
func (r *run) expect(p *protocol, plan *chaos.Plan, oneWay bool) {
	o := plan.Outcome()
	e := expectation{protocol: p.name, plan: plan, sent: time.Now(), oneWay: oneWay}
	if o.Executed {
		e.least, e.most = 1, 1
	}
	if o.Perhaps {
		e.least, e.most = 0, 1
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected[plan.ID] = e
	r.count.calls++
	if oneWay {
		r.count.oneWay++
	}
}

// lose notes that nobody waits for these calls any more. It returns how many of them had
// to have an answer.
func (r *run) lose(open map[uint64]*chaos.Plan) (undisturbed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, plan := range open {
		e := r.expected[plan.ID]
		e.least = 0
		r.expected[plan.ID] = e
		r.count.left++
		if !r.disturbed(&e) {
			undisturbed++
		}
	}
	return undisturbed
}

// judge compares an answer with the plan of its call.
func (c *client) judge(plan *chaos.Plan, m *sdk.Message) error {
	o := plan.Outcome()
	good := m.Status.Code == sdk.OK
	switch {
	case c.run.ended(plan, good) && !good:
		return nil
	case good && o.OK:
		return shows(c.codec, m, payload(plan.ID, "reply", plan.ReplyBytes))
	case good:
		return fmt.Errorf("it ended well, want an error that tells %q", o.Texts)
	case o.OK:
		return fmt.Errorf("it failed: %v %.300q", m.Status.Code, m.Bytes)
	}
	for _, text := range o.Texts {
		if bytes.Contains(m.Bytes, []byte(text)) {
			return nil
		}
	}
	return fmt.Errorf("it failed with %v %.300q, want %q", m.Status.Code, m.Bytes, o.Texts)
}

// ended counts an answer, and tells whether its call was disturbed.
func (r *run) ended(plan *chaos.Plan, good bool) (disturbed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if good {
		r.count.good++
	} else {
		r.count.failed++
	}
	e := r.expected[plan.ID]
	e.ended = true
	r.expected[plan.ID] = e
	return r.disturbed(&e)
}

// audit compares how often the servers got each call with its plan, after all have ended.
func (r *run) audit() {
	r.mu.Lock()
	expected := r.expected
	for id, e := range expected {
		if r.disturbed(&e) {
			e.least = 0
			expected[id] = e
		}
	}
	r.expected = map[uint64]expectation{}
	r.mu.Unlock()
	for _, s := range r.servers {
		for id, n := range s.forget() {
			e, ok := expected[id]
			if !ok || e.protocol != s.protocol.name {
				r.problem("the server of %s got call %x, which nobody made there", s.protocol.name, id)
				continue
			}
			if n < e.least || n > e.most {
				r.problem("the server of %s got call %x %d times, want %d to %d; %v", s.protocol.name, id, n, e.least, e.most, &e)
			}
			delete(expected, id)
		}
	}
	for id, e := range expected {
		if e.least > 0 {
			r.problem("the server of %s never got call %x; %v", e.protocol, id, &e)
		}
	}
}

// problem notes what must not be.
func (r *run) problem(format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	r.print("%s %5.1fs: PROBLEM: %s", r.version, time.Since(r.began).Seconds(), text)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trouble++
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, text)
	}
}

// maxProblems is how many are told.
const maxProblems = 20
