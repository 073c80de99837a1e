package migrate

import (
	zookeeperv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/zookeeper_proxy/v3"
	"google.golang.org/protobuf/types/known/structpb"
	"istio.io/api/networking/v1alpha3"
)

// counted gives clients of ZooKeeper and Kafka the filters that count what they say.
func (m *migration) counted(s *service) {
	if len(s.ports) == 0 || len(s.hosts) == 0 {
		return
	}
	p := &s.ports[0] // Aeraki looks at the first port alone
	prefix := cluster(s.hosts[0], p.number)
	var value *structpb.Struct
	var err error
	switch p.protocol {
	case protocolZooKeeper:
		value, err = typed("envoy.filters.network.zookeeper_proxy", &zookeeperv3.ZooKeeperProxy{StatPrefix: prefix})
	case protocolKafka:
		// Envoy's API module leaves the types of contrib out.
		value, err = structpb.NewStruct(map[string]any{
			"name": "envoy.filters.network.kafka_broker",
			"typed_config": map[string]any{
				"@type":       "type.googleapis.com/envoy.extensions.filters.network.kafka_broker.v3.KafkaBroker",
				"stat_prefix": prefix,
			},
		})
		m.note(s.doc, ToDo, "spec.ports[0].name", "only Envoy's contrib builds have the filter for Kafka; others refuse the listener: apply the EnvoyFilter where all proxies have it, and nowhere else")
	default:
		return
	}
	if err != nil {
		m.fail(s.doc.errorf("spec.ports[0]", "%w", err))
		return
	}
	m.note(s.doc, Changed, "spec.ports[0].name", "%s is counted beside clients alone, no longer beside servers too", p.protocol)
	m.emitFilter(s, p, onTCP(s, p, v1alpha3.EnvoyFilter_Patch_INSERT_BEFORE, value))
}
