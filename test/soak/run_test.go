package soak

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/soak/chaos"
)

// options say how long a run is, and with what.
type options struct {
	version  string // of Envoy
	duration time.Duration
	calls    uint64        // the run is longer than that if it takes longer to make so many
	breath   time.Duration // how long the load lasts until it rests
	workers  int           // clients at a time that come and go, of each protocol
	seed     uint64
	// leak makes the filter, and the clients, leave something behind at every so manieth
	// call, to be found.
	leak         int
	disturbances []disturbance
	// print is given a line from time to time.
	print func(format string, args ...any)
}

// run is an Envoy under load.
type run struct {
	options
	tb      testing.TB
	values  meshValues
	servers []*server
	proxy   *peers.Proxy
	envoy   int // its process id
	began   time.Time
	numbers atomic.Uint64
	resting sync.RWMutex // held by the load; the rest waits for it
	over    atomic.Bool
	forgot  []*client // connections that leak

	mu        sync.Mutex
	expected  map[uint64]expectation // of the calls since the last rest
	restarted map[string]time.Time   // servers, by protocol
	ending    time.Time              // when Envoy was asked to end
	count     struct{ calls, good, failed, oneWay, left int }
	problems  []string
	trouble   int // how many problems there are
}

// library builds the library with the chaos in it, and returns its path.
var library = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	target := filepath.Join(root, ".cache", "soak", "libmeltemi.so")
	script := `mkdir -p .cache/soak && bin/meltemi build -o .cache/soak/libmeltemi.so --with github.com/meltemi-mesh/meltemi/test/soak/chaos=test/soak/chaos`
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the library: %w\n%s", err, out)
	}
	return target, nil
})

// soak bears the load, and returns what was wrong.
func soak(tb testing.TB, o options) (problems []string) {
	tb.Helper()
	lib, err := library()
	if err != nil {
		tb.Fatal(err)
	}
	r := &run{options: o, tb: tb, began: time.Now(), expected: map[uint64]expectation{}, restarted: map[string]time.Time{}}
	r.values = meshValues{
		Seed: o.seed, Leak: o.leak, Protocols: protocols, Servers: map[string]string{},
		Services: map[string]string{
			chaos.ClusterQuick: serveNumbers(tb, 0), chaos.ClusterSlow: serveNumbers(tb, time.Minute),
			chaos.ClusterLate: serveNumbers(tb, 2*shortDeadline), chaos.ClusterAway: peers.ClosedAddress(tb),
		},
	}
	for _, p := range protocols {
		s := startServer(r, p)
		r.servers = append(r.servers, s)
		r.values.Servers[p.name] = s.address()
	}
	mesh, err := r.values.mesh()
	if err != nil {
		tb.Fatal(err)
	}
	r.proxy = peers.StartWith(tb, o.version, lib, mesh)
	if r.envoy, err = childOf(r.proxy.Pid()); err != nil {
		tb.Fatal(err)
	}
	r.bear()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trouble > len(r.problems) {
		r.problems = append(r.problems, fmt.Sprintf("and %d more problems", r.trouble-len(r.problems)))
	}
	return r.problems
}

// bear lets the load run and rest until the time is over, and ends with Envoy's end.
func (r *run) bear() {
	var load, disturbances sync.WaitGroup
	stop := make(chan struct{})
	for i, p := range protocols {
		for worker := range r.workers {
			random := rand.New(rand.NewPCG(r.seed, uint64(i)<<32|uint64(worker)))
			load.Go(func() { r.sessions(p, random) })
		}
		load.Go(func() { r.steady(p, rand.New(rand.NewPCG(r.seed, uint64(i)<<32|99))) })
	}
	for _, d := range r.disturbances {
		disturbances.Go(func() { r.disturb(d, stop) })
	}
	var trend trend
	for end := r.began.Add(r.duration); (time.Now().Before(end) || r.numbers.Load() < r.calls) && r.healthy(); {
		r.sleep(r.breath)
		r.resting.Lock()
		if s, ok := r.rest(); ok {
			trend.add(s)
		}
		r.resting.Unlock()
	}
	for _, problem := range trend.judge() {
		r.problem("%s", problem)
	}
	r.acted()
	close(stop)
	disturbances.Wait()
	// Envoy goes while the load lasts. What is on its way then has an end, too.
	r.mu.Lock()
	r.ending = time.Now()
	r.mu.Unlock()
	r.over.Store(true)
	r.proxy.Terminate()
	load.Wait()
	for _, c := range r.forgot {
		c.close()
	}
	r.gone()
	r.audit()
	r.mu.Lock()
	c, trouble := r.count, r.trouble
	r.mu.Unlock()
	r.print("%s: %d calls in %v, %d rests, and Envoy's end; %d calls ended well, %d failed as planned, %d were one-way, %d were left alone; %d problems (seed %d)",
		r.version, c.calls, time.Since(r.began).Round(time.Second), len(trend.samples), c.good, c.failed, c.oneWay, c.left, trouble, r.seed)
}

// sleep waits, or until Envoy is gone.
func (r *run) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.proxy.Done():
	}
}

// healthy tells whether it is worth while to go on.
func (r *run) healthy() bool {
	select {
	case <-r.proxy.Done():
		r.problem("Envoy ended in the middle of it")
		return false
	default:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trouble < maxProblems
}

// number is the number of the next call.
func (r *run) number() uint64 { return r.numbers.Add(1) }

// sessions are clients that come and go.
func (r *run) sessions(p *protocol, random *rand.Rand) {
	for !r.over.Load() {
		r.resting.RLock()
		c, err := r.dial(p, random)
		if err != nil {
			r.resting.RUnlock()
			if !r.over.Load() {
				r.problem("a client of %s: %v", p.name, err)
			}
			return
		}
		if random.IntN(3) == 0 {
			c.leave(1 + random.IntN(6))
		} else if err := c.calls(1+random.IntN(8), 1+random.IntN(4)); err == nil {
			r.maybeForget(c)
		}
		r.resting.RUnlock()
	}
}

// maybeForget closes a connection that has done its work. In a run that is to leak, it
// stays as long as the run for every so manieth call.
func (r *run) maybeForget(c *client) {
	if r.leak > 0 {
		r.mu.Lock()
		forget := r.count.calls/r.leak > len(r.forgot)
		if forget {
			r.forgot = append(r.forgot, c)
		}
		r.mu.Unlock()
		if forget {
			_ = c.conn.SetDeadline(time.Time{})
			return
		}
	}
	c.close()
}

// steady is a client that stays.
func (r *run) steady(p *protocol, random *rand.Rand) {
	r.resting.RLock()
	c, err := r.dial(p, random)
	r.resting.RUnlock()
	if err != nil {
		r.problem("a client of %s: %v", p.name, err)
		return
	}
	defer c.close()
	for !r.over.Load() {
		r.resting.RLock()
		err := c.calls(8, 4)
		_ = c.conn.SetDeadline(time.Time{})
		r.resting.RUnlock()
		if err != nil {
			if !r.over.Load() {
				r.problem("a client of %s that stays: %v", p.name, err)
			}
			return
		}
	}
}
