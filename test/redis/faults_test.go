package redis

import (
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// faults has errors for one command, a delay for another, both for a third, and none for
// all others.
func faults(m *mesh) check {
	server := peers.StartRedis(m.t)
	address := m.service("faults", "tcp-redis", redisPort, server.Port)
	m.aeraki(`
apiVersion: redis.aeraki.io/v1alpha1
kind: RedisService
metadata: {name: faults, namespace: shop}
spec:
  host: [faults.shop.svc.cluster.local]
  faults:
  - {type: ERROR, percentage: {value: 100}, commands: [GET]}
  - {type: DELAY, percentage: {value: 100}, delay: 1s, commands: [SET]}
  - {type: ERROR, percentage: {value: 100}, delay: 1s, commands: [INCR]}
  - {type: ERROR, percentage: {value: 0}, commands: [APPEND]}`)
	return func(t *testing.T, p *proxy) {
		server.Do("FLUSHALL")
		server.Do("CONFIG", "RESETSTAT")
		c := to(address)
		took := func(command ...string) (string, time.Duration) {
			start := time.Now()
			return c.do(t, command...), time.Since(start)
		}
		const injected = "Fault Injected: Error"
		if got, after := took("SET", "key", "1"); got != "OK" || after < time.Second {
			t.Errorf("a command with a delay of 1s: %q after %v", got, after)
		}
		if got, after := took("INCR", "key"); got != injected || after < time.Second {
			t.Errorf("a command with an error after 1s: %q after %v", got, after)
		}
		c.must(t, injected, "GET", "key")
		c.must(t, "2", "APPEND", "key", "2")
		c.must(t, "2", "STRLEN", "key")
		for command, want := range map[string]int{"set": 1, "get": 0, "incr": 0, "append": 1, "strlen": 1} {
			if got := calls(server, command); got != want {
				t.Errorf("the server got %d %s, want %d", got, command, want)
			}
		}
		prefix := "redis.outbound|6379||faults.shop.svc.cluster.local.command."
		for stat, want := range map[string]int{"get.error_fault": 1, "set.delay_fault": 1, "append.error_fault": 0} {
			if got := p.stat(prefix + stat); got != want {
				t.Errorf("%s%s=%d, want %d", prefix, stat, got, want)
			}
		}
	}
}
