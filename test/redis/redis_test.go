package redis

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// redisPort is that of all services.
const redisPort = 6379

// scene prepares servers and Aeraki's resources, and returns what is to hold for a client
// beside a proxy.
type scene func(m *mesh) check

type check func(t *testing.T, p *proxy)

// TestRedis proves each feature of RedisService and RedisDestination, beside both Envoys.
func TestRedis(t *testing.T) {
	scenes := []struct {
		name  string
		scene scene
	}{
		{"login", login},
		{"users", users},
		{"routes", routes},
		{"some keys", someKeys},
		{"mirror", mirror},
		{"faults", faults},
		{"spread", spread},
		{"settings", settings},
		{"cluster", cluster},
	}
	m, checks := startMesh(t), make([]check, len(scenes))
	for i, s := range scenes {
		checks[i] = s.scene(m)
	}
	m.migrate()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			p := m.startProxy(t, version, "sidecar")
			for host := 2; host <= m.next; host++ {
				p.awaitFilter(m.network+strconv.Itoa(host), redisPort, "envoy.filters.network.redis_proxy")
			}
			for i, s := range scenes {
				t.Run(s.name, func(t *testing.T) { checks[i](t, p) })
			}
			p.mustAccept()
		})
	}
}

// client is a redis-cli with its options.
type client []string

// to is a client of an address, with more options.
func to(address string, options ...string) client {
	return append(client{"-h", address, "-p", strconv.Itoa(redisPort), "--no-auth-warning"}, options...)
}

// do runs a command and returns the answer, which may be an error of Redis.
func (c client) do(t *testing.T, command ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "redis-cli", append(c, command...)...).Output()
	if err != nil {
		t.Fatalf("redis-cli %s: %v\n%s", strings.Join(command, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// must fails unless a command is answered so.
func (c client) must(t *testing.T, want string, command ...string) {
	t.Helper()
	if got := c.do(t, command...); got != want {
		t.Errorf("%s: %q, want %q", strings.Join(command, " "), got, want)
	}
}
