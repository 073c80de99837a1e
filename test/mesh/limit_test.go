package mesh

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/test/kube"
)

// Limits of proxies beside servers and beside clients, and of a rate limit service.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	n := New(t)
	// The port number is this test's own: whatever changes on a port of proxies of clients
	// makes its limits begin anew.
	n.ApplyFile("examples/istio/thrift.yaml", "port: 9090", "port: 9190")
	n.ApplyFile("examples/istio/strict.yaml")
	n.ApplyFile("examples/istio/rate-limit-service.yaml")
	redis := n.Start(Spec{
		Name: "redis", NoProxy: true, Ports: []int{6379},
		Run: []string{"redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""},
	})[0]
	pods := n.Start(Serve("thrift", "orders-v1", 9091), Spec{Name: "client"}, rateLimitService(n, redis))
	l := &limitTest{n, pods[0], pods[1], pods[2], n.Address("orders", 9190)}
	n.Bound("orders")
	l.client.Await("thrift", l.address, "Orders/get")
	n.Run("server", func(t *testing.T) { l.local(t, "server", l.server, l.client) })
	n.Run("client", func(t *testing.T) { l.local(t, "client", l.client, l.server) })
	n.Run("global", l.global)
}

// rateLimitService is a pod with the real rate limit service, as the example configures it.
func rateLimitService(n *Namespace, redis *Pod) Spec {
	n.t.Helper()
	var config corev1.ConfigMap
	if err := n.cluster.Client.Get(n.t.Context(), client.ObjectKey{Namespace: n.Name, Name: "ratelimit"}, &config); err != nil {
		n.t.Fatal(err)
	}
	dir := n.t.TempDir()
	folder := filepath.Join(dir, "ratelimit", "config")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		n.t.Fatal(err)
	}
	for name, text := range config.Data {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			n.t.Fatal(err)
		}
	}
	return Spec{
		Name: "ratelimit", NoProxy: true, Ports: []int{8081},
		Run: []string{
			"env", "REDIS_SOCKET_TYPE=tcp", "REDIS_URL=" + redis.IP + ":6379", "USE_STATSD=false", "GRPC_PORT=8081",
			"RUNTIME_ROOT=" + dir, "RUNTIME_SUBDIRECTORY=ratelimit", "RUNTIME_WATCH_ROOT=false", kube.Part(n.t, "ratelimit"),
		},
	}
}

// internalError is the type of TApplicationException for what Thrift has no type for.
const internalError = 6

// limitTest are the pods of TestRateLimit.
type limitTest struct {
	*Namespace

	server, client, service *Pod
	address                 string
}

// calls makes ten calls and returns how many went well; the others have to have been
// refused by Thrift's own exception, and not to have reached the server.
func (l *limitTest) calls(t *testing.T, method string, flags ...string) int {
	t.Helper()
	good, seen := 0, l.server.Seen(method)
	for range 10 {
		switch c := l.client.Call("thrift", l.address, method, append(flags, "--codec-config", theader)...); {
		case c.OK:
			good++
		case c.Status.Native != internalError || !strings.Contains(c.Text, "limited"):
			t.Errorf("%s %q: %+v, want an exception for a limit", method, flags, c)
		}
	}
	if seen = l.server.Seen(method) - seen; seen != good {
		t.Errorf("%s %q: %d calls went well, the server saw %d", method, flags, good, seen)
	}
	return good
}

// has waits until a listener of a proxy has a filter, or has it no more, and no connection
// is left from before: so that no limit is used up by waiting.
func (l *limitTest) has(p *Pod, filter string, has bool) {
	l.t.Helper()
	listener := "virtualInbound"
	if p == l.client {
		listener = "0.0.0.0_9190"
	}
	l.Eventually(func() string {
		if strings.Contains(p.Admin("config_dump?resource=dynamic_listeners&name_regex="+listener), filter) != has {
			return fmt.Sprintf("%s of %s has %s: %v, want %v", listener, p.Name, filter, !has, has)
		}
		return ""
	})
	l.client.Calls(20, "thrift", l.address, "Orders/list")
}

