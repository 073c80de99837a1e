package translate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// workloads are those whose proxies read a port, for one service or several.
type workloads struct {
	namespace string
	port      uint32
	selector  map[string]string
	claims    []*claim // the oldest first
}

// inbound works out the ports of proxies beside servers.
func (t *translator) inbound() {
	byPort := map[string][]*workloads{} // of a namespace
	var ports []string                  // in the order of their oldest claims
	for _, c := range t.claims {
		// Endpoints without a selector have no proxies of ours; a port that is known by name
		// alone follows when its workloads come.
		if c.refused || c.kind == v1alpha1.KindGateway || len(c.selector) == 0 {
			continue
		}
		for _, port := range c.ports {
			key := fmt.Sprintf("%s:%d", c.namespace, port)
			if byPort[key] == nil {
				ports = append(ports, key)
			}
			if byPort[key] = t.meet(byPort[key], c, port); c.refused {
				break
			}
		}
	}
	for _, key := range ports {
		for _, w := range byPort[key] {
			t.addWorkloads(w)
		}
	}
}

// addWorkloads adds the port of workloads to the mesh, unless all who want it are refused.
func (t *translator) addWorkloads(w *workloads) {
	w.claims = slices.DeleteFunc(w.claims, func(c *claim) bool { return c.refused })
	if len(w.claims) == 0 {
		return
	}
	for _, c := range w.claims {
		c.edges = append(c.edges, edge{v1alpha1.SideServer, len(t.mesh.inbound)})
	}
	t.mesh.inbound = append(t.mesh.inbound, t.workloadPort(w))
}

// checkWorkloads refuses a claim that no server's proxy could follow, whatever else there
// is: so it takes no port number from others.
func (t *translator) checkWorkloads(c *claim) {
	switch {
	case c.kind == v1alpha1.KindGateway:
	case bridgeConfig(&c.module) == "":
		c.refuse(v1alpha1.ReasonUnsupported, "codec.auto is for gateways: proxies of servers speak one protocol to the application")
	case len(c.ports) == 0 && len(t.pods.labelled(c.namespace, c.selector)) > 0:
		c.refuse(v1alpha1.ReasonTargetNotFound, "no workload has a port of the name of its targetPort")
	}
}

// meet adds a claim to the workloads of its namespace that have its port already, or adds
// workloads. All that are the claim's too become one, so that no proxy is told twice.
func (t *translator) meet(all []*workloads, c *claim, port uint32) []*workloads {
	joined := &workloads{namespace: c.namespace, port: port, selector: c.selector}
	left, apart := all, all
	for again := true; again; {
		again, apart = false, nil
		for _, w := range left {
			if !t.meets(w, joined, c) {
				apart = append(apart, w)
				continue
			}
			if wrong := joined.take(w, c); wrong != nil {
				c.refuse(wrong.reason, "%s", wrong.message)
				return all
			}
			again = true // what has grown may meet more
		}
		left = apart
	}
	joined.claims = append(joined.claims, c)
	return append(apart, joined)
}

// meets tells whether workloads can be those of a claim, or of what it has joined.
func (t *translator) meets(w, joined *workloads, c *claim) bool {
	return t.overlap(c.namespace, w.selector, joined.selector) ||
		slices.ContainsFunc(w.claims, func(o *claim) bool { return t.overlap(c.namespace, o.selector, c.selector) })
}

// take makes other workloads a part of these, for a claim; or tells why that cannot be.
func (w *workloads) take(other *workloads, c *claim) *problem {
	for _, o := range other.claims {
		if o.serverWish() != c.serverWish() {
			return problemf(v1alpha1.ReasonConflicted, "CodecBinding %s/%s, which is older, has port %d of the same workloads for %s %s, with another codec, settings or filters",
				o.binding.Namespace, o.binding.Name, w.port, o.kind, o.name)
		}
	}
	switch {
	case isSubset(w.selector, other.selector):
	case isSubset(other.selector, w.selector):
		w.selector = other.selector
	default: // the labels that they have in common may be those of more workloads
		o := other.claims[0]
		return problemf(v1alpha1.ReasonUnsupported, "port %d of its workloads is that of %s %s too, and neither selector contains the other", w.port, o.kind, o.name)
	}
	w.claims = append(w.claims, other.claims...)
	return nil
}

// serverWish is what a claim wants of proxies beside servers, as a text.
func (c *claim) serverWish() string {
	var filters []v1alpha1.Filter
	for _, f := range c.binding.Spec.Filters {
		if f.Side != v1alpha1.SideClient {
			filters = append(filters, f)
		}
	}
	text, err := json.Marshal(filters)
	if err != nil { // a free-form part is no JSON
		text = nil
	}
	return bridgeConfig(&c.module) + string(text)
}

// workloadPort is a port of workloads.
func (t *translator) workloadPort(w *workloads) ir.Inbound {
	slices.SortStableFunc(w.claims, func(a, b *claim) int { return a.order - b.order })
	c := w.claims[0]
	module := c.module
	module.Authority = fmt.Sprintf("%s:%d", c.hosts[0], c.number)
	in := ir.Inbound{
		Edge: ir.Edge{
			Name: name("meltemi-inbound-"+string(c.kind), c.target.name, w.port), Namespace: w.namespace,
			Selector: maps.Clone(w.selector), Port: w.port,
			Codec: module.text(), Codecs: module.names(),
		},
		Bridge: bridgeConfig(&c.module),
	}
	for _, o := range w.claims {
		in.Owners = append(in.Owners, o.owner())
	}
	t.addFilters(&in.Edge, c, v1alpha1.SideServer)
	return in
}

// overlap tells whether workloads of a namespace are selected by both: one selector is a
// part of the other, or there is a pod with the labels of both.
func (t *translator) overlap(namespace string, a, b map[string]string) bool {
	if isSubset(a, b) || isSubset(b, a) {
		return true
	}
	for k, v := range a {
		if other, both := b[k]; both && other != v {
			return false
		}
	}
	return slices.ContainsFunc(t.pods.labelled(namespace, a), func(p *corev1.Pod) bool { return isSubset(b, p.Labels) })
}

// isSubset tells whether all labels of a are in b.
func isSubset(a, b map[string]string) bool {
	for k, v := range a {
		if other, ok := b[k]; !ok || other != v {
			return false
		}
	}
	return true
}
