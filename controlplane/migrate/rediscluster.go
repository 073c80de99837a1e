package migrate

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	clustersv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/clusters/redis/v3"
	redisv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/redis_proxy/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"istio.io/api/networking/v1alpha3"
)

// redisCluster is the name of the cluster for a Redis: Istio's, or our own for a Redis that
// tells its nodes itself.
func (m *migration) redisCluster(host string, port uint32, namespace string) string {
	if said := m.redisUpstreams[namespace+"/"+host]; said != nil && isCluster(&said.spec) {
		return "redis-" + cluster(host, port)
	}
	return cluster(host, port)
}

func isCluster(u *redisUpstream) bool {
	return u.TrafficPolicy != nil && u.TrafficPolicy.ConnectionPool != nil && u.TrafficPolicy.ConnectionPool.Redis != nil &&
		u.TrafficPolicy.ConnectionPool.Redis.Mode == "CLUSTER"
}

// redisClusters are the patches for the cluster of a service: keys are spread by Maglev, and
// what a RedisDestination says.
func (m *migration) redisClusters(s *service, p *port) ([]*patch, error) {
	said := firstOf(m.redisUpstreams, s)
	pool := &redisPool{}
	if said != nil && said.spec.TrafficPolicy != nil && said.spec.TrafficPolicy.ConnectionPool != nil {
		pool = said.spec.TrafficPolicy.ConnectionPool
	}
	mode := pool.Redis
	if mode == nil {
		mode = &redisMode{}
	}
	d := s.doc
	if said != nil {
		d = said.doc
	}
	change := &clusterv3.Cluster{LbPolicy: clusterv3.Cluster_MAGLEV}
	if user, password := m.redisLogin(d, "spec.trafficPolicy.connectionPool.redis.auth", mode.Auth); password != "" {
		login := &redisv3.RedisProtocolOptions{AuthPassword: inline(password)}
		if user != "" {
			login.AuthUsername = inline(user)
		}
		packed, err := anypb.New(login)
		if err != nil {
			return nil, d.errorf("spec", "%w", err)
		}
		change.TypedExtensionProtocolOptions = map[string]*anypb.Any{redisFilter: packed}
	}
	switch mode.Mode {
	case "", "PROXY":
		m.redisRule(d, s, pool)
		return clusterPatch(d, v1alpha3.EnvoyFilter_Patch_MERGE, s.hosts[0], p.number, change)
	case "CLUSTER":
		if err := m.redisNodes(d, s.hosts[0], p.number, pool, change); err != nil {
			return nil, err
		}
		return clusterPatch(d, v1alpha3.EnvoyFilter_Patch_ADD, "", 0, change)
	}
	return nil, d.errorf("spec.trafficPolicy.connectionPool.redis.mode", "%q is neither PROXY nor CLUSTER", mode.Mode)
}

// clusterPatch merges into the cluster of a host, or, without a host, adds one.
func clusterPatch(d *document, operation v1alpha3.EnvoyFilter_Patch_Operation, host string, number uint32, c *clusterv3.Cluster) ([]*patch, error) {
	value, err := asStruct(c)
	if err != nil {
		return nil, d.errorf("spec", "%w", err)
	}
	match := &v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch{Context: v1alpha3.EnvoyFilter_SIDECAR_OUTBOUND}
	if host != "" {
		match.ObjectTypes = &v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch_Cluster{Cluster: &v1alpha3.EnvoyFilter_ClusterMatch{Service: host, PortNumber: number}}
	}
	return []*patch{{ApplyTo: v1alpha3.EnvoyFilter_CLUSTER, Match: match, Patch: &v1alpha3.EnvoyFilter_Patch{Operation: operation, Value: value}}}, nil
}

// redisRule is a DestinationRule: Redis is spoken to without mTLS, as by Aeraki, and with
// what is said of connections.
func (m *migration) redisRule(d *document, s *service, pool *redisPool) {
	rule := &v1alpha3.DestinationRule{Host: s.hosts[0], TrafficPolicy: &v1alpha3.TrafficPolicy{
		Tls: &v1alpha3.ClientTLSSettings{Mode: v1alpha3.ClientTLSSettings_DISABLE},
	}}
	if len(pool.TCP) > 0 {
		tcp, err := tcpSettings(d, pool.TCP)
		if err != nil {
			m.fail(err)
			return
		}
		rule.TrafficPolicy.ConnectionPool = &v1alpha3.ConnectionPoolSettings{Tcp: tcp}
	}
	m.emit(s.doc, networkingV1, "DestinationRule", s.doc.name+"-redis", s.doc.written, rule)
	for _, other := range m.input.documents {
		if host := at(other.node, "spec", "host"); other.is(groupNetworking, "DestinationRule") && host != nil &&
			slices.Contains(m.servicesOf(host.Value, other.namespace), s) {
			m.note(other, ToDo, "spec.trafficPolicy", "it and the new DestinationRule %s-redis have one host, of whose policies Istio takes one: put them together", s.doc.name)
		}
	}
}

