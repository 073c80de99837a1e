package mesh

import (
	"slices"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	"go.yaml.in/yaml/v3"
)

// readBootstrap checks the fields of the file that are Envoy's Bootstrap.
func readBootstrap(p *parser, fields *yaml.Node) {
	kept := fields.Content[:0]
	for i := 0; i+1 < len(fields.Content); i += 2 {
		key, value := fields.Content[i], fields.Content[i+1]
		fd := fieldOf(bootstrapDescriptor(), key.Value)
		switch {
		case fd == nil:
			known := slices.Concat([]string{"listeners", "clusters"}, fieldNames(bootstrapDescriptor()))
			p.problems.add("", key.Line, "unknown field %q%s", key.Value, suggestion(key.Value, known))
			continue
		case fd.Name() == "dynamic_resources":
			p.problems.add(key.Value, key.Line, "cannot be set: meltemi run itself serves Envoy its listeners, routes and clusters")
			continue
		case fd.Name() == "static_resources":
			for _, name := range []string{"listeners", "clusters"} {
				if inner := get(value, name); inner != nil {
					p.problems.add(join(key.Value, name), inner.Line, "belongs to the top of the file, under %s", name)
				}
			}
		}
		kept = append(kept, key, value)
	}
	fields.Content = kept
	before := len(p.problems)
	s := &schema{problems: &p.problems}
	s.fields("", fields, bootstrapDescriptor(), "")
	if len(p.problems) > before {
		return
	}
	node := sub(fields, "node")
	fill(node, "id", filledString(moduleName))
	fill(node, "cluster", filledString(moduleName))
	checkRules(&p.problems, typed{"", fields, &bootstrapv3.Bootstrap{}})
	p.found = append(p.found, s.found...)
}

// withStatic is the bootstrap fields with listeners and clusters among the static
// resources.
func withStatic(fields *yaml.Node, listeners, clusters *yaml.Node) *yaml.Node {
	out := mapping()
	for i := 0; i+1 < len(fields.Content); i += 2 {
		if fields.Content[i].Value != "static_resources" {
			add(out, fields.Content[i], fields.Content[i+1])
		}
	}
	static := mapping()
	if have := get(fields, "static_resources"); have != nil {
		static = shallow(have)
	}
	if len(listeners.Content) > 0 {
		put(static, "listeners", listeners)
	}
	if len(clusters.Content) > 0 {
		put(static, "clusters", clusters)
	}
	put(out, "static_resources", static)
	return out
}
