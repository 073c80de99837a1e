package translate

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

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
		if same := slices.IndexFunc(before, func(o *claim) bool { return shareAny(o.ports, c.ports) && maps.Equal(o.selector, c.selector) }); same >= 0 {
			o := before[same]
			c.refuse(v1alpha1.ReasonConflicted, "CodecBinding %s/%s, which is older, has port %d of the same gateways for Gateway %s/%s",
				o.binding.Namespace, o.binding.Name, o.number, o.namespace, o.name)
			continue
		}
		before = append(before, c)
		for _, port := range c.ports {
			t.mesh.gateways = append(t.mesh.gateways, t.gatewayPort(c, port))
		}
		t.gatewayDirect(c)
	}
}

// listeningPorts are where gateways listen for a port of a Gateway. As Istio does it, that
// is the targetPort of the Service of the gateways that has the port, and the port itself
// without such a Service.
func (t *translator) listeningPorts(number uint32, selector map[string]string) []uint32 {
	var ports []uint32
	for _, s := range t.onPort[number] {
		isTheirs := func(p *corev1.Pod) bool { return isSubset(s.Spec.Selector, p.Labels) }
		if len(s.Spec.Selector) == 0 || s.Labels[samePortLabel] != "" || !slices.ContainsFunc(t.pods.labelled(s.Namespace, selector), isTheirs) {
			continue
		}
		for i := range s.Spec.Ports {
			if portOf(s.Spec.Ports[i].Port) == number {
				ports = append(ports, t.targetPorts(s, &s.Spec.Ports[i])...)
			}
		}
	}
	if len(ports) == 0 {
		return []uint32{number}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// samePortLabel has Istio leave a Service alone when it looks for ports of gateways. Source:
// istio/istio, DisableGatewayPortTranslationLabel.
const samePortLabel = "experimental.istio.io/disable-gateway-port-translation"

func shareAny(a, b []uint32) bool {
	return slices.ContainsFunc(a, func(port uint32) bool { return slices.Contains(b, port) })
}

// gatewayPort is a port where gateways listen. What they call is routed by the host that a
// client's VirtualServices know; that is the same for all its calls, unless hosts tells more.
func (t *translator) gatewayPort(c *claim, port uint32) ir.Gateway {
	module := c.module
	module.Authority = originalDst
	module.Hosts = map[string]string{}
	for service, host := range c.binding.Spec.Hosts {
		module.Hosts[service] = t.qualify(host, c.binding.Namespace)
	}
	g := ir.Gateway{Edge: ir.Edge{
		// A namespace has no dot, so it ends where the first one is.
		Name: name("meltemi-gateway", c.namespace+"."+c.target.name, port), Namespace: t.gatewayNamespace(c),
		Selector: maps.Clone(c.selector), Port: port,
		Codec: module.text(), Codecs: module.names(), Owners: []ir.Owner{c.owner()},
	}}
	t.addFilters(&g.Edge, c, v1alpha1.SideClient)
	return g
}

// gatewayDirect are the services to which gateways speak the protocols of a port themselves.
func (t *translator) gatewayDirect(c *claim) {
	codecs := c.module.names()
	var called []*claim
	for _, other := range t.claims {
		if !other.refused && slices.Contains(codecs, other.module.Name) {
			called = append(called, other)
		}
	}
	t.mesh.addDirect(called, func(services string) ir.Direct {
		return ir.Direct{
			Name: name("meltemi-gateway-direct", c.namespace+"."+c.target.name+"."+services, c.number), Namespace: t.gatewayNamespace(c),
			Selector: maps.Clone(c.selector), IsGateway: true,
			Owners: []ir.Owner{c.owner()},
		}
	})
}

// gatewayNamespace is where the gateways run, if the Gateway is in their namespace, as is
// usual; Istio's root namespace reaches them wherever they are.
func (t *translator) gatewayNamespace(c *claim) string {
	if len(t.pods.labelled(c.namespace, c.selector)) > 0 {
		return c.namespace
	}
	return t.options.rootNamespace()
}
