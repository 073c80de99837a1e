package main

import (
	"fmt"
	"regexp"
)

// topology is what stands between client and server.
type topology struct {
	hops    int
	tls     bool // mTLS between the two proxies
	tracing bool
}

func (t topology) String() string {
	name := map[int]string{1: "one", 2: "two"}[t.hops]
	if t.tls {
		name += "-mtls"
	}
	if t.tracing {
		name += "-tracing"
	}
	return name
}

// title is what people read.
func (t topology) title() string {
	title := map[int]string{1: "one proxy", 2: "two proxies"}[t.hops]
	if t.tls {
		title += ", mTLS"
	}
	if t.tracing {
		title += ", tracing"
	}
	return title
}

func topologies(full bool) []topology {
	all := []topology{{hops: 1}, {hops: 2}, {hops: 2, tls: true}, {hops: 1, tracing: true}}
	if full {
		all = append(all, topology{hops: 2, tracing: true}, topology{hops: 2, tls: true, tracing: true})
	}
	return all
}

// shape is the load: connections, calls in flight on each, and bytes of argument.
type shape struct {
	connections, inFlight, payload int
}

func (s shape) String() string {
	return fmt.Sprintf("%dx%d/%s", s.connections, s.inFlight, size(s.payload))
}

func size(n int) string {
	if n >= 1<<10 {
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return fmt.Sprintf("%dB", n)
}

const (
	small = 100
	large = 4 << 10
)

// cell is a load on a topology, at saturation and, if fixed, also at a rate that is
// half of what the slowest subject reached.
type cell struct {
	shape
	fixed bool
}

// cells returns what is measured on the topology.
func (t topology) cells(full bool, match *regexp.Regexp) []cell {
	var cells []cell
	add := func(connections, inFlight, payload int, fixed bool) {
		c := cell{shape{connections, inFlight, payload}, fixed}
		if match.MatchString(t.String() + "/" + c.shape.String()) {
			cells = append(cells, c)
		}
	}
	if t.tracing && !full {
		add(4, 16, small, false)
		return cells
	}
	telling := map[[2]int]bool{{4, 16}: true, {64, 1}: true}
	for _, load := range [][2]int{{1, 1}, {4, 16}, {64, 1}, {64, 16}, {512, 1}} {
		add(load[0], load[1], small, full || telling[load])
		if full || load == [2]int{4, 16} {
			add(load[0], load[1], large, full)
		}
	}
	return cells
}
