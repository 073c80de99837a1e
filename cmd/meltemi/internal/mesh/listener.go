package mesh

import (
	"slices"
	"strings"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"go.yaml.in/yaml/v3"
)

// listener is an entry of listeners. It is either verbatim, Envoy's Listener with
// filter chains of the user's own, or made of an HTTP connection manager's fields,
// with a codec in front or without.
type listener struct {
	path string
	line int
	name string

	codec           *codec
	own             *yaml.Node // the fields of Envoy's Listener
	hcm             *yaml.Node // the fields of the connection manager; nil: verbatim
	transportSocket *yaml.Node // of the filter chain, may be nil
	filtersKey      string     // what the user calls http_filters
	ownFilters      ownFilters
	routing         routing
}

// readListener takes the entry n apart and checks each part by its schema. It
// returns nil after a problem.
func readListener(p *parser, path string, n *yaml.Node) *listener {
	before := len(p.problems)
	l := &listener{path: path, line: n.Line, own: mapping(), filtersKey: "http_filters"}
	l.own.Line = n.Line
	if get(n, "filter_chains") == nil && get(n, "filterChains") == nil {
		l.hcm = mapping()
		l.hcm.Line = n.Line
	}
	s := &schema{problems: &p.problems, visit: l.routing.visit}
	for i := 0; i+1 < len(n.Content); i += 2 {
		l.readField(p, s, n.Content[i], n.Content[i+1])
	}
	s.fields(path, l.own, listenerDescriptor(), "address")
	if l.hcm != nil {
		l.readOwnFilters(p)
		s.fields(path, l.hcm, hcmDescriptor(), "http_filters")
		l.checkHCM(p)
	}
	p.requireName(path, n, l.name)
	if get(n, "address") == nil {
		p.problems.add(path, n.Line, "needs an address, such as 127.0.0.1:20880")
	}
	p.checkAddress(l)
	if len(p.problems) > before {
		return nil
	}
	p.found = append(p.found, s.found...)
	return l
}

// readField puts one field where it belongs.
func (l *listener) readField(p *parser, s *schema, key, value *yaml.Node) {
	path := join(l.path, key.Value)
	hcm, own := fieldOf(hcmDescriptor(), key.Value), fieldOf(listenerDescriptor(), key.Value)
	switch name := key.Value; {
	case isNull(value):
	case name == "name":
		l.name = text(value)
		add(l.own, key, value)
	case name == "address":
		if address := l.readAddress(p, s, path, value); address != nil {
			add(l.own, key, address)
		}
	case name == "codec" && l.hcm == nil:
		p.problems.add(path, key.Line, "cannot go together with filter_chains: the codec brings its own")
	case name == "codec":
		l.codec = readCodec(&p.problems, path, value, p.check.Codec)
	case l.hcm == nil && own != nil:
		add(l.own, key, value)
	case l.hcm == nil:
		p.problems.add(l.path, key.Line, "unknown field %q of a listener with filter_chains%s", name, suggestion(name, fieldNames(listenerDescriptor())))
	case name == "filters", hcm != nil && hcm.Name() == "http_filters":
		l.readFilters(p, s, path, key, value)
	case hcm != nil:
		add(l.hcm, key, value)
	case own != nil && own.Name() != "default_filter_chain" && own.Name() != "api_listener":
		add(l.own, key, value)
	case name == "transport_socket":
		s.field(path, value, fieldOf(chainDescriptor(), name))
		l.transportSocket = value
	default:
		known := slices.Concat([]string{"codec", "filters", "transport_socket"}, fieldNames(hcmDescriptor()), fieldNames(listenerDescriptor()))
		p.problems.add(l.path, key.Line, "unknown field %q%s", name, suggestion(name, known))
	}
}

// readAddress reads an address in its short or in Envoy's form.
func (l *listener) readAddress(p *parser, s *schema, path string, n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.ScalarNode {
		s.message(path, n, addressDescriptor())
		return n
	}
	address, isName, err := parseAddress(n.Value)
	switch {
	case err != nil:
		p.problems.add(path, n.Line, "%v", err)
	case isName:
		p.problems.add(path, n.Line, "%q is a name; a listener needs an IP address, such as 127.0.0.1 or 0.0.0.0", n.Value)
	}
	return address
}

// readFilters reads the HTTP filters, under either of the names.
func (l *listener) readFilters(p *parser, s *schema, path string, key, value *yaml.Node) {
	if get(l.hcm, "http_filters") != nil {
		p.problems.add(path, key.Line, "cannot go together with %s", l.filtersKey)
		return
	}
	l.filtersKey = key.Value
	if value.Kind != yaml.SequenceNode {
		p.problems.add(path, value.Line, "want a list, got %s", kindOf(value))
		return
	}
	for i, f := range value.Content {
		checkFilter(p, s, index(path, i), f, i == len(value.Content)-1)
	}
	put(l.hcm, "http_filters", value)
}

// checkHCM checks what no schema says.
func (l *listener) checkHCM(p *parser) {
	if get(l.hcm, "route_config") == nil && get(l.hcm, "rds") == nil && get(l.hcm, "scoped_routes") == nil {
		p.problems.add(l.path, l.line, "needs a route_config")
	}
	if l.codec != nil {
		checkCodecHCM(&p.problems, l.path, l)
	}
}

// fill adds what the user left out.
func (l *listener) fill(p *parser) {
	if l.hcm == nil {
		return
	}
	if l.codec != nil {
		l.routing.fillTimeouts(&p.warnings)
		fillCodecHCM(l)
	}
	fillHCM(l)
}

// checkRules asks the rules of Envoy's API, after fill.
func (l *listener) checkRules(p *parser) {
	var found problems
	if l.hcm != nil {
		checkRules(&found, typed{l.path, l.hcm, &hcmv3.HttpConnectionManager{}})
	}
	checkRules(&found, typed{l.path, l.render(inlineRoutes), &listenerv3.Listener{}})
	for _, problem := range found {
		problem.Path = strings.Replace(problem.Path, l.path+".http_filters", l.path+"."+l.filtersKey, 1)
		p.problems = append(p.problems, problem)
	}
}

// Where the routes of a listener come from.
type routeSource bool

const (
	inlineRoutes routeSource = false
	servedRoutes routeSource = true // by the aggregated discovery service
)

// render is the listener as Envoy wants it.
func (l *listener) render(source routeSource) *yaml.Node {
	if l.hcm == nil {
		return l.own
	}
	hcm := typedConfig(hcmType)
	for i := 0; i+1 < len(l.hcm.Content); i += 2 {
		key, value := l.hcm.Content[i], l.hcm.Content[i+1]
		if key.Value == "route_config" && source == servedRoutes {
			put(hcm, "rds", mapping(
				entry{"route_config_name", filledString(text(get(value, "name")))},
				entry{"config_source", adsSource()},
			))
			continue
		}
		add(hcm, key, value)
	}
	filters := list()
	if l.codec != nil {
		filters.Content = append(filters.Content, l.codec.networkFilter())
	}
	filters.Content = append(filters.Content, mapping(entry{"name", filledString(hcmName)}, entry{"typed_config", hcm}))
	out := shallow(l.own)
	put(out, "filter_chains", list(mapping(entry{"filters", filters}, entry{"transport_socket", l.transportSocket})))
	return out
}

// add adds an entry with the key node that it had.
func add(n *yaml.Node, key, value *yaml.Node) {
	n.Content = append(n.Content, key, value)
}
