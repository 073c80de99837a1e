package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/peers"
)

// TestCounted has Envoy count what clients of ZooKeeper say. Its filter for Kafka is one of
// contrib builds: stock ones refuse the listener, and go on with the others.
func TestCounted(t *testing.T) {
	const zooKeeperPort, kafkaPort = 2181, 9092
	server := peers.StartZooKeeper(t)
	m := startMesh(t)
	address := m.service("zookeeper", "tcp-zookeeper", zooKeeperPort, server.Port)
	m.migrate()
	for _, version := range versions {
		p := m.startProxy(t, version, "sidecar")
		p.awaitFilter(address, zooKeeperPort, "envoy.filters.network.zookeeper_proxy")
		at, node := fmt.Sprintf("%s:%d", address, zooKeeperPort), "/by-"+version
		if got := peers.AskZooKeeper(t, at, "create", node, "value"); !strings.Contains(got, "Created "+node) {
			t.Errorf("%s: create: %s", version, got)
		}
		if got := peers.AskZooKeeper(t, at, "get", node); !strings.Contains(got, "value") {
			t.Errorf("%s: get: %s", version, got)
		}
		if got := peers.AskZooKeeper(t, "127.0.0.1:"+server.Port, "ls", "/"); !strings.Contains(got, node[1:]) {
			t.Errorf("%s: the server has %s", version, got)
		}
		for stat, want := range map[string]int{"connect_rq": 2, "connect_resp": 2, "create_rq": 1, "getdata_rq": 1, "decoder_error": 0} {
			stat = fmt.Sprintf("outbound|%d||zookeeper.shop.svc.cluster.local.zookeeper.%s", zooKeeperPort, stat)
			if got := p.stat(stat); got != want {
				t.Errorf("%s: %s=%d, want %d", version, stat, got, want)
			}
		}
		p.Stop() // the next one listens at the same address
	}

	m.service("kafka", "tcp-kafka", kafkaPort, "9")
	m.migrate()
	for _, version := range versions {
		p := m.startProxy(t, version, "sidecar")
		kube.Eventually(t, kube.Patience, func() string {
			if n := p.stat("listener_manager.lds.update_rejected"); n == 0 {
				return "no listener was refused"
			}
			return ""
		})
		if log := p.Output(); !strings.Contains(log, "Didn't find a registered implementation for 'envoy.filters.network.kafka_broker'") {
			t.Errorf("%s:\n%s", version, log)
		}
		if got := peers.AskZooKeeper(t, fmt.Sprintf("%s:%d", address, zooKeeperPort), "ls", "/"); !strings.Contains(got, "zookeeper") {
			t.Errorf("%s: %s", version, got)
		}
		p.Stop()
	}
}
