package mesh

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// checkReferences checks that the clusters of routes exist, and that behind a codec
// they speak what the codec makes of a call.
func (p *parser) checkReferences(m *Mesh) {
	clusters := map[string]*cluster{}
	for _, c := range m.clusters {
		clusters[c.name] = c
	}
	for _, l := range m.listeners {
		unchecked := text(dig(l.hcm, "route_config", "validate_clusters")) == "false"
		for _, t := range l.routing.targets {
			c := clusters[t.cluster]
			switch {
			case c == nil && !unchecked && !p.unread[t.cluster]:
				p.problems.add(t.path, t.line, "no cluster is named %q%s", t.cluster, suggestion(t.cluster, m.clusterNames()))
			case c != nil && l.codec != nil && c.codec == nil && c.http2Options() == nil:
				p.warnings.add(t.path, t.line,
					"cluster %q has neither a codec nor HTTP/2 options: calls would leave as HTTP/1.1; give it codec (the endpoints speak the protocol) "+
						"or HTTP/2 options (they are proxies that run Meltemi)", t.cluster)
			}
		}
	}
}

// clusterNames are the names of all clusters.
func (m *Mesh) clusterNames() []string {
	names := make([]string, len(m.clusters))
	for i, c := range m.clusters {
		names[i] = c.name
	}
	return names
}

// pinnedClusters are the names of the clusters that the bootstrap's own fields name,
// for a stats sink for example: Envoy wants these from the start and keeps them
// until it ends.
func (m *Mesh) pinnedClusters() map[string]bool {
	named := map[string]bool{}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for i, child := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 && strings.Contains(n.Content[i-1].Value, "cluster") {
				named[text(child)] = true
			}
			walk(child)
		}
	}
	walk(withoutKey(m.bootstrap, "node"))
	pinned := map[string]bool{}
	for _, c := range m.clusters {
		if named[c.name] {
			pinned[c.name] = true
		}
	}
	return pinned
}
