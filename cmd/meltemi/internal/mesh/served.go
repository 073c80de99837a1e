package mesh

import (
	"fmt"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
)

// xdsCluster is the cluster by which Envoy reaches the discovery service.
const xdsCluster = "meltemi_xds"

// Resources is what the discovery service serves: what can change while Envoy runs.
type Resources struct {
	Listeners []*listenerv3.Listener
	Routes    []*routev3.RouteConfiguration
	Clusters  []*clusterv3.Cluster
}

// Resources are the listeners, routes and clusters, the routes apart from their
// listeners so that a change of a route leaves connections alone. Clusters that are
// part of the bootstrap of started, the mesh that Envoy was started with, are not
// among them.
func (m *Mesh) Resources(started *Mesh) (Resources, error) {
	var out Resources
	pinned := started.pinnedClusters()
	for _, l := range m.listeners {
		message, err := read(l.render(servedRoutes), &listenerv3.Listener{})
		if err != nil {
			return Resources{}, fmt.Errorf("%s: %w", l.path, err)
		}
		out.Listeners = append(out.Listeners, message)
		routes := get(l.hcm, "route_config")
		if routes == nil {
			continue
		}
		config, err := read(routes, &routev3.RouteConfiguration{})
		if err != nil {
			return Resources{}, fmt.Errorf("%s: %w", join(l.path, "route_config"), err)
		}
		out.Routes = append(out.Routes, config)
	}
	for _, c := range m.clusters {
		if pinned[c.name] {
			continue
		}
		message, err := read(c.own, &clusterv3.Cluster{})
		if err != nil {
			return Resources{}, fmt.Errorf("%s: %w", c.path, err)
		}
		out.Clusters = append(out.Clusters, message)
	}
	return out, nil
}

// read reads n as a message of prototype's type.
func read[M proto.Message](n *yaml.Node, prototype M) (M, error) {
	message, err := readMessage(n, prototype)
	if err != nil {
		return prototype, err
	}
	typed, ok := message.(M)
	if !ok {
		return prototype, fmt.Errorf("read %T instead of %T", message, prototype)
	}
	return typed, nil
}

// Bootstrap is what Envoy is started with by `meltemi run`: everything that cannot
// change while it runs, and the way to the discovery service at socket. Without an
// admin address in the file, Envoy chooses a port of 127.0.0.1.
func (m *Mesh) Bootstrap(socket string) ([]byte, error) {
	fields := shallow(m.bootstrap)
	if get(get(fields, "admin"), "address") == nil {
		admin := mapping()
		if have := get(fields, "admin"); have != nil {
			admin = shallow(have)
		}
		address, _, err := parseAddress("127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		put(admin, "address", address)
		fields = withoutKey(fields, "admin")
		put(fields, "admin", admin)
	}
	put(fields, "dynamic_resources", mapping(
		entry{"ads_config", mapping(
			entry{"api_type", filledString("GRPC")},
			entry{"transport_api_version", filledString("V3")},
			entry{"grpc_services", list(mapping(entry{"envoy_grpc", mapping(entry{"cluster_name", filledString(xdsCluster)})}))},
		)},
		entry{"lds_config", adsSource()},
		entry{"cds_config", adsSource()},
	))
	clusters := list()
	pinned := m.pinnedClusters()
	for _, c := range m.clusters {
		if pinned[c.name] {
			clusters.Content = append(clusters.Content, c.own)
		}
	}
	clusters.Content = append(clusters.Content, discoveryCluster(socket))
	return toYAML(withStatic(fields, list(), clusters))
}

// adsSource says that a resource comes from the aggregated discovery service.
func adsSource() *yaml.Node {
	return mapping(entry{"ads", mapping()}, entry{"resource_api_version", filledString("V3")})
}

// discoveryCluster is the discovery service behind a unix socket.
func discoveryCluster(socket string) *yaml.Node {
	return mapping(
		entry{"name", filledString(xdsCluster)},
		entry{"type", filledString("STATIC")},
		entry{"connect_timeout", filledString(connectTimeout)},
		entry{"typed_extension_protocol_options", mapping(entry{httpOptions, typedConfig(httpOptions,
			entry{"explicit_http_config", mapping(entry{"http2_protocol_options", mapping()})})})},
		entry{"load_assignment", mapping(
			entry{"cluster_name", filledString(xdsCluster)},
			entry{"endpoints", list(mapping(entry{"lb_endpoints", list(mapping(entry{"endpoint", mapping(
				entry{"address", mapping(entry{"pipe", mapping(entry{"path", filledString(socket)})})})}))}))},
		)},
	)
}
