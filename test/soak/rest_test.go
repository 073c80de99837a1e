package soak

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/test/soak/chaos"
)

// sample is what Envoy holds while no call is open.
type sample struct {
	at         time.Duration
	calls      int // so far
	handles    int
	goroutines int
	heap       int // Go's, in bytes
	resident   int // in bytes
	files      int // open, without the connections to servers that wait to be used again
}

func (s sample) String() string {
	return fmt.Sprintf("%d handles, %d goroutines, %.1f MiB of Go, %.1f MiB resident, %d files",
		s.handles, s.goroutines, float64(s.heap)/(1<<20), float64(s.resident)/(1<<20), s.files)
}

// Stats of Envoy that have to be zero while no call is open.
var zeroAtRest = regexp.MustCompile(`^(dynamicmodulescustom\.meltemi_(open_calls|chaos_open|stats_open_calls)` +
	`|cluster\.(dubbo|thrift|ordered|brpc)\.(dynamicmodulescustom\.meltemi_chaos_open|upstream_rq_active|upstream_rq_pending_active)` +
	`|http\.(dubbo|thrift|ordered|brpc)\.downstream_rq_active)$`)

// restLimit is how long Envoy may take to let go of what the clients have left behind. The
// longest are calls whose clients are gone: they wait for the route's timeout.
const restLimit = 15 * time.Second

// rest waits until nothing is held for anybody but the connections that stay, and takes a
// sample. All clients have done their work.
func (r *run) rest() (sample, bool) {
	r.audited()
	var s sample
	busy := ""
	for end := time.Now().Add(restLimit); time.Now().Before(end) && r.healthy(); time.Sleep(100 * time.Millisecond) {
		stats, err := r.stats()
		if err != nil {
			r.problem("Envoy's statistics: %v", err)
			return s, false
		}
		if busy = r.busy(stats); busy == "" {
			if s, err = r.sample(stats); err != nil {
				r.problem("%v", err)
				return s, false
			}
			r.report(s)
			return s, true
		}
	}
	r.problem("the load rests, and after %v %s", restLimit, busy)
	return s, false
}

// audited is audit, once the servers have got what was on its way to them.
func (r *run) audited() {
	for end := time.Now().Add(restLimit); time.Now().Before(end) && !r.arrived(); time.Sleep(20 * time.Millisecond) {
		continue
	}
	// A call that nobody waits for, or one that is made twice, would come about now.
	time.Sleep(200 * time.Millisecond)
	r.audit()
}

// arrived tells whether each call that has to reach its server did.
func (r *run) arrived() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.servers {
		s.mu.Lock()
		missing := 0
		for id, e := range r.expected {
			if e.protocol == s.protocol.name && e.least > s.executed[id] && !r.disturbed(&e) {
				missing++
			}
		}
		s.mu.Unlock()
		if missing > 0 {
			return false
		}
	}
	return true
}

// busy says what is not as it has to be at rest.
func (r *run) busy(stats map[string]int) string {
	var problems []string
	for name, n := range stats {
		if n != 0 && zeroAtRest.MatchString(name) {
			problems = append(problems, fmt.Sprintf("%s is %d", name, n))
		}
	}
	r.mu.Lock()
	stay := len(protocols) + len(r.forgot)
	r.mu.Unlock()
	if n := stats["dynamicmodulescustom.meltemi_handles"]; n != stay {
		problems = append(problems, fmt.Sprintf("the library has %d handles, and %d clients stay", n, stay))
	}
	slices.Sort(problems)
	return strings.Join(problems, ", ")
}

// stats are Envoy's counters and gauges.
func (r *run) stats() (map[string]int, error) {
	page, err := r.proxy.Page("/stats?filter=" + `meltemi_|_active$`)
	if err != nil {
		return nil, err
	}
	stats := map[string]int{}
	for line := range strings.Lines(page) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			if n, err := strconv.Atoi(value); err == nil {
				stats[name] = n
			}
		}
	}
	return stats, nil
}

// enoughCalls are so many that each thing that a plan can have comes about many times.
const enoughCalls = 20_000

// acted makes sure that filters did each thing, in each place and hook: what does not
// happen is not tested. In a short run some things are left to chance.
func (r *run) acted() {
	stats, err := r.stats()
	if err != nil {
		r.problem("Envoy's statistics: %v", err)
		return
	}
	seen := map[string]bool{}
	for name := range stats {
		if _, labels, ok := strings.Cut(name, "meltemi_chaos_acts_total.place."); ok {
			seen[labels] = true
		}
	}
	var missing []string
	all := 0
	for place := range chaos.Places {
		for a := chaos.Mark; int(a) < chaos.Actions; a++ {
			for _, hook := range []string{"request", "response"} {
				if a == chaos.AskLate && (hook == "request" || chaos.Place(place) == chaos.Last) {
					continue // only Envoy's answer on the listener is for it
				}
				all++
				if labels := fmt.Sprintf("%v.hook.%s.action.%v", chaos.Place(place), hook, a); !seen[labels] {
					missing = append(missing, labels)
				}
			}
		}
	}
	allowed := 0
	if r.numbers.Load() < enoughCalls {
		allowed = all / 2
	}
	if len(missing) > allowed {
		r.problem("in all these calls no filter ever did this: %s", strings.Join(missing, ", "))
	}
}

func (r *run) sample(stats map[string]int) (sample, error) {
	const gauge = "dynamicmodulescustom.meltemi_"
	s := sample{
		at: time.Since(r.began), calls: int(r.numbers.Load()),
		handles: stats[gauge+"handles"], goroutines: stats[gauge+"goroutines"], heap: stats[gauge+"go_heap_bytes"],
	}
	for name, n := range stats {
		if strings.HasPrefix(name, "cluster.") && strings.HasSuffix(name, ".upstream_cx_active") {
			s.files -= n
		}
	}
	proc := filepath.Join("/proc", strconv.Itoa(r.envoy))
	files, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		return s, err
	}
	s.files += len(files)
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		return s, err
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			_, err = fmt.Sscanf(string(rest), "%d", &s.resident)
		}
	}
	s.resident <<= 10 // it is told in KiB
	return s, err
}

// report prints where the run is.
func (r *run) report(s sample) {
	r.mu.Lock()
	c, trouble := r.count, r.trouble
	r.mu.Unlock()
	r.print("%s %5.1fs: %d calls (%.0f/s): %d good, %d failed as planned, %d one-way, %d left; %v; %d problems",
		r.version, s.at.Seconds(), c.calls, float64(c.calls)/s.at.Seconds(), c.good, c.failed, c.oneWay, c.left, s, trouble)
}

// childOf returns the process that another one has started.
func childOf(pid int) (int, error) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return 0, err
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			return 0, err
		}
		if children := strings.Fields(string(text)); len(children) > 0 {
			return strconv.Atoi(children[0])
		}
	}
	return 0, fmt.Errorf("process %d has started none", pid)
}

// gone looks at Envoy's end.
func (r *run) gone() {
	select {
	case <-r.proxy.Done():
	case <-time.After(time.Minute):
		r.problem("Envoy does not end")
		return
	}
	if !r.proxy.Success() {
		r.problem("Envoy did not end well")
	}
	for _, line := range r.proxy.Output() {
		for _, bad := range []string{"Caught ", "assert failure", "envoy bug failure", "fatal error", "panic in a filter's", "panic in a connection", "panic in a bridge", "was not dropped"} {
			if strings.Contains(line, bad) {
				r.problem("Envoy says: %s", line)
			}
		}
	}
}
