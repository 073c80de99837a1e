package mesh

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// YAML is Envoy's complete configuration with static resources, for `envoy -c`.
// Each value that was filled in has the comment "# meltemi".
func (m *Mesh) YAML() ([]byte, error) {
	return toYAML(m.static())
}

// JSON is the same configuration in JSON, which has no comments.
func (m *Mesh) JSON() ([]byte, error) {
	compact, err := toJSON(m.static())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// static is the bootstrap with all listeners and clusters in it.
func (m *Mesh) static() *yaml.Node {
	listeners, clusters := list(), list()
	for _, l := range m.listeners {
		listeners.Content = append(listeners.Content, l.render(inlineRoutes))
	}
	for _, c := range m.clusters {
		clusters.Content = append(clusters.Content, c.own)
	}
	return withStatic(m.bootstrap, listeners, clusters)
}

// toYAML prints n in block style.
func toYAML(n *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(block(n)); err != nil {
		return nil, err
	}
	if err := encoder.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// block is a copy of n in which only empty lists and mappings are in flow style: a
// comment needs a line of its own value.
func block(n *yaml.Node) *yaml.Node {
	out := *n
	if out.Kind != yaml.ScalarNode {
		out.Style = 0
		if len(n.Content) == 0 {
			out.Style = yaml.FlowStyle
			if n.Line == 0 { // not in the file
				out.LineComment = mark
			}
		}
	}
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		out.Content[i] = block(child)
	}
	return &out
}
