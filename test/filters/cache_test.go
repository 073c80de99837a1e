package filters

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// cacheFilters are a policy, and the cache behind it.
const cacheFilters = `
  - name: envoy.filters.http.rbac
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
      rules:
        action: DENY
        policies:
          denied: {permissions: [{header: {name: x-rpc-denied, present_match: true}}], principals: [{any: true}]}
  - name: cache
    config:
      name: orders
      rules:
      - {methods: ["*/get"], ttl: 1h, shared: true, wait: 1m}
      - {methods: ["*/mine"], ttl: 1h, caller_metadata: user}
      - {methods: ["*/short"], ttl: 1s, shared: true}
      - {methods: ["*/hasty"], ttl: 1h, shared: true, wait: 50ms}
      - {methods: ["*/off"], ttl: 1h, shared: true}
`

// cached runs tests with an Envoy and a server for each protocol and each Envoy.
func cached(t *testing.T, run func(t *testing.T, m *mesh, s *counting)) {
	t.Helper()
	for _, p := range protocols {
		for _, version := range versions {
			t.Run(p.codec+"/"+version, func(t *testing.T) {
				t.Parallel() // it waits for most of its time
				s := count(t, p.codec)
				log := filepath.Join(t.TempDir(), "access.log")
				t.Cleanup(func() { told(t, log) }) // when Envoy has ended, and written all
				run(t, &mesh{t: t, codec: p.codec, service: p.service, Proxy: peers.Start(t, version, fmt.Sprintf(`
listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: %[1]s
  filters: %[2]s
  route_config:
    virtual_hosts:
    - name: all
      domains: ["*"]
      routes:
      - {match: {path: /%[4]s/off}, route: {cluster: server}, typed_per_filter_config: {cache: {rules: []}}}
      - {match: {prefix: /, headers: [{name: x-rpc-lane, string_match: {exact: green}}]}, route: {cluster: green}}
      - {match: {prefix: /}, route: {cluster: server}}
  access_log:
  - name: file
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
      path: %[5]s
      log_format: {text_format_source: {inline_string: "%%DYNAMIC_METADATA(cache:result)%% %%RESPONSE_CODE_DETAILS%%\n"}}
clusters:
- {name: server, codec: %[1]s, endpoints: ["%[3]s"]}
- {name: green, codec: %[1]s, endpoints: ["%[3]s"]}
`, p.codec, cacheFilters, s.address, p.service, log))}, s)
			})
		}
	}
}

// told looks at what the access log was told of calls that were answered from the cache,
// for which Envoy has no details of its own, and of those that a server has answered.
func told(t *testing.T, log string) {
	t.Helper()
	b, err := os.ReadFile(log)
	text := string(b)
	if !strings.Contains(text, "hit \n") && !strings.Contains(text, "coalesced \n") || !strings.Contains(text, "miss via_upstream\n") {
		t.Errorf("the access log tells %q, %v", text, err)
	}
}

// cacheStat is one of the cache's metrics.
func cacheStat(name string) string {
	return "dynamicmodulescustom.meltemi_cache_" + name + ".cache.orders"
}

// eventually waits for a stat.
func (m *mesh) eventually(stat string, want int) {
	m.t.Helper()
	m.Eventually(stat, strconv.Itoa(want), func(n int) bool { return n == want })
}

// reached checks how many calls the server and Envoy's cluster have seen.
func (m *mesh) reached(s *counting, want int) {
	m.t.Helper()
	if n := s.seen(); n != want {
		m.t.Errorf("the server has had %d calls, want %d", n, want)
	}
	m.eventually("cluster.server.upstream_rq_total", want)
}

// TestCache asks for the same and for other things, and looks at what the server saw.
func TestCache(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, m *mesh, s *counting) {
		want := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		want("the first call", m.get("get", "a"), "answer 1")
		want("the same", m.get("get", "a", "trace=1"), "answer 1")
		want("another argument", m.get("get", "b"), "answer 2")
		want("a method that nobody named", m.get("put", "a"), "answer 3")
		want("the same again", m.get("put", "a"), "answer 4")
		want("a route without rules", m.get("off", "a"), "answer 5")
		want("the same", m.get("off", "a"), "answer 6")
		m.reached(s, 6)
		m.eventually("http.rpc.downstream_rq_total", 7)
		m.eventually(cacheStat("hits_total"), 1)
		m.eventually(cacheStat("misses_total"), 2)
		m.eventually(cacheStat("entries"), 2)

		// Who is denied gets nothing, although it is there.
		want("denied", m.get("get", "a", "denied=yes"), "failed")
		m.eventually("http.rpc.rbac.denied", 1)
		m.eventually(cacheStat("hits_total"), 1)

		want("a", m.get("mine", "x", "user=a"), "answer 7")
		want("b", m.get("mine", "x", "user=b"), "answer 8")
		want("a again", m.get("mine", "x", "user=a"), "answer 7")
		want("b again", m.get("mine", "x", "user=b"), "answer 8")
		want("nobody", m.get("mine", "x"), "answer 9")
		want("nobody again", m.get("mine", "x"), "answer 10")
		m.eventually(cacheStat("bypass_total")+".reason.no_caller", 2)

		want("a new answer", m.get("get", "a", "cache-control=no-cache"), "answer 11")
		want("it is kept", m.get("get", "a"), "answer 11")
		want("for one alone", m.get("get", "a", "cache-control=no-store"), "answer 12")
		want("it is not kept", m.get("get", "a"), "answer 11")

		s.fail(true)
		want("an exception", m.get("get", "c"), "failed")
		s.fail(false)
		want("it is not kept", m.get("get", "c"), "answer 14")
		want("an answer is", m.get("get", "c"), "answer 14")
		m.reached(s, 14)

		want("a route to another cluster", m.get("get", "a", "lane=green"), "answer 15")
		want("it has its own", m.get("get", "a", "lane=green"), "answer 15")
		m.eventually("cluster.green.upstream_rq_total", 1)

		m.get("short", "x")
		deadline := time.Now().Add(patience)
		for first := s.seen(); s.seen() == first; time.Sleep(50 * time.Millisecond) {
			if m.get("short", "x"); time.Now().After(deadline) {
				t.Fatal("an entry of a second lives for a minute")
			}
		}
		m.Eventually(cacheStat("evictions_total")+".reason.expired", "some", func(n int) bool { return n > 0 })

		pipelined(t, m, s)
	})
}

