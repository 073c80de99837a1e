package sdktest

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// patience is how long one call of a codec may take. It is far more than any needs on a
// slow machine under the race detector.
var patience = 20 * time.Second

// maxFailures is how many failures of a check are told; more of them teach little.
const maxFailures = 3

// checker is one check at work.
type checker struct {
	Suite

	mu       sync.Mutex // what follows is read by the watchdog too
	result   Result
	more     int             // failures that are not told
	notes    map[string]bool // what has been noted
	declined bool
	doing    string // what the codec is asked
	frame    string
	input    []byte
	since    time.Time
}

// guard runs a check, and reports whether it ended. A panic of the codec ends it, and a
// call that takes too long is abandoned.
func (c *checker) guard(what check) (ended bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				c.panicked(p, string(debug.Stack()))
			}
		}()
		what.run(c)
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return true
		case <-tick.C:
			if c.hangs() {
				return false
			}
		}
	}
}

func (c *checker) hangs() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doing == "" || time.Since(c.since) < patience {
		return false
	}
	c.failLocked(c.frame, c.input, fmt.Sprintf("%s did not return within %v", c.doing, patience))
	return true
}

// begin notes what the codec is about to do, for the report of a panic or a hang. Its end
// is not deferred: a panic must find it open.
func (c *checker) begin(doing string, input []byte) {
	c.mu.Lock()
	c.doing, c.input, c.since = doing, input, time.Now()
	c.mu.Unlock()
}

func (c *checker) end() {
	c.mu.Lock()
	c.doing = ""
	c.mu.Unlock()
}

// on names the frame that the check is at.
func (c *checker) on(f *Frame) {
	c.mu.Lock()
	c.frame = f.Name
	c.mu.Unlock()
}

// tried counts a case.
func (c *checker) tried() {
	c.mu.Lock()
	c.result.Cases++
	c.mu.Unlock()
}

// cases is how many were tried.
func (c *checker) cases() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.result.Cases
}

// failed reports whether the check has failed.
func (c *checker) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.result.Failures) > 0
}

// enough reports whether more failures would not be told.
func (c *checker) enough() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.result.Failures) >= maxFailures
}

// fail records that the codec broke its contract.
func (c *checker) fail(input []byte, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(c.frame, input, fmt.Sprintf(format, args...))
}

func (c *checker) failLocked(frame string, input []byte, problem string) {
	if len(c.result.Failures) >= maxFailures {
		c.more++
		return
	}
	c.result.Failures = append(c.result.Failures, Failure{Frame: frame, Problem: problem, Input: append([]byte(nil), input...)})
}

func (c *checker) panicked(p any, stack string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doing == "" {
		panic(p) // a defect of this package
	}
	c.failLocked(c.frame, c.input, fmt.Sprintf("%s panicked: %v%s", c.doing, p, where(stack)))
}

// where is the place of a panic: the first line of a stack that is not the runtime's.
func where(stack string) string {
	lines := strings.Split(stack, "\n")
	for i, l := range lines {
		if !strings.HasPrefix(l, "panic(") {
			continue
		}
		for _, l := range lines[i+2:] {
			if at, ok := strings.CutPrefix(l, "\t"); ok && !strings.Contains(at, "/runtime/") {
				at, _, _ = strings.Cut(at, " +0x")
				return " (" + at + ")"
			}
		}
	}
	return ""
}

// note tells something once.
func (c *checker) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.notes[text] {
		return
	}
	if c.notes == nil {
		c.notes = map[string]bool{}
	}
	c.notes[text] = true
	c.result.Notes = append(c.result.Notes, text)
}

// decline records that the codec does not do what the check is about.
func (c *checker) decline(why string) {
	c.note("%s", why)
	c.mu.Lock()
	c.declined = true
	c.mu.Unlock()
}

func (c *checker) outcome() Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.result
	if c.more > 0 {
		r.Failures = append(r.Failures, Failure{Problem: fmt.Sprintf("and %d more", c.more)})
	}
	switch {
	case len(r.Failures) > 0:
		r.Verdict = Failed
	case c.declined && r.Cases == 0:
		r.Verdict = Declined
	default:
		r.Verdict = Passed
	}
	return r
}

// connection is the codec as a new connection has it.
func (c *checker) connection() sdk.Codec {
	if p, ok := c.Codec.(sdk.PerConnection); ok {
		return p.NewConnection()
	}
	return c.Codec
}
