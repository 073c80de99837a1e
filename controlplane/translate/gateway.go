package translate

import (
	"maps"
	"slices"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// gatewayPorts works out the ports of gateways.
func (t *translator) gatewayPorts() {
	var before []*claim
	for _, c := range t.claims {
		if c.refused || c.kind != v1alpha1.KindGateway {
			continue
		}
		if same := slices.IndexFunc(before, func(o *claim) bool { return o.number == c.number && maps.Equal(o.selector, c.selector) }); same >= 0 {
			o := before[same]
			c.refuse(v1alpha1.ReasonConflicted, "CodecBinding %s/%s, which is older, has port %d of the same gateways for Gateway %s/%s",
				o.binding.Namespace, o.binding.Name, c.number, o.namespace, o.name)
			continue
		}
		before = append(before, c)
		t.mesh.gateways = append(t.mesh.gateways, t.gatewayPort(c))
	}
}

// gatewayPort is a port of gateways. What they call is routed by the host that a client's
// VirtualServices know; that is the same for all its calls, unless hosts tells more.
func (t *translator) gatewayPort(c *claim) ir.Gateway {
	module := c.module
	module.Authority = originalDst
	module.Hosts = map[string]string{}
	for service, host := range c.binding.Spec.Hosts {
		module.Hosts[service] = t.qualify(host, c.binding.Namespace)
	}
	g := ir.Gateway{Edge: ir.Edge{
		// A namespace has no dot, so it ends where the first one is.
		Name: name("meltemi-gateway", c.namespace+"."+c.target.name, c.number), Namespace: t.gatewayNamespace(c),
		Selector: maps.Clone(c.selector), Port: c.number,
		Codec: module.text(), Codecs: module.names(), Owners: []ir.Owner{c.owner()},
	}}
	var called []*claim
	for _, other := range t.claims {
		if !other.refused && slices.Contains(g.Codecs, other.module.Name) {
			called = append(called, other)
		}
	}
	t.mesh.addDirect(called, func(services string) ir.Direct {
		return ir.Direct{
			Name: name("meltemi-gateway-direct", c.namespace+"."+c.target.name+"."+services, c.number), Namespace: g.Namespace,
			Selector: maps.Clone(c.selector), IsGateway: true,
			Owners: []ir.Owner{c.owner()},
		}
	})
	t.addFilters(&g.Edge, c, v1alpha1.SideClient)
	return g
}

// gatewayNamespace is where the gateways run, if the Gateway is in their namespace, as is
// usual; Istio's root namespace reaches them wherever they are.
func (t *translator) gatewayNamespace(c *claim) string {
	if len(t.pods.labelled(c.namespace, c.selector)) > 0 {
		return c.namespace
	}
	return t.options.rootNamespace()
}
