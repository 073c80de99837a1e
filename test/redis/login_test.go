package redis

import (
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// login has clients log in to the proxy, and the proxy to the server, each with a
// password.
func login(m *mesh) check {
	server := peers.StartRedis(m.t, "--requirepass", "of-server")
	address := m.service("login", "tcp-redis", redisPort, server.Port)
	m.aeraki(`
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisService
metadata: {name: login, namespace: shop}
spec:
  host: [login.shop.svc.cluster.local]
  settings: {auth: {plain: {password: of-clients}}}
---
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: shop}
data: {password: b2Ytc2VydmVyCg==} # "of-server" and an end of line, as echo writes it
---
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisDestination
metadata: {name: login, namespace: shop}
spec:
  host: login.shop.svc.cluster.local
  trafficPolicy: {connectionPool: {redis: {auth: {secret: {name: login}}}}}`)
	return func(t *testing.T, _ *proxy) {
		own := []string{"-a", "of-server", "--no-auth-warning"}
		server.Do(append(own, "FLUSHALL")...)
		const refused = "NOAUTH Authentication required."
		to(address).must(t, refused, "SET", "key", "none")
		if got := to(address, "-a", "of-server").do(t, "SET", "key", "wrong"); !strings.HasSuffix(got, refused) {
			t.Errorf("the server's password, not the clients': %q", got)
		}
		if got := server.Do(append(own, "DBSIZE")...); got != "0" {
			t.Errorf("the server has %s keys of clients that did not log in", got)
		}
		to(address, "-a", "of-clients").must(t, "OK", "SET", "key", "right")
		if got := server.Do(append(own, "GET", "key")...); got != "right" {
			t.Errorf("the server has %q", got)
		}
	}
}

// users has users, too, at both ends.
func users(m *mesh) check {
	server := peers.StartRedis(m.t, "--user", "proxy", "on", ">of-server", "~*", "&*", "+@all", "--requirepass", "nobody-knows")
	address := m.service("users", "tcp-redis", redisPort, server.Port)
	m.aeraki(`
apiVersion: v1
kind: Secret
metadata: {name: users, namespace: shop}
stringData: {name: reader, word: of-clients}
---
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisService
metadata: {name: users, namespace: shop}
spec:
  host: [users.shop.svc.cluster.local]
  settings: {auth: {secret: {name: users, usernameField: name, passwordField: word}}}
---
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisDestination
metadata: {name: users, namespace: shop}
spec:
  host: users.shop.svc.cluster.local
  trafficPolicy: {connectionPool: {redis: {auth: {plain: {username: proxy, password: of-server}}}}}`)
	return func(t *testing.T, _ *proxy) {
		to(address, "--user", "reader", "-a", "of-clients").must(t, "OK", "SET", "key", "value")
		const refused = "NOAUTH Authentication required."
		if got := to(address, "--user", "other", "-a", "of-clients").do(t, "GET", "key"); !strings.HasSuffix(got, refused) {
			t.Errorf("another user: %q", got)
		}
		if got := server.Do("-a", "nobody-knows", "--no-auth-warning", "CLIENT", "LIST"); !strings.Contains(got, " user=proxy ") {
			t.Errorf("the server's clients are\n%s", got)
		}
	}
}
