package redis

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// spread has a service of several servers and nothing else said of it: each key has one
// server of its own.
func spread(m *mesh) check {
	servers := []*peers.Redis{peers.StartRedis(m.t), peers.StartRedis(m.t)}
	address := m.service("spread", "tcp-redis", redisPort, servers[0].Port, servers[1].Port)
	return func(t *testing.T, _ *proxy) {
		for _, server := range servers {
			server.Do("FLUSHALL")
		}
		const keys = 60
		for i := range keys {
			to(address).must(t, "OK", "SET", fmt.Sprintf("key-%d", i), strconv.Itoa(i))
		}
		var all []string
		for i := range keys {
			all = append(all, fmt.Sprintf("key-%d", i))
			to(address).must(t, strconv.Itoa(i), "GET", all[i])
		}
		total := 0
		for i, server := range servers {
			n, err := strconv.Atoi(server.Do("DBSIZE"))
			if err != nil {
				t.Fatal(err)
			}
			if n < keys/5 {
				t.Errorf("server %d has %d of %d keys", i, n, keys)
			}
			total += n
		}
		if total != keys {
			t.Errorf("the servers have %d keys, want each of %d once", total, keys)
		}
		to(address).must(t, strconv.Itoa(keys), append([]string{"DEL"}, all...)...)
	}
}

// settings has a time limit, counters of commands, and keys that stay together.
func settings(m *mesh) check {
	servers := []*peers.Redis{peers.StartRedis(m.t), peers.StartRedis(m.t)}
	address := m.service("settings", "tcp-redis", redisPort, servers[0].Port, servers[1].Port)
	m.aeraki(`
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisService
metadata: {name: settings, namespace: shop}
spec:
  host: [settings.shop.svc.cluster.local]
  settings:
    opTimeout: 2s
    enableCommandStats: true
    enableHashtagging: true
    maxBufferSizeBeforeFlush: 1024
    bufferFlushTimeout: 3ms
    maxUpstreamUnknownConnections: 7
---
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisDestination
metadata: {name: settings, namespace: shop}
spec:
  host: settings.shop.svc.cluster.local
  trafficPolicy: {connectionPool: {tcp: {connectTimeout: 3s, maxConnections: 90}}}`)
	return func(t *testing.T, p *proxy) {
		for _, server := range servers {
			server.Do("FLUSHALL")
		}
		c := to(address)
		var all []string
		for i := range 20 {
			all = append(all, fmt.Sprintf("{tag}-%d", i))
			c.must(t, "OK", "SET", all[i], "value")
		}
		sizes := servers[0].Do("DBSIZE") + " " + servers[1].Do("DBSIZE")
		if sizes != "20 0" && sizes != "0 20" {
			t.Errorf("servers have %s keys of one tag", sizes)
		}
		const stat = "redis.outbound|6379||settings.shop.svc.cluster.local.command.set.total"
		if got := p.stat(stat); got != 20 {
			t.Errorf("%s=%d, want 20", stat, got)
		}
		_, made := get(t, p.admin+"/config_dump?resource=dynamic_active_clusters&name_regex=.*settings.*")
		for _, want := range []string{`"connect_timeout": "3s"`, `"max_connections": 90`} {
			if !strings.Contains(made, want) {
				t.Errorf("the cluster has no %s:\n%s", want, made)
			}
		}
		for _, server := range servers {
			server.Pause()
		}
		start := time.Now()
		got := c.do(t, "GET", all[0])
		for _, server := range servers {
			server.Resume()
		}
		if after := time.Since(start); got != "upstream failure" || after < 2*time.Second {
			t.Errorf("servers that hang: %q after %v", got, after)
		}
	}
}
