package redis

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/peers"
)

// mirror copies commands to a server that gets all, and to one that gets no reads.
func mirror(m *mesh) check {
	main, all, writes := peers.StartRedis(m.t), peers.StartRedis(m.t), peers.StartRedis(m.t)
	address := m.service("mirror", "tcp-redis", redisPort, main.Port)
	m.service("mirror-all", "tcp-redis", redisPort, all.Port)
	m.service("mirror-writes", "tcp-redis", redisPort, writes.Port)
	m.aeraki(`
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisService
metadata: {name: mirror, namespace: shop}
spec:
  host: [mirror.shop.svc.cluster.local]
  redis:
  - route: {host: mirror.shop.svc.cluster.local}
    mirror:
    - {route: {host: mirror-all.shop.svc.cluster.local}, percentage: {value: 100}}
    - {route: {host: mirror-writes.shop.svc.cluster.local}, percentage: {value: 100}, excludeReadCommands: true}`)
	return func(t *testing.T, _ *proxy) {
		for _, server := range []*peers.Redis{main, all, writes} {
			server.Do("FLUSHALL")
			server.Do("CONFIG", "RESETSTAT")
		}
		c := to(address)
		for range 5 {
			c.must(t, "OK", "SET", "key", "value")
			c.must(t, "value", "GET", "key")
		}
		c.must(t, "OK", "SET", "last", "value") // a copy comes in order, so those of all before it are there too
		for server, gets := range map[*peers.Redis]int{main: 5, all: 5, writes: 0} {
			kube.Eventually(t, kube.Patience, func() string {
				if calls(server, "set") == 6 {
					return ""
				}
				return "the server has not got all writes:\n" + server.Do("INFO", "commandstats")
			})
			if got := calls(server, "get"); got != gets {
				t.Errorf("a server got %d reads, want %d", got, gets)
			}
		}
	}
}

// calls is how often a server got a command.
func calls(server *peers.Redis, command string) int {
	found := regexp.MustCompile(`cmdstat_` + command + `:calls=(\d+)`).FindStringSubmatch(server.Do("INFO", "commandstats"))
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1])
	return n
}
