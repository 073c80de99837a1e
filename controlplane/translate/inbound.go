package translate

import (
	"fmt"
	"maps"
	"slices"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// inbound works out the ports of proxies beside servers.
func (t *translator) inbound() {
	type made struct {
		*claim
		at int // in mesh.inbound
	}
	before := map[string][]made{} // by namespace
	for _, c := range t.claims {
		if c.refused || c.kind == v1alpha1.KindGateway {
			continue
		}
		bridge := bridgeConfig(&c.module)
		switch {
		case bridge == "":
			c.refuse(v1alpha1.ReasonUnsupported, "codec.auto is for gateways: proxies of servers speak one protocol to the application")
			continue
		case len(c.selector) == 0:
			continue // endpoints without proxies of ours
		case len(c.ports) == 0 && len(t.pods.labelled(c.namespace, c.selector)) == 0:
			continue // it follows when they come
		case len(c.ports) == 0:
			c.refuse(v1alpha1.ReasonTargetNotFound, "no workload has a port of the name of its targetPort")
			continue
		}
		for _, port := range c.ports {
			neighbours := before[c.namespace]
			same := slices.IndexFunc(neighbours, func(m made) bool {
				return slices.Contains(m.ports, port) && overlap(m.selector, c.selector)
			})
			if same >= 0 && t.mesh.inbound[neighbours[same].at].Bridge != bridge {
				older := neighbours[same]
				c.refuse(v1alpha1.ReasonConflicted, "CodecBinding %s/%s, which is older, has port %d of the same workloads for %s %s",
					older.binding.Namespace, older.binding.Name, port, older.kind, older.name)
				break
			}
			if same >= 0 { // the proxies read the port already
				edge := &t.mesh.inbound[neighbours[same].at].Edge
				both := common(edge.Selector, c.selector)
				if len(both) == 0 { // which would be all workloads
					c.refuse(v1alpha1.ReasonUnsupported, "port %d of its workloads is that of others too, and their selectors have no label in common", port)
					break
				}
				edge.Owners = append(edge.Owners, c.owner())
				edge.Selector = both
				continue
			}
			before[c.namespace] = append(neighbours, made{c, len(t.mesh.inbound)})
			t.mesh.inbound = append(t.mesh.inbound, t.workloadPort(c, port, bridge))
		}
	}
}

// workloadPort is a port of workloads.
func (t *translator) workloadPort(c *claim, port uint32, bridge string) ir.Inbound {
	module := c.module
	module.Authority = fmt.Sprintf("%s:%d", c.hosts[0], c.number)
	in := ir.Inbound{
		Edge: ir.Edge{
			Name: name("meltemi-inbound-"+string(c.kind), c.target.name, port), Namespace: c.namespace,
			Selector: maps.Clone(c.selector), Port: port,
			Codec: module.text(), Codecs: module.names(), Owners: []ir.Owner{c.owner()},
		},
		Bridge: bridge,
	}
	t.addFilters(&in.Edge, c, v1alpha1.SideServer)
	return in
}

// overlap tells whether workloads can be selected by both: no label contradicts.
func overlap(a, b map[string]string) bool {
	for k, v := range a {
		if other, both := b[k]; both && other != v {
			return false
		}
	}
	return isSubset(a, b) || isSubset(b, a)
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

// common are the labels of both: they select the workloads of both.
func common(a, b map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range a {
		if b[k] == v {
			out[k] = v
		}
	}
	return out
}
