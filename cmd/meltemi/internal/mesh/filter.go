package mesh

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// checkFilter checks an entry of filters: Envoy's own, verbatim, with typed_config;
// or one of Meltemi's, with config.
func checkFilter(p *parser, s *schema, path string, n *yaml.Node, last bool) {
	name := text(get(n, "name"))
	switch {
	case n.Kind != yaml.MappingNode:
		p.problems.add(path, n.Line, "want a filter with name and typed_config, got %s", kindOf(n))
		return
	case get(n, "config") != nil && strings.HasPrefix(name, "envoy."):
		p.problems.add(join(path, "config"), get(n, "config").Line, "Envoy's own filters take typed_config, with \"@type\"")
		return
	case get(n, "config") != nil:
		p.problems.add(join(path, "name"), n.Line, "this library has no filter named %q", name)
		return
	}
	s.value(path, n, fieldOf(hcmDescriptor(), "http_filters"))
	if get(n, "typed_config") == nil && get(n, "config_discovery") == nil {
		p.problems.add(path, n.Line, "needs typed_config (a filter of Envoy) or config (a filter of Meltemi)")
	}
	if !last && hasRouter(list(n)) {
		p.problems.add(path, n.Line, "the router ends the chain: nothing may stand behind it")
	}
}
