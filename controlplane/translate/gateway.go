package translate

import (
	"cmp"
	"maps"
	"slices"

	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// noTranslation is the label of Services whose ports gateways do not go by.
const noTranslation = "experimental.istio.io/disable-gateway-port-translation"

// gatewayPorts works out the ports of gateways.
func (t *translator) gatewayPorts() {
	var before []*claim
	for _, c := range t.claims {
		if c.refused || c.kind != v1alpha1.KindGateway {
			continue
		}
		if wrong := t.gatewayTaken(c, before); wrong != nil {
			c.refuse(wrong.reason, "%s", wrong.message)
			continue
		}
		before = append(before, c)
		for _, port := range c.ports {
			c.edges = append(c.edges, edge{v1alpha1.SideClient, len(t.mesh.gateways)})
			t.mesh.gateways = append(t.mesh.gateways, t.gatewayPort(c, port))
		}
		t.gatewayDirect(c)
	}
}

// gatewayTaken tells why a claim cannot have its port: of one port of gateways all calls
// are read alike, whosever Gateway they came for. Who was there first keeps it.
func (t *translator) gatewayTaken(c *claim, before []*claim) *problem {
	for _, o := range before {
		if slices.ContainsFunc(o.ports, func(p uint32) bool { return slices.Contains(c.ports, p) }) && t.sameGateways(o.selector, c.selector) {
			return problemf(v1alpha1.ReasonConflicted, "CodecBinding %s/%s, which is older, has port %d of the same gateways for Gateway %s/%s",
				o.binding.Namespace, o.binding.Name, c.number, o.namespace, o.name)
		}
	}
	own := t.gateways[c.namespace+"/"+c.target.name]
	for _, key := range slices.Sorted(maps.Keys(t.gateways)) {
		g := t.gateways[key]
		if g.Namespace == c.namespace || !isBefore(g, own) || !t.sameGateways(g.Spec.GetSelector(), c.selector) {
			continue
		}
		for _, s := range g.Spec.GetServers() {
			if s.GetPort().GetNumber() == c.number {
				return problemf(v1alpha1.ReasonConflicted, "Gateway %s, which is older and of another namespace, has port %d of the same gateways: use a port of its own", key, c.number)
			}
		}
	}
	return nil
}

// isBefore tells whether a Gateway was there before another, as byAge tells of resources.
func isBefore(g, other *networkingv1.Gateway) bool {
	return cmp.Or(
		metav1.Object(g).GetCreationTimestamp().Compare(other.CreationTimestamp.Time),
		cmp.Compare(g.Namespace, other.Namespace), cmp.Compare(g.Name, other.Name),
	) < 0
}

// sameGateways tells whether there can be gateways with the labels of both. A Gateway is
// for gateways of all namespaces.
func (t *translator) sameGateways(a, b map[string]string) bool {
	if isSubset(a, b) || isSubset(b, a) {
		return true
	}
	for _, namespace := range t.pods.namespaces {
		if t.overlap(namespace, a, b) {
			return true
		}
	}
	return false
}

// gatewayPort is a port of gateways. What they call is routed by the host that a client's
// VirtualServices know; that is the same for all its calls, unless hosts tells more.
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
			// The dots keep it apart from those for proxies beside clients.
			Name: name("meltemi-direct-gateway", c.namespace+"."+c.target.name+"."+services, c.number), Namespace: t.gatewayNamespace(c),
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

// listeningPorts are the ports at which gateways listen for a port of a Gateway: it may be
// that of their Service, and then they listen at its targetPort.
func (t *translator) listeningPorts(selector map[string]string, number uint32) []uint32 {
	var ports []uint32
	known := false
	for _, namespace := range t.pods.namespaces {
		for _, p := range t.pods.labelled(namespace, selector) {
			known = true
			ports = append(ports, t.listeningPort(number, func(s *corev1.Service) bool {
				return s.Namespace == namespace && isSubset(s.Spec.Selector, p.Labels)
			}, p))
		}
	}
	if !known { // what their labels are is not known either
		ports = append(ports, t.listeningPort(number, func(s *corev1.Service) bool {
			return isSubset(s.Spec.Selector, selector) || isSubset(selector, s.Spec.Selector)
		}, nil))
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// listeningPort is what the first of some Services makes of a port; p is a pod that they
// select, nil if it is not known.
func (t *translator) listeningPort(number uint32, selects func(*corev1.Service) bool, p *corev1.Pod) uint32 {
	for _, s := range t.onPort[number] {
		if _, off := s.Labels[noTranslation]; off || len(s.Spec.Selector) == 0 || !selects(s) {
			continue
		}
		for i := range s.Spec.Ports {
			if port := &s.Spec.Ports[i]; portOf(port.Port) == number && port.Protocol != corev1.ProtocolUDP {
				return cmp.Or(targetPort(port, p), number)
			}
		}
	}
	return number
}

// targetPort is the port of a pod behind a port of a Service, 0 if it is not known.
func targetPort(port *corev1.ServicePort, p *corev1.Pod) uint32 {
	switch {
	case port.TargetPort.Type == intstr.Int && port.TargetPort.IntVal > 0:
		return portOf(port.TargetPort.IntVal)
	case port.TargetPort.Type == intstr.Int:
		return portOf(port.Port)
	case p == nil:
		return 0
	}
	for _, list := range [][]corev1.Container{p.Spec.Containers, p.Spec.InitContainers} {
		for i := range list {
			for _, c := range list[i].Ports {
				if c.Name == port.TargetPort.StrVal && c.ContainerPort > 0 {
					return portOf(c.ContainerPort)
				}
			}
		}
	}
	return 0
}
