package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// sample is what one round of one subject came to.
type sample struct {
	rps, cpu      float64 // calls per second; microseconds of CPU per call
	p50, p99      float64 // microseconds
	upstreamConns int
}

// result is what the rounds of one subject in one cell came to.
type result struct {
	topology
	shape
	subject subject
	rate    float64 // 0: saturation
	samples []sample
}

// chain is the proxies of a subject, the client's first.
type chain struct {
	subject
	envoys []*envoy
}

// bench is one topology with all of its subjects running.
type bench struct {
	*options
	topology
	dir     string
	servers servers
	chains  []*chain
}

// measure starts the subjects of a topology, measures the cells, and stops them.
func measure(ctx context.Context, o *options, t topology, cells []cell, out io.Writer) (results []result, err error) {
	dir, err := os.MkdirTemp("", "meltemi-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, topology: t, dir: dir}
	defer func() {
		for _, c := range b.chains {
			for _, e := range c.envoys {
				e.stop()
			}
		}
		_ = os.RemoveAll(dir)
	}()
	stop, err := b.startServers()
	if err != nil {
		return nil, err
	}
	defer stop()
	if err := b.startChains(ctx); err != nil {
		return nil, err
	}
	for _, c := range cells {
		r, err := b.measureCell(ctx, c.shape, 0, out)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", c.shape, err)
		}
		results = append(results, r...)
		if !c.fixed {
			continue
		}
		if r, err = b.measureCell(ctx, c.shape, slowest(r)/2, out); err != nil {
			return nil, fmt.Errorf("%v at a fixed rate: %w", c.shape, err)
		}
		results = append(results, r...)
	}
	return results, nil
}

// startServers runs the echo servers in a process of their own, so that what they and
// the client do to the Go runtime stays apart.
func (b *bench) startServers() (stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "serve", b.name())
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		_, err = fmt.Sscanf(line, serversLine, &b.servers.rpc, &b.servers.http1, &b.servers.http2, &b.servers.traces)
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("bench serve: %w", err)
	}
	return stop, nil
}

// startChains starts the proxies of each subject, from the server's on.
func (b *bench) startChains(ctx context.Context) error {
	var certs certificates
	if b.tls {
		var err error
		if certs, err = makeCertificates(b.dir); err != nil {
			return err
		}
	}
	for _, s := range b.subjects() {
		c := &chain{subject: s}
		b.chains = append(b.chains, c)
		next := map[carrier]string{rpc: b.servers.rpc, http1: b.servers.http1, http2: b.servers.http2}[s.server]
		for hop := b.hops; hop > 0; hop-- {
			p := proxy{
				topology: b.topology, Subject: s.name, Meltemi: s.client == rpc && s != tcpProxy && s != b.native, Filter: s.filter, Server: s.server, First: hop == 1, Last: hop == b.hops,
				Native: b.native.name, Codec: b.definition.Name, Config: b.config,
				Next: next, Traces: b.servers.traces, Certificates: certs,
			}
			mesh, err := p.mesh()
			if err != nil {
				return err
			}
			e, err := startEnvoy(ctx, b.options, b.dir, fmt.Sprintf("%s-%d", s.name, hop), mesh)
			if err != nil {
				return err
			}
			c.envoys = append([]*envoy{e}, c.envoys...)
			next = e.address
		}
	}
	return nil
}

// measureCell measures one cell: each subject in turn, as often as there are rounds.
func (b *bench) measureCell(ctx context.Context, s shape, rate float64, out io.Writer) ([]result, error) {
	e, err := b.newExchange(s.payload)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(b.chains))
	for i, c := range b.chains {
		results[i] = result{topology: b.topology, shape: s, subject: c.subject, rate: rate}
	}
	for range b.rounds {
		for i, c := range b.chains {
			l := load{
				shape: s, carrier: c.client, address: c.envoys[0].address, exchange: e, rate: rate,
				warmUp: b.warmUp, duration: b.duration,
			}
			sample, err := c.measure(ctx, &l)
			if err != nil {
				return nil, fmt.Errorf("%s: %w%s", c.name, err, c.logs())
			}
			results[i].samples = append(results[i].samples, sample)
		}
	}
	mode := "saturation"
	if rate > 0 {
		mode = fmt.Sprintf("%.0f/s", rate)
	}
	_, err = fmt.Fprintf(out, "measured %v/%v, %s\n", b.topology, s, mode)
	return results, err
}

// measure bears the load once.
func (c *chain) measure(ctx context.Context, l *load) (sample, error) {
	var s sample
	var start time.Time
	var used, passed time.Duration
	begin := func() error {
		before, err := c.cpu()
		used, start = -before, time.Now()
		return err
	}
	end := func() error {
		passed = time.Since(start)
		after, err := c.cpu()
		if err != nil {
			return err
		}
		used += after
		s.upstreamConns, err = c.envoys[len(c.envoys)-1].stat(ctx, "cluster.next.upstream_cx_active")
		return err
	}
	took, err := l.run(ctx, begin, end)
	if err != nil {
		return s, err
	}
	if len(took) == 0 {
		return s, fmt.Errorf("no call ended in %v", l.duration)
	}
	slices.Sort(took)
	s.rps = float64(len(took)) / passed.Seconds()
	s.cpu = microseconds(used) / float64(len(took))
	s.p50 = microseconds(took[len(took)/2])
	s.p99 = microseconds(took[len(took)*99/100])
	return s, nil
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// cpu is the time that all Envoys of the subject have used.
func (c *chain) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, e := range c.envoys {
		d, err := e.cpu()
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum, nil
}

// logs is what the Envoys complained of.
func (c *chain) logs() string {
	var all strings.Builder
	for _, e := range c.envoys {
		if text, err := os.ReadFile(e.log); err == nil && len(text) > 0 {
			all.WriteByte('\n')
			all.Write(text)
		}
	}
	return all.String()
}

// slowest is the lowest rate that a subject reached.
func slowest(results []result) float64 {
	lowest := results[0].median(func(s sample) float64 { return s.rps })
	for i := range results[1:] {
		lowest = min(lowest, results[1+i].median(func(s sample) float64 { return s.rps }))
	}
	return lowest
}

// median returns the median over the rounds.
func (r *result) median(of func(sample) float64) float64 {
	values := make([]float64, len(r.samples))
	for i, s := range r.samples {
		values[i] = of(s)
	}
	return median(values)
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
