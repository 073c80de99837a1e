package mesh

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Mesh is a mesh file that was read, checked and completed. It does not change.
type Mesh struct {
	bootstrap *yaml.Node // the fields of Envoy's Bootstrap
	listeners []*listener
	clusters  []*cluster
	warnings  []Problem
}

// Check judges what the shared library will be given. What is nil lets everything pass.
type Check struct {
	Codec  CheckCodec
	Filter CheckFilter // an HTTP filter of the module
	Route  CheckFilter // what a route says to one
}

// Parse reads a mesh file. The error, if any, is an *InvalidError: everything
// that is wrong, not only the first thing.
func Parse(file []byte, check Check) (*Mesh, error) {
	root, found := load(file)
	if err := found.err(); err != nil {
		return nil, err
	}
	p := &parser{check: check, names: map[string]string{}, unread: map[string]bool{}}
	m := p.mesh(root)
	if err := p.problems.err(); err != nil {
		return nil, err
	}
	m.warnings = p.warnings.sorted()
	return m, nil
}

// Warnings is what looks wrong and may yet be meant.
func (m *Mesh) Warnings() []Problem { return m.warnings }

// NeedsModule tells whether any part runs in the shared library.
func (m *Mesh) NeedsModule() bool {
	for _, l := range m.listeners {
		if l.codec != nil || len(l.ownFilters) > 0 {
			return true
		}
	}
	for _, c := range m.clusters {
		if c.codec != nil {
			return true
		}
	}
	return false
}

// ListenerNames are the names of the listeners, in the order of the file.
func (m *Mesh) ListenerNames() []string {
	names := make([]string, len(m.listeners))
	for i, l := range m.listeners {
		names[i] = l.name
	}
	return names
}

// parser collects what is found while a file is read.
type parser struct {
	check    Check
	problems problems
	warnings problems
	found    []typed
	names    map[string]string // path of each name and address, by kind/name
	unread   map[string]bool   // clusters that are there but have problems
}

func (p *parser) mesh(root *yaml.Node) *Mesh {
	m := &Mesh{bootstrap: mapping()}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch key.Value {
		case "listeners":
			p.each(key.Value, value, func(path string, n *yaml.Node) {
				if l := readListener(p, path, n); l != nil {
					m.listeners = append(m.listeners, l)
				}
			})
		case "clusters":
			p.each(key.Value, value, func(path string, n *yaml.Node) {
				if c := readCluster(p, path, n); c != nil {
					m.clusters = append(m.clusters, c)
				} else {
					p.unread[text(get(n, "name"))] = true
				}
			})
		default:
			add(m.bootstrap, key, value)
		}
	}
	if len(items(get(root, "listeners"))) == 0 {
		p.problems.add("listeners", 0, "the file needs at least one listener")
	}
	readBootstrap(p, m.bootstrap)
	p.checkReferences(m)
	p.complete(m)
	return m
}

// each calls read for each mapping in the list n.
func (p *parser) each(path string, n *yaml.Node, read func(path string, n *yaml.Node)) {
	if n.Kind != yaml.SequenceNode && !isNull(n) {
		p.problems.add(path, n.Line, "want a list, got %s", kindOf(n))
	}
	for i, item := range items(n) {
		if item.Kind != yaml.MappingNode {
			p.problems.add(index(path, i), item.Line, "want a mapping, got %s", kindOf(item))
			continue
		}
		read(index(path, i), item)
	}
}

// requireName notes a missing name, and one that another entry of the list has.
func (p *parser) requireName(path string, n *yaml.Node, name string) {
	if name == "" {
		p.problems.add(path, n.Line, "needs a name")
		return
	}
	kind, _, _ := strings.Cut(path, "[")
	if first, ok := p.names[kind+"/"+name]; ok {
		p.problems.add(join(path, "name"), get(n, "name").Line, "%q is the name of %s", name, first)
		return
	}
	p.names[kind+"/"+name] = path
}

// checkAddress notes an address that another listener has: Envoy refuses the second.
// Any number of listeners can let the system choose their ports.
func (p *parser) checkAddress(l *listener) {
	address := get(l.own, "address")
	if address == nil || text(dig(address, "socket_address", "port_value")) == "0" {
		return
	}
	text, err := toJSON(address)
	if err != nil {
		return // the schema said so
	}
	if first, ok := p.names["address/"+string(text)]; ok {
		p.problems.add(join(l.path, "address"), l.line, "is the address of %s", first)
		return
	}
	p.names["address/"+string(text)] = l.path
}

// complete fills in what the user left out, then asks the rules of Envoy's API.
func (p *parser) complete(m *Mesh) {
	routes := map[string]string{} // path of the listener, by the name of its routes
	for _, l := range m.listeners {
		l.fill(p)
		l.checkRules(p)
		name := get(get(l.hcm, "route_config"), "name")
		if name == nil {
			continue
		}
		if first, ok := routes[name.Value]; ok {
			p.problems.add(l.path+".route_config.name", name.Line, "%q is the name of %s.route_config", name.Value, first)
		}
		routes[name.Value] = l.path
	}
	for _, c := range m.clusters {
		c.fill()
		c.checkRules(p)
	}
	for _, t := range p.found {
		checkRules(&p.problems, t)
	}
}
