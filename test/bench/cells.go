package main

import (
	"fmt"
	"regexp"
)

// topology is what stands between client and server.
type topology struct {
	*protocol
	hops    int
	tls     bool // mTLS between the two proxies
	tracing bool
	filters bool // what filters cost, beside calls without
}

func (t topology) String() string {
	name := t.name() + "/" + map[int]string{1: "one", 2: "two"}[t.hops]
	if t.tls {
		name += "-mtls"
	}
	if t.tracing {
		name += "-tracing"
	}
	if t.filters {
		name += "-filters"
	}
	return name
}

// title is what people read.
func (t topology) title() string {
	title := t.name() + ", " + map[int]string{1: "one proxy", 2: "two proxies"}[t.hops]
	if t.tls {
		title += ", mTLS"
	}
	if t.tracing {
		title += ", tracing"
	}
	if t.filters {
		title += ", filters"
	}
	return title
}

// topologies returns what is measured: of all protocols everything if full, and else
// of each what tells most.
func topologies(full bool) (all []topology) {
	for _, p := range protocols() {
		all = append(all, topology{protocol: p, hops: 1}, topology{protocol: p, hops: 2}, topology{protocol: p, hops: 2, tls: true})
		if !p.brief || full {
			all = append(all, topology{protocol: p, hops: 1, filters: true})
		}
		if p.traces || full {
			all = append(all, topology{protocol: p, hops: 1, tracing: true})
		}
		if full {
			all = append(all, topology{protocol: p, hops: 2, tracing: true}, topology{protocol: p, hops: 2, tls: true, tracing: true})
		}
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

// loads are connections and calls in flight on each.
var loads = [][2]int{{1, 1}, {4, 16}, {64, 1}, {64, 16}, {512, 1}}

// cells returns what is measured on the topology.
func (t topology) cells(full bool, match *regexp.Regexp) []cell {
	var cells []cell
	add := func(connections, inFlight, payload int, fixed bool) {
		c := cell{shape{connections, inFlight, payload}, fixed}
		if match.MatchString(t.String() + "/" + c.shape.String()) {
			cells = append(cells, c)
		}
	}
	switch {
	case full:
		for _, load := range loads {
			add(load[0], load[1], small, true)
			add(load[0], load[1], large, true)
		}
	case t.tracing:
		add(4, 16, small, false)
	case t.filters:
		add(1, 1, small, false)
		add(4, 16, small, false)
		add(4, 16, large, false)
		add(64, 1, small, false)
	case t.brief && t.hops == 2 && !t.tls:
	case t.brief && t.hops == 2:
		add(4, 16, small, false)
		add(64, 1, small, false)
	default:
		alone := t.hops == 1 && !t.brief // at a fixed rate too, once
		add(1, 1, small, false)
		add(4, 16, small, alone)
		add(4, 16, large, false)
		add(64, 1, small, alone)
		if !t.brief {
			add(64, 16, small, false)
		}
		add(512, 1, small, false)
	}
	return cells
}
