package mesh

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Changes says what a reload from one mesh to another means.
type Changes struct {
	// Applied are the changes that Envoy takes while it runs, each as a phrase.
	Applied []string
	// Restart are the fields whose change only a restart of Envoy brings.
	Restart []string
}

// ChangesTo compares m, which runs, with next. started is the mesh that Envoy was
// started with, whose bootstrap is the one in force.
func (m *Mesh) ChangesTo(next, started *Mesh) (Changes, error) {
	var out Changes
	pinned := started.pinnedClusters()
	steps := []struct {
		format   string
		old, new map[string]*yaml.Node
		skip     func(name string) bool
		into     *[]string
	}{
		{"listener %s %s", m.listenerNodes(), next.listenerNodes(), nil, &out.Applied},
		{"routes of %s %s", m.routeNodes(), next.routeNodes(), func(name string) bool {
			// with their listener they come and go
			return m.routeNodes()[name] == nil || next.routeNodes()[name] == nil
		}, &out.Applied},
		{"cluster %s %s", m.clusterNodes(), next.clusterNodes(), func(name string) bool { return pinned[name] }, &out.Applied},
		{"cluster %s %s", started.clusterNodes(), next.clusterNodes(), func(name string) bool { return !pinned[name] }, &out.Restart},
		{"%s %s", entries(started.bootstrap), entries(next.bootstrap), nil, &out.Restart},
	}
	for _, step := range steps {
		phrases, err := compare(step.format, step.old, step.new, step.skip)
		if err != nil {
			return Changes{}, err
		}
		*step.into = append(*step.into, phrases...)
	}
	return out, nil
}

// compare makes a phrase of each name whose node was added, removed or changed.
func compare(format string, before, after map[string]*yaml.Node, skip func(string) bool) ([]string, error) {
	var phrases []string
	for _, name := range sortedNames(before, after) {
		if skip != nil && skip(name) {
			continue
		}
		was, is := before[name], after[name]
		switch {
		case was == nil:
			phrases = append(phrases, fmt.Sprintf(format, name, "added"))
		case is == nil:
			phrases = append(phrases, fmt.Sprintf(format, name, "removed"))
		default:
			same, err := equal(was, is)
			if err != nil {
				return nil, err
			}
			if !same {
				phrases = append(phrases, fmt.Sprintf(format, name, "changed"))
			}
		}
	}
	return phrases, nil
}

// equal tells whether two trees say the same.
func equal(a, b *yaml.Node) (bool, error) {
	left, err := toJSON(a)
	if err != nil {
		return false, err
	}
	right, err := toJSON(b)
	return bytes.Equal(left, right), err
}

func (m *Mesh) listenerNodes() map[string]*yaml.Node {
	nodes := map[string]*yaml.Node{}
	for _, l := range m.listeners {
		nodes[l.name] = l.render(servedRoutes)
	}
	return nodes
}

func (m *Mesh) routeNodes() map[string]*yaml.Node {
	nodes := map[string]*yaml.Node{}
	for _, l := range m.listeners {
		if routes := get(l.hcm, "route_config"); routes != nil {
			nodes[l.name] = routes
		}
	}
	return nodes
}

func (m *Mesh) clusterNodes() map[string]*yaml.Node {
	nodes := map[string]*yaml.Node{}
	for _, c := range m.clusters {
		nodes[c.name] = c.own
	}
	return nodes
}

// entries are the entries of a mapping by key.
func entries(n *yaml.Node) map[string]*yaml.Node {
	nodes := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		nodes[n.Content[i].Value] = n.Content[i+1]
	}
	return nodes
}

// sortedNames are the keys of both maps, each once.
func sortedNames(a, b map[string]*yaml.Node) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
