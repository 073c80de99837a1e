package mesh

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// CheckFilter judges the configuration of one of Meltemi's filters, the JSON that the
// module in Envoy will be given: an unknown filter and a wrong field are errors that
// name it.
type CheckFilter func(name string, config []byte) error

// ownFilterFields are the fields of an entry of filters that names one of Meltemi's: the
// filter is that of the entry's name unless it is said.
var ownFilterFields = []string{"name", "filter", "config", "disabled"}

// isOwnFilter tells whether an entry of filters is one of Meltemi's.
func isOwnFilter(n *yaml.Node) bool {
	name := text(get(n, "name"))
	return n.Kind == yaml.MappingNode && name != "" && !strings.HasPrefix(name, "envoy.") &&
		!slices.ContainsFunc([]string{"typed_config", "typedConfig", "config_discovery", "configDiscovery"}, func(field string) bool {
			return get(n, field) != nil
		})
}

// checkFilter checks an entry of filters that is Envoy's own, verbatim, with
// typed_config. Those of Meltemi are read by ownFilter.
func checkFilter(p *parser, s *schema, path string, n *yaml.Node, last bool) {
	name := text(get(n, "name"))
	switch {
	case n.Kind != yaml.MappingNode:
		p.problems.add(path, n.Line, "want a filter with name and typed_config, got %s", kindOf(n))
		return
	case isOwnFilter(n):
		return
	case get(n, "config") != nil && strings.HasPrefix(name, "envoy."):
		p.problems.add(join(path, "config"), get(n, "config").Line, "Envoy's own filters take typed_config, with \"@type\"")
		return
	case get(n, "config") != nil && name != "":
		p.problems.add(join(path, "config"), get(n, "config").Line, "a filter of Meltemi has config, one of Envoy typed_config: not both")
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

const (
	filterType      = "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter"
	routeFilterType = "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilterPerRoute"
)

// ownFilters are the filters of Meltemi on a listener: by the name of their entry, what
// the library calls them.
type ownFilters map[string]string

// readOwnFilters makes Envoy's entries of those that name a filter of Meltemi. The codec
// of the listener is known by then.
func (l *listener) readOwnFilters(p *parser) {
	l.ownFilters = ownFilters{}
	for i, n := range items(get(l.hcm, "http_filters")) {
		if isOwnFilter(n) {
			l.readOwnFilter(p, index(join(l.path, l.filtersKey), i), n)
		}
	}
	l.readRouteFilters(p, join(l.path, "route_config"), get(l.hcm, "route_config"))
}

func (l *listener) readOwnFilter(p *parser, path string, n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; !slices.Contains(ownFilterFields, key.Value) {
			p.problems.add(path, key.Line, "unknown field %q of a filter of Meltemi%s", key.Value, suggestion(key.Value, ownFilterFields))
			return
		}
	}
	entryName := text(get(n, "name"))
	name := entryName
	if given := get(n, "filter"); given != nil {
		name = text(given)
	}
	if _, twice := l.ownFilters[entryName]; twice {
		p.problems.add(join(path, "name"), n.Line, "%q is the name of a filter before it: routes could not tell them apart; use filter: %s and another name", entryName, name)
		return
	}
	l.ownFilters[entryName] = name
	config := mapping()
	if given := get(n, "config"); given != nil {
		put(config, "config", given)
	}
	if l.codec != nil {
		put(config, "codec", l.codec.node)
	}
	json, err := toJSON(config)
	if err == nil && p.check.Filter != nil {
		err = p.check.Filter(name, json)
	}
	if err != nil {
		p.problems.add(path, n.Line, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	*n = *mapping(
		entry{"name", get(n, "name")},
		entry{"typed_config", typedConfig(filterType,
			entry{"dynamic_module_config", moduleConfig()},
			entry{"filter_name", filledString(name)},
			entry{"filter_config", stringValue(string(json))},
		)},
		entry{"disabled", get(n, "disabled")},
	)
}

// readRouteFilters makes Envoy's form of what routes say to filters of Meltemi: a
// mapping without "@type" under the name of the filter's entry.
func (l *listener) readRouteFilters(p *parser, path string, n *yaml.Node) {
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			l.readRouteFilters(p, index(path, i), item)
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			at := join(path, key)
			if key == "typed_per_filter_config" || key == "typedPerFilterConfig" {
				l.readRouteConfigs(p, at, value)
			} else {
				l.readRouteFilters(p, at, value)
			}
		}
	}
}

func (l *listener) readRouteConfigs(p *parser, path string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return // the schema says so
	}
	kept := n.Content[:0]
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind == yaml.MappingNode && get(value, "@type") == nil && !strings.HasPrefix(key.Value, "envoy.") {
			if value = l.readRouteConfig(p, join(path, key.Value), key.Value, value); value == nil {
				continue
			}
		}
		kept = append(kept, key, value)
	}
	n.Content = kept
}

// readRouteConfig makes Envoy's form of what a route says to the filter of that name. It
// returns nil after a problem.
func (l *listener) readRouteConfig(p *parser, path, entryName string, n *yaml.Node) *yaml.Node {
	name, own := l.ownFilters[entryName]
	if !own {
		p.problems.add(path, n.Line, "no filter of Meltemi on this listener is named %q%s", entryName,
			suggestion(entryName, slices.Sorted(maps.Keys(l.ownFilters))))
		return nil
	}
	json, err := toJSON(n)
	if err == nil && p.check.Route != nil {
		err = p.check.Route(name, json)
	}
	if err != nil {
		p.problems.add(path, n.Line, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		return nil
	}
	return typedConfig(routeFilterType,
		entry{"dynamic_module_config", moduleConfig()},
		entry{"filter_name", filledString(name)},
		entry{"filter_config", stringValue(string(json))},
	)
}
