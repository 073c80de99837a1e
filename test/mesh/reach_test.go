package mesh

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
)

// passed are connections that a proxy passes on without reading them.
const passed = `cluster\.PassthroughCluster;?\.upstream_cx_total`

// reach is the example's Thrift service with two servers, at a port number that no other
// scenario has, and a client.
type reach struct {
	*Namespace

	servers []*Pod
	client  *Pod
}

// reachPort is where the servers listen.
const reachPort = 9193

// Calls reach servers, or do not, by whatever address a client dials.
func TestReach(t *testing.T) {
	t.Parallel()
	n := New(t)
	n.ApplyFile("examples/istio/strict.yaml")
	pods := n.Start(Serve("thrift", "orders-v1", reachPort), Serve("thrift", "orders-v2", reachPort), Spec{Name: "client"})
	r := &reach{n, pods[:2], pods[2]}
	n.Run("other namespace", r.otherNamespace)
	n.Run("unknown service", r.unknownService)
	n.Run("headless", r.headless)
	n.Run("registry", r.registry)
}

// apply applies an example with the servers' port.
func (r *reach) apply(file string) {
	r.t.Helper()
	r.ApplyFile(file, "9091", strconv.Itoa(reachPort))
	r.Bound("orders")
}

// at is where a server itself is dialed.
func (r *reach) at(server *Pod) string { return net.JoinHostPort(server.IP, strconv.Itoa(reachPort)) }

// A client of another namespace finds the service, and its routes hold there too.
func (r *reach) otherNamespace(t *testing.T) {
	r.apply("examples/istio/thrift.yaml")
	r.ApplyFile("examples/istio/route-by-method.yaml")
	other := New(t)
	far := other.Start(Spec{Name: "far"})[0]
	address := r.Address("orders", 9090)
	for method, server := range map[string]*Pod{"Orders/get": r.servers[0], "Orders/cancel": r.servers[1]} {
		r.Eventually(func() string {
			if c := far.Calls(10, "thrift", address, method); c.Servers[server.Name] != 10 {
				return fmt.Sprintf("%s: %+v, want all by %s", method, c, server.Name)
			}
			return ""
		})
	}
	if n := far.Counter(passed); n != 0 {
		t.Errorf("%d connections were passed on unread", n)
	}
	if !strings.Contains(far.Admin("clusters"), "outbound|9090||orders."+r.Name) {
		t.Error("the client's proxy does not know the service")
	}
}

// A call to an address that is no service's gets the protocol's error for a missing route.
func (r *reach) unknownService(t *testing.T) {
	r.apply("examples/istio/thrift.yaml")
	r.client.Await("thrift", r.Address("orders", 9090), "Orders/get")
	counted := r.client.Counted(func() {
		for range 3 {
			if c := r.client.Call("thrift", "192.0.2.7:9090", "Orders/get"); c.OK || !strings.Contains(c.Text, "no route") {
				t.Errorf("%+v, want the protocol's error for a missing route", c)
			}
		}
	}, passed, `http\.outbound_0\.0\.0\.0_9090.*\.no_cluster`, `.*meltemi.*errors_no_route.*`)
	if counted[0] != 0 || counted[1] != 3 {
		t.Errorf("the client's proxy passed on %d connections unread and missed the route of %d calls, want 0 and 3", counted[0], counted[1])
	}
	if counted[2] == 0 {
		t.Error("the library counts no call without a route")
	}
}

// A client of a headless service dials pods, and each call goes to the one that was dialed,
// between proxies with mTLS.
func (r *reach) headless(t *testing.T) {
	r.apply("examples/istio/headless.yaml")
	for _, server := range r.servers {
		r.Eventually(func() string {
			if c := r.client.Call("thrift", r.at(server), "Orders/get"); c.Server != server.Name {
				return fmt.Sprintf("%s is dialed: %+v", server.Name, c)
			}
			return ""
		})
		read := `http\.inbound_0\.0\.0\.0_` + strconv.Itoa(reachPort) + `.*\.downstream_rq_2xx`
		var c Calls
		counted := server.Counted(func() { c = r.client.Calls(20, "thrift", r.at(server), "Orders/get") }, read)
		if c.Servers[server.Name] != 20 || counted[0] != 20 {
			t.Errorf("%s is dialed: %+v, and its proxy read %d calls, want 20", server.Name, c, counted[0])
		}
	}
	if is := r.Bound("orders").Targets[0]; is.Upstream != "mesh" {
		t.Errorf("the binding is %+v, want mesh", is)
	}
}

// A client that dials a pod's address which it has from elsewhere cannot be read without
// hosts; with them, routes hold whichever pod it dials.
func (r *reach) registry(t *testing.T) {
	r.apply("examples/istio/thrift.yaml")
	r.client.Await("thrift", r.Address("orders", 9090), "Orders/get")
	r.Eventually(func() string { // the listener of the scenario before goes
		if strings.Contains(r.client.Admin("listeners"), fmt.Sprintf("0.0.0.0_%d:", reachPort)) {
			return "there still is a listener for the servers' port"
		}
		return ""
	})
	before := r.servers[0].Seen("Orders/get")
	counted := r.client.Counted(func() {
		if c := r.client.Call("thrift", r.at(r.servers[0]), "Orders/get"); c.OK {
			t.Errorf("%+v, want its connection to be refused: it is not read, so it has no mTLS", c)
		}
	}, passed)
	if seen := r.servers[0].Seen("Orders/get") - before; seen != 0 || counted[0] != 1 {
		t.Errorf("the server saw %d calls, the client's proxy passed %d connections on", seen, counted[0])
	}

	r.apply("examples/istio/registry.yaml")
	r.ApplyFile("examples/istio/route-by-method.yaml")
	for method, server := range map[string]*Pod{"Orders/get": r.servers[0], "Orders/cancel": r.servers[1]} {
		for _, dialed := range r.servers {
			r.Eventually(func() string {
				if c := r.client.Calls(10, "thrift", r.at(dialed), method); c.Servers[server.Name] != 10 {
					return fmt.Sprintf("%s with %s dialed: %+v, want all by %s", method, dialed.Name, c, server.Name)
				}
				return ""
			})
		}
	}
}