func tcpSettings(d *document, from map[string]any) (*v1alpha3.ConnectionPoolSettings_TCPSettings, error) {
	tcp := &v1alpha3.ConnectionPoolSettings_TCPSettings{}
	text, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(text, tcp)
	}
	if err != nil {
		return nil, d.errorf("spec.trafficPolicy.connectionPool.tcp", "%w", err)
	}
	return tcp, nil
}

// redisNodes makes a cluster of its own that asks the Redis for its nodes.
func (m *migration) redisNodes(d *document, host string, number uint32, pool *redisPool, c *clusterv3.Cluster) error {
	kind, err := anypb.New(&clustersv3.RedisClusterConfig{})
	if err != nil {
		return d.errorf("spec", "%w", err)
	}
	c.Name, c.LbPolicy = "redis-"+cluster(host, number), clusterv3.Cluster_CLUSTER_PROVIDED
	c.ConnectTimeout = durationpb.New(10 * time.Second) // as in Aeraki
	c.ClusterDiscoveryType = &clusterv3.Cluster_ClusterType{ClusterType: &clusterv3.Cluster_CustomClusterType{Name: "envoy.clusters.redis", TypedConfig: kind}}
	ends := pool.Redis.DiscoveryEndpoints
	if len(ends) == 0 {
		ends = []string{host}
	}
	nodes := &endpointv3.LocalityLbEndpoints{}
	for i, end := range ends {
		address, port := end, number
		if h, p, err := net.SplitHostPort(end); err == nil {
			n, err := strconv.ParseUint(p, 10, 16)
			if err != nil || n == 0 || h == "" {
				return d.errorf(fmt.Sprintf("spec.trafficPolicy.connectionPool.redis.discoveryEndpoints[%d]", i), "%q is no HOST:PORT", end)
			}
			address, port = h, uint32(n)
		}
		nodes.LbEndpoints = append(nodes.LbEndpoints, &endpointv3.LbEndpoint{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{
			Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
				Address: address, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
			}}},
		}}})
	}
	c.LoadAssignment = &endpointv3.ClusterLoadAssignment{ClusterName: c.Name, Endpoints: []*endpointv3.LocalityLbEndpoints{nodes}}
	tcp, err := tcpSettings(d, pool.TCP)
	if err != nil {
		return err
	}
	if tcp.GetConnectTimeout() != nil {
		c.ConnectTimeout = tcp.GetConnectTimeout()
	}
	if n := tcp.GetMaxConnections(); n > 0 {
		c.CircuitBreakers = &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{MaxConnections: wrapperspb.UInt32(uint32(n))}}}
	}
	if k := tcp.GetTcpKeepalive(); k != nil {
		c.UpstreamConnectionOptions = &clusterv3.UpstreamConnectionOptions{TcpKeepalive: &corev3.TcpKeepalive{
			KeepaliveProbes: positive(k.GetProbes()), KeepaliveTime: positive(uint32(k.GetTime().GetSeconds() & 0x7fffffff)), KeepaliveInterval: positive(uint32(k.GetInterval().GetSeconds() & 0x7fffffff)),
		}}
	}
	if err := c.ValidateAll(); err != nil {
		return d.errorf("spec", "%w", err)
	}
	return nil
}

// positive is a number that is said, nil for 0.
func positive(n uint32) *wrapperspb.UInt32Value {
	if n == 0 {
		return nil
	}
	return wrapperspb.UInt32(n)
}

// redisUnused notes what is said of a Redis that the input does not have.
func (m *migration) redisUnused(d *document) {
	if !m.redisRead[d] {
		return // it is an error already
	}
	for _, s := range m.services {
		for i := range s.ports {
			if s.ports[i].protocol == protocolRedis && m.saysOf(d, s) {
				return
			}
		}
	}
	m.note(d, Dropped, "spec.host", "no Service or ServiceEntry in namespace %s of the input has this host and a port tcp-redis", d.namespace)
}

func (m *migration) saysOf(d *document, s *service) bool {
	if said := firstOf(m.redisServices, s); said != nil && said.doc == d {
		return true
	}
	said := firstOf(m.redisUpstreams, s)
	return said != nil && said.doc == d
}
