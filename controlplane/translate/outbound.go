package translate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// outbound works out the ports of proxies beside clients.
func (t *translator) outbound() {
	byPort := map[uint32][]*claim{}
	for _, c := range t.claims {
		if c.kind != v1alpha1.KindGateway {
			byPort[c.number] = append(byPort[c.number], c)
		}
	}
	for _, port := range slices.Sorted(maps.Keys(byPort)) {
		scopes := t.scopes(byPort[port])
		for _, namespace := range slices.Sorted(maps.Keys(scopes)) {
			if o, ok := t.sharedPort(namespace, port, scopes[namespace]); ok {
				t.mesh.outbound = append(t.mesh.outbound, o)
			}
		}
	}
}

// scopes tells in which namespaces the claims of a port number are written. In Istio's
// root namespace it is for all clients; then nothing of that port is written elsewhere,
// since proxies would get it twice.
func (t *translator) scopes(claims []*claim) map[string][]*claim {
	root := t.options.rootNamespace()
	scopes := map[string][]*claim{}
	for _, c := range claims {
		if c.refused {
			continue
		}
		to := c.exportTo
		if to == nil {
			to = t.options.ClientNamespaces
		}
		if len(to) == 0 || slices.Contains(to, root) && t.mayServe(root) {
			return map[string][]*claim{root: claims}
		}
		for _, namespace := range to {
			if len(validation.IsDNS1123Label(namespace)) == 0 && t.mayServe(namespace) {
				scopes[namespace] = append(scopes[namespace], c)
			}
		}
	}
	return scopes
}

// mayServe tells whether the administrator lets the clients of a namespace be served.
func (t *translator) mayServe(namespace string) bool {
	return len(t.options.ClientNamespaces) == 0 || slices.Contains(t.options.ClientNamespaces, namespace)
}

// sharedPort is a port number of proxies beside clients with all services on it.
func (t *translator) sharedPort(namespace string, port uint32, claims []*claim) (ir.Outbound, bool) {
	var shared sharing
	for _, c := range claims {
		if c.refused {
			continue
		}
		if p := t.joins(&shared, c); p != nil {
			c.refuse(p.reason, "%s", p.message)
		}
	}
	hosts := t.hosts(shared.kept)
	kept := t.withHosts(t.withoutSharedFilters(shared.kept), hosts)
	if len(kept) == 0 {
		return ir.Outbound{}, false
	}
	module := t.sharedModule(kept, hosts)
	o := ir.Outbound{Edge: ir.Edge{
		Name: fmt.Sprintf("meltemi-outbound-%d", port), Namespace: namespace, Port: port,
		Codec: module.text(), Codecs: module.names(),
	}}
	for _, c := range kept {
		c.edges = append(c.edges, edge{v1alpha1.SideClient, len(t.mesh.outbound)})
		o.Owners = append(o.Owners, c.owner())
	}
	t.mesh.addDirect(kept, func(services string) ir.Direct {
		return ir.Direct{Name: name("meltemi-direct", services, port), Namespace: namespace}
	})
	t.addFilters(&o.Edge, kept[0], v1alpha1.SideClient)
	return o, true
}

// withoutSharedFilters refuses those who want filters in proxies of clients where others
// are on the port: the filters would run on the others' calls too.
func (t *translator) withoutSharedFilters(claims []*claim) []*claim {
	if len(claims) < 2 {
		return claims
	}
	return slices.DeleteFunc(claims, func(c *claim) bool {
		wants := slices.ContainsFunc(c.binding.Spec.Filters, func(f v1alpha1.Filter) bool { return f.Side == v1alpha1.SideClient })
		alone := !slices.ContainsFunc(claims, func(o *claim) bool { return o.binding != c.binding })
		if wants && !alone {
			c.refuse(v1alpha1.ReasonUnsupported, "filters with side: client would run on the calls of all services on port %d, which proxies of clients share: use side: server, or a port number of its own", c.number)
		}
		return wants && !alone
	})
}

// hostConflict is why a claim has no say about a service of the protocol.
type hostConflict struct {
	of      *claim
	message string
}

// hosts are the hosts that bindings of a port number name for services of the protocol.
// One that has no say about a service is served all the same: others could take its port
// away otherwise.
func (t *translator) hosts(claims []*claim) map[string]string {
	hosts, from := map[string]string{}, map[string]*claim{}
	for _, c := range claims {
		told := false
		for _, service := range slices.Sorted(maps.Keys(c.binding.Spec.Hosts)) {
			host := t.qualify(c.binding.Spec.Hosts[service], c.binding.Namespace)
			o := from[service]
			if o == nil {
				hosts[service], from[service] = host, c
			} else if hosts[service] != host && !told {
				told = true // the first of them
				t.hostConflicts = append(t.hostConflicts, hostConflict{c, fmt.Sprintf("hosts: %s has %s for service %s", who(o), hosts[service], service)})
			}
		}
	}
	return hosts
}

// withHosts refuses services whose calls could not be told from others': clients dial
// their endpoints, which Istio does not know by address, and no host is said for them.
func (t *translator) withHosts(claims []*claim, hosts map[string]string) []*claim {
	if len(claims) < 2 {
		return claims
	}
	said := map[string]bool{}
	for _, host := range hosts {
		said[host] = true
	}
	return slices.DeleteFunc(claims, func(c *claim) bool {
		if c.addressed || slices.ContainsFunc(c.target.hosts, func(host string) bool { return said[host] }) {
			return false
		}
		c.refuse(v1alpha1.ReasonUnsupported, "clients dial its endpoints, which Istio does not know by address, and other services are on port %d: say with hosts which services of the protocol are its", c.number)
		return true
	})
}

// sharedModule is the configuration of a port number with all services on it. Plain HTTP
// on the port passes through where all codecs can recognise their protocols.
func (t *translator) sharedModule(claims []*claim, hosts map[string]string) moduleConfig {
	m := claims[0].module.asAuto()
	for _, c := range claims[1:] {
		for _, codec := range c.module.codecs() {
			if !slices.ContainsFunc(m.Auto, func(have moduleCodec) bool { return have.Name == codec.Name }) {
				m.Auto = append(m.Auto, codec)
			}
		}
	}
	slices.SortFunc(m.Auto, func(a, b moduleCodec) int { return strings.Compare(a.Name, b.Name) })
	if len(m.Auto) == 1 {
		if info := t.options.codec(m.Auto[0].Name); !info.Sniffs {
			m.Name, m.Config, m.Auto = m.Auto[0].Name, m.Auto[0].Config, nil
		}
	}
	// The host of calls whose service has none of its own: the address that the client
	// dialed, unless there is one service, whose address Istio does not know.
	m.Authority, m.Hosts = originalDst, hosts
	if only := claims[0]; len(claims) == 1 && !only.addressed {
		m.Authority = fmt.Sprintf("%s:%d", only.target.hosts[0], only.number)
	}
	return m
}

// qualify makes a full host of a name within a namespace, as Istio does.
func (t *translator) qualify(said v1alpha1.Host, namespace string) string {
	host := string(said)
	switch parts := strings.Split(host, "."); {
	case len(parts) == 1:
		return host + "." + namespace + ".svc." + t.options.clusterDomain()
	case len(parts) == 2 && t.services[parts[1]+"/"+parts[0]] != nil:
		return host + ".svc." + t.options.clusterDomain()
	case len(parts) == 3 && parts[2] == "svc":
		return host + "." + t.options.clusterDomain()
	}
	return host
}
