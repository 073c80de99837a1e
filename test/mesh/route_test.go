package mesh

import (
	"fmt"
	"testing"
)

// theader is a transport of Thrift that carries metadata.
const theader = `{"transport": "theader"}`

// orders is the example's Service with two versions of its servers and a client, between
// proxies with mTLS.
type orders struct {
	*Namespace

	v1, v2, client *Pod
	address        string
}

// startOrders starts it, and makes a first call. Flags are those of the servers.
func startOrders(t *testing.T, flags ...string) *orders {
	t.Helper()
	n := New(t)
	n.ApplyFile("examples/istio/thrift.yaml")
	n.ApplyFile("examples/istio/strict.yaml")
	pods := n.Start(Serve("thrift", "orders-v1", 9091, flags...), Serve("thrift", "orders-v2", 9091, flags...), Spec{Name: "client"})
	o := &orders{Namespace: n, v1: pods[0], v2: pods[1], client: pods[2], address: n.Address("orders", 9090)}
	if is := n.Bound("orders").Targets[0]; is.Upstream != "mesh" {
		t.Errorf("the binding is %+v, want mesh: all servers can take it", is)
	}
	o.client.Await("thrift", o.address, "Orders/get")
	return o
}

// goesTo waits until calls of a method are answered by a server, and then makes 20.
func (o *orders) goesTo(server *Pod, method string, flags ...string) {
	o.t.Helper()
	o.Eventually(func() string {
		if c := o.client.Calls(10, "thrift", o.address, method, flags...); c.Servers[server.Name] != 10 {
			return fmt.Sprintf("%s %q: %+v, want all by %s", method, flags, c, server.Name)
		}
		return ""
	})
	if c := o.client.Calls(20, "thrift", o.address, method, flags...); c.Servers[server.Name] != 20 {
		o.t.Errorf("20 calls of %s %q: %+v, want all by %s", method, flags, c, server.Name)
	}
}

// requests is the name of the counter of a subset's calls.
func (o *orders) requests(subset string) string {
	return fmt.Sprintf(`cluster\.outbound\|9090\|%s\|orders\.%s\.svc\.cluster\.local;?\.upstream_rq_2xx`, subset, o.Name)
}

// Calls are routed by what they call and by their metadata.
func TestRoute(t *testing.T) {
	t.Parallel()
	o := startOrders(t)
	o.Run("no rule", func(t *testing.T) {
		c := o.client.Calls(60, "thrift", o.address, "Orders/get", "--concurrency", "4")
		if c.OK != 60 || c.Servers["orders-v1"] == 0 || c.Servers["orders-v2"] == 0 {
			t.Errorf("%+v, want calls by both", c)
		}
	})
	o.Run("method", func(t *testing.T) {
		o.ApplyFile("examples/istio/route-by-method.yaml")
		grown := o.client.Counted(func() {
			o.goesTo(o.v2, "Orders/cancel")
			o.goesTo(o.v2, "Billing/pay")
			o.goesTo(o.v1, "Orders/get")
		}, o.requests("v1"), o.requests("v2"))
		if grown[0] < 20 || grown[1] < 40 {
			t.Errorf("the client's proxy counts %v calls, want 20 and 40", grown)
		}
		if seen := o.v2.Seen("Orders/cancel"); seen < 20 {
			t.Errorf("v2 saw %d calls of Orders/cancel", seen)
		}
	})
	o.Run("metadata", func(*testing.T) {
		o.ApplyFile("examples/istio/route-by-metadata.yaml")
		o.goesTo(o.v2, "Orders/get", "--set", "tenant=blue", "--codec-config", theader)
		o.goesTo(o.v1, "Orders/get", "--set", "tenant=red", "--codec-config", theader)
		o.goesTo(o.v1, "Orders/cancel")
	})
	o.Run("mTLS", func(t *testing.T) {
		for _, server := range []*Pod{o.v1, o.v2} {
			if n := server.Counter(`listener\.0\.0\.0\.0_15006\.ssl\.handshake`); n == 0 {
				t.Errorf("%s had no handshake", server.Name)
			}
		}
	})
}