// pipelined has two clients send many calls at once, each with ids of its own. Some
// answers are in the cache, some are on their way.
func pipelined(t *testing.T, m *mesh, s *counting) {
	t.Helper()
	before := s.seen()
	answers := map[string]string{}
	for i := range 3 {
		argument := "pipelined " + strconv.Itoa(i)
		answers[argument] = m.get("get", argument)
	}
	var clients sync.WaitGroup
	for first := range uint64(2) {
		c := m.dial()
		asked := map[uint64]string{}
		var calls []ask
		for i := range uint64(60) {
			a := ask{id: 1000*(first+1) + 7*i, method: "get", argument: "pipelined " + strconv.Itoa(int(i%4))}
			asked[a.id] = a.argument
			calls = append(calls, a)
		}
		c.send(calls...)
		clients.Go(func() {
			for range calls {
				r, err := c.read()
				if err != nil {
					t.Errorf("no reply: %v", err)
					return
				}
				argument, ok := asked[r.ID]
				if !ok {
					t.Errorf("nobody asked for reply %d", r.ID)
				}
				delete(asked, r.ID)
				c.rest = append(slices.Clone(r.Bytes), c.rest...)
				_, result := c.receive()
				if want := answers[argument]; want != "" && result != want {
					t.Errorf("%s: %q, want %q", argument, result, want)
				}
			}
		})
	}
	clients.Wait()
	if n := s.seen() - before; n != 4 {
		t.Errorf("the server has had %d calls for 4 questions", n)
	}
}

