package redis

import (
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// routes sends keys by their prefix, with it or without it, and all others elsewhere.
func routes(m *mesh) check {
	kept, cut, rest := peers.StartRedis(m.t), peers.StartRedis(m.t), peers.StartRedis(m.t)
	address := m.service("routes", "tcp-redis", redisPort, rest.Port)
	m.service("routes-kept", "tcp-redis", redisPort, kept.Port)
	m.service("routes-cut", "tcp-redis", redisPort, cut.Port)
	m.aeraki(`
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisService
metadata: {name: routes, namespace: shop}
spec:
  host: [routes.shop.svc.cluster.local]
  redis:
  - {match: {key: {prefix: "kept:"}}, route: {host: routes-kept.shop.svc.cluster.local}}
  - {match: {key: {prefix: "cut:", removePrefix: true}}, route: {host: routes-cut.shop.svc.cluster.local, port: 6379}}
  - {route: {host: routes.shop.svc.cluster.local}}`)
	return func(t *testing.T, _ *proxy) {
		for _, server := range []*peers.Redis{kept, cut, rest} {
			server.Do("FLUSHALL")
		}
		c := to(address)
		c.must(t, "OK", "MSET", "kept:1", "a", "cut:1", "b", "1", "c", "KEPT:1", "d")
		c.must(t, "a\nb\nc\nd", "MGET", "kept:1", "cut:1", "1", "KEPT:1")
		has(t, "by a prefix that is kept", kept, "kept:1")
		has(t, "by a prefix that is cut", cut, "1")
		has(t, "for all others", rest, "1", "KEPT:1")
	}
}

// someKeys has no route for all other keys, and does not look at the case of letters.
func someKeys(m *mesh) check {
	server := peers.StartRedis(m.t)
	address := m.service("some", "tcp-redis", redisPort, server.Port)
	m.aeraki(`
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisService
metadata: {name: some, namespace: shop}
spec:
  host: [some.shop.svc.cluster.local]
  settings: {caseInsensitive: true}
  redis: [{match: {key: {prefix: "some:"}}, route: {host: some.shop.svc.cluster.local}}]`)
	return func(t *testing.T, _ *proxy) {
		server.Do("FLUSHALL")
		to(address).must(t, "OK", "SET", "SOME:1", "a")
		to(address).must(t, "no upstream host", "SET", "other:1", "a")
		has(t, "", server, "SOME:1")
	}
}

// has fails unless a server has exactly these keys.
func has(t *testing.T, what string, server *peers.Redis, keys ...string) {
	t.Helper()
	got := strings.Fields(server.Do("KEYS", "*"))
	for _, key := range keys {
		if server.Do("EXISTS", key) != "1" {
			t.Errorf("%s: no %s in %q", what, key, got)
		}
	}
	if len(got) != len(keys) {
		t.Errorf("%s: %q, want %q", what, got, keys)
	}
}