// local has one side count and the other not.
func (l *limitTest) local(t *testing.T, side string, counting, other *Pod) {
	const filter, refused = "envoy.filters.http.local_ratelimit", `meltemi\.http_local_rate_limit\.rate_limited`
	l.ApplyFile("examples/istio/rate-limit.yaml", "side: server", "side: "+side, "per: 1m", "per: 1h")
	l.has(counting, filter, true)
	l.has(other, filter, false)
	grown := counting.Counted(func() {
		for _, c := range []struct {
			method, tenant string
			good           int
		}{
			{"Orders/cancel", "red", 2},
			{"Orders/get", "blue", 3},
			{"Orders/get", "red", 10},
			{"Billing/cancel", "red", 10},
			{"Orders/cancel", "blue", 0},
		} {
			if good := l.calls(t, c.method, "--set", "tenant="+c.tenant); good != c.good {
				t.Errorf("%s of tenant %s: %d of 10 calls went well, want %d", c.method, c.tenant, good, c.good)
			}
		}
	}, refused)
	if grown[0] != 8+7+10 {
		t.Errorf("the proxy of the %s counts %d refused calls, want 25", side, grown[0])
	}
}

// global has a service count, also for new proxies, and then go.
func (l *limitTest) global(t *testing.T) {
	const file, filter, prefix = "examples/istio/rate-limit-global.yaml", "envoy.filters.http.ratelimit", `cluster\.inbound\|9091\|\|;?\.ratelimit\..*\.`
	l.ApplyFile(file, "timeout: 500ms", "timeout: 20s")
	l.has(l.server, filter, true)
	l.has(l.client, "envoy.filters.http.local_ratelimit", false)
	grown := l.server.Counted(func() {
		for tenant, want := range map[string]int{"blue": 3, "red": 5, "green": 5} {
			if good := l.calls(t, "Orders/get", "--set", "tenant="+tenant); good != want {
				t.Errorf("tenant %s: %d of 10 calls went well, want %d", tenant, good, want)
			}
		}
		if good := l.calls(t, "Orders/cancel", "--set", "tenant=blue"); good != 10 {
			t.Errorf("another method: %d of 10 calls went well", good)
		}
		if good := l.calls(t, "Orders/get"); good != 10 {
			t.Errorf("without a tenant: %d of 10 calls went well", good)
		}
	}, prefix+"ok", prefix+"over_limit", prefix+"error")
	if want := [...]int{13, 17, 0}; [3]int(grown) != want {
		t.Errorf("the proxy of the server counts %v good, refused and unanswered questions, want %v", grown, want)
	}
	l.service.App.Kill()
	grown = l.server.Counted(func() {
		if good := l.calls(t, "Orders/get", "--set", "tenant=blue"); good != 10 {
			t.Errorf("onFailure: allow, without the service: %d of 10 calls went well", good)
		}
	}, prefix+"error", prefix+"failure_mode_allowed")
	if want := [...]int{10, 10}; [2]int(grown) != want {
		t.Errorf("the proxy of the server counts %v failures, and calls allowed, want %v", grown, want)
	}
	l.ApplyFile(file, "timeout: 500ms", "timeout: 20s", "onFailure: allow", "onFailure: deny")
	l.Eventually(func() string {
		c := l.client.Call("thrift", l.address, "Orders/get", "--set", "tenant=blue", "--codec-config", theader)
		if c.OK || c.Error != "" || c.Status.Native == 0 {
			return fmt.Sprintf("onFailure: deny, without the service: %+v, want an exception", c)
		}
		return ""
	})
	if good := l.calls(t, "Orders/cancel", "--set", "tenant=blue"); good != 10 {
		t.Errorf("another method: %d of 10 calls went well", good)
	}
}