// TestCacheWaits has many ask for the same at once.
func TestCacheWaits(t *testing.T) {
	t.Parallel()
	cached(t, func(t *testing.T, m *mesh, s *counting) {
		const active = "http.rpc.downstream_rq_active"
		// flock has clients ask for the same, the first before all others.
		flock := func(argument string, n int) (clients []*client) {
			t.Helper()
			seen := s.seen()
			for i := range n {
				c := m.dial()
				c.send(ask{uint64(100 + i), "get", argument, nil})
				clients = append(clients, c)
				if i == 0 {
					m.eventually(active, 1)
					await(t, "the first call to reach the server", func() bool { return s.seen() == seen+1 })
				}
			}
			m.eventually(active, n)
			return clients
		}
		answers := func(clients []*client, want string) {
			t.Helper()
			for _, c := range clients {
				id, result := c.receive()
				if result != want {
					t.Errorf("client %d got %q, want %q", id, result, want)
				}
				c.conn.Close()
			}
			m.eventually(active, 0)
		}

		release := s.hold()
		clients := flock("slow", 12)
		release()
		answers(clients, "answer 1")
		m.reached(s, 1)
		m.eventually(cacheStat("coalesced_total"), 11)

		// A follower's client goes away, and then the leader's: one of the others leads, and
		// the rest get its answer.
		release = s.hold()
		clients = flock("left", 6)
		clients[2].conn.Close()
		m.eventually(active, 5) // it leaves before it could be its turn to lead
		clients[0].conn.Close()
		await(t, "another call to lead", func() bool { return s.seen() == 3 })
		m.eventually(active, 4)
		release()
		answers(append(clients[1:2:2], clients[3:]...), "answer 3")
		m.reached(s, 3)

		// The server fails: one call after another goes to it, and each gets its own
		// failure.
		release = s.hold()
		clients = flock("failing", 4)
		s.fail(true)
		release()
		answers(clients, "failed")
		s.fail(false)
		m.reached(s, 7)

		// Who has waited long enough goes by itself.
		release = s.hold()
		before := s.seen()
		hasty := []*client{m.dial(), m.dial(), m.dial()}
		for i, c := range hasty {
			c.send(ask{uint64(200 + i), "hasty", "x", nil})
		}
		await(t, "all calls to reach the server", func() bool { return s.seen() == before+3 })
		release()
		for _, c := range hasty {
			if _, result := c.receive(); result == "failed" {
				t.Error("a call failed that had waited")
			}
		}
		m.eventually(cacheStat("bypass_total")+".reason.waited", 2)

		// The answer is for nobody else, so nobody is kept waiting for the next one.
		release = s.hold()
		before = s.seen()
		alone := []*client{m.dial(), m.dial(), m.dial()}
		for i, c := range alone {
			c.send(ask{uint64(300 + i), "get", "alone", []string{"want=no-store"}})
		}
		m.eventually(active, 3)
		await(t, "the first call to reach the server", func() bool { return s.seen() == before+1 })
		release()
		for _, c := range alone {
			if _, result := c.receive(); result == "failed" {
				t.Error("a call failed that was not answered by another")
			}
		}
		m.reached(s, before+3)
		m.eventually(cacheStat("bypass_total")+".reason.no_share", 2)
		m.eventually(active, 0)
		m.eventually("dynamicmodulescustom.meltemi_cache_panics", 0)
	})
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// TestCacheOfCallers has two clients with certificates of their own. Neither gets an
// answer that was made for the other, unless the method is for all.
func TestCacheOfCallers(t *testing.T) {
	a := newAuthority(t)
	a.issue("proxy")
	clients := []*tls.Config{a.client(a.issue("first")), a.client(a.issue("second"))}
	for _, p := range protocols {
		for _, version := range versions {
			t.Run(p.codec+"/"+version, func(t *testing.T) {
				s := count(t, p.codec)
				m := &mesh{t: t, codec: p.codec, service: p.service, Proxy: peers.Start(t, version, fmt.Sprintf(`
listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: %[1]s
  transport_socket: %[2]s
  filters: [{name: cache, config: {name: orders, rules: [{methods: ["*/all"], ttl: 1h, shared: true}, {methods: ["*/mine"], ttl: 1h}]}}]
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: server}}]}]}
clusters:
- {name: server, codec: %[1]s, endpoints: ["%[3]s"]}
`, p.codec, a.listener("proxy"), s.address))}
				for i, call := range []struct {
					client       int
					method, want string
				}{
					{0, "mine", "answer 1"},
					{1, "mine", "answer 2"},
					{0, "mine", "answer 1"},
					{1, "mine", "answer 2"},
					{0, "all", "answer 3"},
					{1, "all", "answer 3"},
				} {
					c := m.dial()
					c.conn = tls.Client(c.conn, clients[call.client].Clone())
					c.send(ask{uint64(i + 1), call.method, "x", nil})
					if id, got := c.receive(); got != call.want || id != uint64(i+1) {
						t.Errorf("call %d of client %d: %q, want %q", id, call.client, got, call.want)
					}
					c.conn.Close()
				}
				m.reached(s, 3)
			})
		}
	}
}

// TestCacheOfEntriesInMessages has codecs that expose one entry alone. The server gets all
// others too, each in its own spelling, so none of them may be mistaken for another.
func TestCacheOfEntriesInMessages(t *testing.T) {
	for _, p := range protocols {
		for _, version := range versions {
			t.Run(p.codec+"/"+version, func(t *testing.T) {
				s := count(t, p.codec)
				m := &mesh{t: t, codec: p.codec, service: p.service, Proxy: peers.Start(t, version, fmt.Sprintf(`
listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: {name: %[1]s, expose: [seen]}
  filters:
  - name: cache
    config:
      name: orders
      rules:
      - {methods: ["*/get"], ttl: 1h, shared: true, metadata: [Lang, seen]}
      - {methods: ["*/mine"], ttl: 1h, caller_metadata: user}
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: server}}]}]}
clusters:
- {name: server, codec: {name: %[1]s, expose: [seen]}, endpoints: ["%[2]s"]}
`, p.codec, s.address))}
				calls := []struct{ method, entries, want string }{
					{"get", "lang=en", "answer 1"},
					{"get", "lang=de", "answer 2"},
					{"get", "Lang=en", "answer 3"},
					{"get", "trace=1 lang=en", "answer 1"},
					{"get", "seen=1", "answer 4"},
					{"get", "Seen=1", "answer 5"},
					{"get", "seen=1", "answer 4"},
					{"mine", "user=a", "answer 6"},
					{"mine", "user=a", "answer 7"},
					{"get", "lang=fr want=private", "answer 8"},
					{"get", "lang=fr want=private", "answer 9"},
				}
				if p.codec == "dubbo" {
					calls = append(calls, []struct{ method, entries, want string }{
						{"get", "group=b", "answer 10"},
						{"get", "group=a", "answer 11"},
						{"get", "Group=b", "answer 12"},
						{"get", "group=b version=9.9.9", "answer 13"},
						{"get", "group=b", "answer 10"},
					}...)
				}
				for _, c := range calls {
					if got := m.get(c.method, "x", strings.Fields(c.entries)...); got != c.want {
						t.Errorf("%s with %s: %q, want %q", c.method, c.entries, got, c.want)
					}
				}
				m.eventually(cacheStat("bypass_total")+".reason.no_caller", 2)
			})
		}
	}
}
