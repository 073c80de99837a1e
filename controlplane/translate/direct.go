package translate

import (
	"maps"
	"slices"

	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// addDirect adds the services to which the proxies of an edge speak the protocol itself,
// by the namespace of the services, for which in makes what they are added to.
func (d *draft) addDirect(claims []*claim, in func(services string) ir.Direct) {
	byNamespace := map[string][]*claim{}
	for _, c := range claims {
		if c.direct && bridgeConfig(&c.module) != "" {
			byNamespace[c.namespace] = append(byNamespace[c.namespace], c)
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(byNamespace)) {
		direct := in(namespace)
		for _, c := range byNamespace[namespace] {
			direct.Owners = append(direct.Owners, c.owner())
			for _, host := range c.target.hosts {
				direct.Services = append(direct.Services, ir.Upstream{Host: host, Port: c.number, Bridge: bridgeConfig(&c.module)})
			}
		}
		d.direct = append(d.direct, direct)
	}
}

// bridgeConfig is the configuration of a bridge; "" for several codecs, of which it speaks
// one.
func bridgeConfig(m *moduleConfig) string {
	if m.Auto != nil {
		return ""
	}
	b := *m
	b.Authority, b.Hosts = "", nil
	return b.text()
}
