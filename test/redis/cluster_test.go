package redis

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/peers"
)

const clusterKeys = 40

// cluster has a Redis of three nodes with a replica each, which tells Envoy its nodes.
// Clients know nothing of it. Services for its readers lead there too, and one that knows
// a single node and follows where that sends it.
func cluster(m *mesh) check {
	nodes := startCluster(m.t, 6)
	address := m.service("cluster", "tcp-redis", redisPort, nodes[0].Port)
	m.aeraki(`
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisDestination
metadata: {name: cluster, namespace: shop}
spec:
  host: cluster.shop.svc.cluster.local
  trafficPolicy:
    connectionPool:
      tcp: {connectTimeout: 5s}
      redis: {mode: CLUSTER, discoveryEndpoints: ["127.0.0.1:%s"], auth: {plain: {username: proxy, password: of-server}}}`, nodes[1].Port)
	readers := map[string]string{}
	for policy, name := range map[string]string{
		"MASTER": "master", "PREFER_MASTER": "prefer-master", "REPLICA": "replica", "PREFER_REPLICA": "prefer-replica",
	} {
		readers[policy] = m.service(name, "tcp-redis", redisPort, nodes[0].Port)
		m.aeraki(`
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisService
metadata: {name: %[1]s, namespace: shop}
spec:
  host: [%[1]s.shop.svc.cluster.local]
  settings: {readPolicy: %[2]s}
  redis: [{route: {host: cluster.shop.svc.cluster.local}}]`, name, policy)
	}
	still, follows := m.service("still", "tcp-redis", redisPort, nodes[0].Port), m.service("follows", "tcp-redis", redisPort, nodes[0].Port)
	m.aeraki(`
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisService
metadata: {name: follows, namespace: shop}
spec:
  host: [follows.shop.svc.cluster.local]
  settings: {enableRedirection: true}`)
	return func(t *testing.T, _ *proxy) {
		primaries, replicas := roles(t, nodes)
		for _, node := range primaries {
			node.Do("FLUSHALL")
		}
		clusterWrites(t, to(address), primaries)
		for policy, reader := range readers {
			with, without := primaries, replicas
			if strings.HasSuffix(policy, "REPLICA") {
				with, without = replicas, primaries
			}
			clusterReads(t, policy, to(reader), with, without)
		}
		for _, node := range nodes {
			if got := node.Do("CLIENT", "LIST"); !strings.Contains(got, " user=proxy ") {
				t.Errorf("node %s: the proxy did not log in:\n%s", node.Port, got)
			}
		}
		moved := 0
		for i := range clusterKeys {
			key := fmt.Sprintf("key-%d", i)
			if strings.HasPrefix(to(still).do(t, "GET", key), "MOVED ") {
				moved++
			}
			to(follows).must(t, strconv.Itoa(i), "GET", key)
		}
		if moved == 0 {
			t.Error("the node that is known has all keys")
		}
	}
}

// clusterWrites writes keys, which have to come where they belong.
func clusterWrites(t *testing.T, c client, primaries []*peers.Redis) {
	t.Helper()
	for _, node := range primaries {
		node.Do("CONFIG", "RESETSTAT")
	}
	// Envoy asks for the nodes when it starts, and may still be about it.
	kube.Eventually(t, kube.Patience, func() string {
		if got := c.do(t, "SET", "key-0", "0"); got != "OK" {
			return got
		}
		return ""
	})
	for i := range clusterKeys {
		c.must(t, "OK", "SET", fmt.Sprintf("key-%d", i), strconv.Itoa(i))
	}
	total := 0
	for _, node := range primaries {
		n, err := strconv.Atoi(node.Do("DBSIZE"))
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			t.Errorf("node %s has no key", node.Port)
		}
		total += n
		if errors := node.Do("INFO", "errorstats"); strings.Contains(errors, "MOVED") {
			t.Errorf("node %s got a key of another: %s", node.Port, errors)
		}
	}
	if total != clusterKeys {
		t.Errorf("the nodes have %d keys, want %d", total, clusterKeys)
	}
}

// clusterReads reads the keys, and tells which nodes have to have been asked. Envoy learns
// of replicas when it asks for the nodes again, each few seconds, so it is read until the
// right ones are asked.
func clusterReads(t *testing.T, policy string, c client, with, without []*peers.Redis) {
	t.Helper()
	kube.Eventually(t, kube.Patience, func() string {
		for _, node := range slices.Concat(with, without) {
			node.Do("CONFIG", "RESETSTAT")
		}
		for i := range clusterKeys {
			if got := c.do(t, "GET", fmt.Sprintf("key-%d", i)); got != strconv.Itoa(i) { // replicas follow a moment later
				return fmt.Sprintf("%s: key-%d is %q", policy, i, got)
			}
		}
		for _, node := range with {
			if calls(node, "get") == 0 {
				return fmt.Sprintf("%s: node %s got no reads", policy, node.Port)
			}
		}
		for _, node := range without {
			if n := calls(node, "get"); n != 0 {
				return fmt.Sprintf("%s: node %s got %d reads", policy, node.Port, n)
			}
		}
		return ""
	})
	for _, node := range slices.Concat(with, without) {
		if errors := node.Do("INFO", "errorstats"); strings.Contains(errors, "MOVED") {
			t.Errorf("%s: node %s got a key of another: %s", policy, node.Port, errors)
		}
	}
}

// startCluster starts nodes and makes them a cluster with a replica for each primary.
func startCluster(t *testing.T, n int) []*peers.Redis {
	t.Helper()
	nodes := make([]*peers.Redis, n)
	create := []string{"--cluster-yes", "--cluster", "create"}
	for i := range nodes {
		nodes[i] = peers.StartRedisNode(t, "--user", "proxy", "on", ">of-server", "~*", "&*", "+@all")
		create = append(create, "127.0.0.1:"+nodes[i].Port)
	}
	if out, err := exec.CommandContext(t.Context(), "redis-cli", append(create, "--cluster-replicas", "1")...).CombinedOutput(); err != nil {
		t.Fatalf("redis-cli --cluster create: %v\n%s", err, out)
	}
	kube.Eventually(t, kube.Patience, func() string {
		for _, node := range nodes {
			if info := node.Do("CLUSTER", "INFO"); !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", n)) {
				return node.Port + ": " + info
			}
			if info := node.Do("INFO", "replication"); !strings.Contains(info, "connected_slaves:1") && !strings.Contains(info, "master_link_status:up") {
				return node.Port + ": " + info
			}
		}
		return ""
	})
	return nodes
}

// roles tells primaries from replicas.
func roles(t *testing.T, nodes []*peers.Redis) (primaries, replicas []*peers.Redis) {
	t.Helper()
	for _, node := range nodes {
		if strings.Contains(node.Do("INFO", "replication"), "role:master") {
			primaries = append(primaries, node)
		} else {
			replicas = append(replicas, node)
		}
	}
	if len(primaries) != len(replicas) {
		t.Fatalf("there are %d primaries and %d replicas", len(primaries), len(replicas))
	}
	return primaries, replicas
}
