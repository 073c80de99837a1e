package mesh

import (
	"slices"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	"go.yaml.in/yaml/v3"
)

// httpOptions is the key and the type of a cluster's HTTP options.
const httpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

// connectTimeout is shorter than Envoy's 5 s: callers of RPC rarely wait that long
// for the whole call.
const connectTimeout = "1s"

// cluster is an entry of clusters: Envoy's Cluster, and what Meltemi adds.
type cluster struct {
	path  string
	line  int
	name  string
	codec *codec
	own   *yaml.Node // the fields of Envoy's Cluster
}

// readCluster takes the entry n apart and checks it by its schema. It returns nil
// after a problem.
func readCluster(p *parser, path string, n *yaml.Node) *cluster {
	before := len(p.problems)
	c := &cluster{path: path, line: n.Line, own: mapping()}
	c.own.Line = n.Line
	var endpoints *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch at := join(path, key.Value); {
		case isNull(value):
		case key.Value == "codec":
			c.codec = readCodec(&p.problems, at, value, p.check.Codec)
			if c.codec != nil && c.codec.auto {
				p.problems.add(at, value.Line, "auto is for listeners: a cluster speaks one protocol; use name")
			}
		case key.Value == "endpoints":
			endpoints = value
		case fieldOf(clusterDescriptor(), key.Value) == nil:
			known := slices.Concat([]string{"codec", "endpoints"}, fieldNames(clusterDescriptor()))
			p.problems.add(path, key.Line, "unknown field %q%s", key.Value, suggestion(key.Value, known))
		default:
			add(c.own, key, value)
		}
	}
	s := &schema{problems: &p.problems}
	s.fields(path, c.own, clusterDescriptor(), "")
	c.name = text(get(c.own, "name"))
	p.requireName(path, n, c.name)
	c.check(p, n, endpoints)
	if len(p.problems) > before {
		return nil
	}
	p.found = append(p.found, s.found...)
	return c
}

// check checks what no schema says, and reads the endpoints.
func (c *cluster) check(p *parser, n, endpoints *yaml.Node) {
	if c.name == xdsCluster {
		p.problems.add(join(c.path, "name"), get(n, "name").Line, "%q is taken: meltemi run serves Envoy from a cluster of that name", xdsCluster)
	}
	if up := get(c.own, "upstream_config"); up != nil && c.codec != nil {
		p.problems.add(join(c.path, "upstream_config"), up.Line, "cannot go together with codec, which puts the bridge there")
	}
	assigned := get(c.own, "load_assignment")
	switch {
	case endpoints != nil && assigned != nil:
		p.problems.add(join(c.path, "endpoints"), endpoints.Line, "cannot go together with load_assignment")
	case endpoints != nil:
		c.readEndpoints(p, endpoints)
	case assigned == nil && get(c.own, "type") == nil && get(c.own, "cluster_type") == nil:
		p.problems.add(c.path, c.line, "needs endpoints, such as [127.0.0.1:20880], or Envoy's load_assignment or type")
	}
}

// readEndpoints reads the short form of load_assignment: a list of host:port.
func (c *cluster) readEndpoints(p *parser, n *yaml.Node) {
	path := join(c.path, "endpoints")
	if len(items(n)) == 0 {
		p.problems.add(path, n.Line, "want a list of host:port, got %s", kindOf(n))
		return
	}
	discovery, hosts := "STATIC", list()
	for i, item := range n.Content {
		address, isName, err := parseAddress(text(item))
		if err != nil {
			p.problems.add(index(path, i), item.Line, "%v", err)
			continue
		}
		if isName {
			discovery = "STRICT_DNS"
		}
		hosts.Content = append(hosts.Content, mapping(entry{"endpoint", mapping(entry{"address", address})}))
	}
	if get(c.own, "cluster_type") == nil {
		fill(c.own, "type", filledString(discovery))
	}
	put(c.own, "load_assignment", mapping(entry{"endpoints", list(mapping(entry{"lb_endpoints", hosts}))}))
}

// fill adds what the user left out.
func (c *cluster) fill() {
	fill(c.own, "connect_timeout", filledString(connectTimeout))
	if assignment := get(c.own, "load_assignment"); assignment != nil {
		fill(assignment, "cluster_name", filledString(c.name))
	}
	if c.codec != nil {
		put(c.own, "upstream_config", c.codec.bridge())
		return
	}
	if options := c.http2Options(); options != nil {
		common := sub(options, "common_http_protocol_options")
		fill(common, "max_headers_count", filledInt(maxHeaders))
		fill(common, "max_response_headers_kb", filledInt(maxHeaderKB))
	}
}

// http2Options is where the cluster says that it speaks HTTP/2, nil if it does not.
func (c *cluster) http2Options() *yaml.Node {
	options := dig(c.own, "typed_extension_protocol_options", httpOptions)
	if dig(options, "explicit_http_config", "http2_protocol_options") != nil ||
		get(options, "use_downstream_protocol_config") != nil || get(options, "auto_config") != nil {
		return options
	}
	if get(c.own, "http2_protocol_options") != nil { // deprecated, still read
		return c.own
	}
	return nil
}

// checkRules asks the rules of Envoy's API, after fill.
func (c *cluster) checkRules(p *parser) {
	checkRules(&p.problems, typed{c.path, c.own, &clusterv3.Cluster{}})
}
