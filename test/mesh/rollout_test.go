package mesh

import (
	"fmt"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// The library and a binding are rolled out under load, and no call is lost: servers get
// the library first, one after the other, then clients; then the port is declared HTTP/2
// and bound, first with the protocol itself between proxies, which servers' proxies read
// whether they know of the binding or not, then with HTTP/2. Servers that are replaced
// later cost no call either.
func TestRollOut(t *testing.T) {
	t.Parallel()
	n := New(t)
	n.ApplyFile("examples/istio/strict.yaml")
	n.ApplyFile("examples/istio/before-binding.yaml")
	server := func(name string, library bool) Spec {
		s := Serve("thrift", name, 9091, "--delay", "5ms")
		s.NoLibrary = !library
		return s
	}
	pods := n.Start(server("orders-v1", false), server("orders-v2", false), Spec{Name: "client-old", NoLibrary: true})
	servers, client := pods[:2], pods[2]
	address := n.Address("orders", 9090)
	client.Await("thrift", address, "Orders/get")

	// Beside tcp_proxy a connection stays with its server, until the load has made its calls
	// on it.
	stop := client.Load(400, "thrift", address, "Orders/get", "--concurrency", "4")
	for i, old := range servers {
		servers[i] = n.Start(server(fmt.Sprintf("orders-v%d", i+3), true))[0]
		n.called(servers[i])
		old.Retire(client.left(old))
	}
	lossless(t, "servers get the library", stop(), servers...)

	client.Retire(nil)
	client = n.Start(Spec{Name: "client"})[0]
	client.Await("thrift", address, "Orders/get")
	// Connections that are open go on while the port changes. New ones may meet a proxy that
	// has been told of one half.
	stop = client.Load(3000, "thrift", address, "Orders/get", "--concurrency", "4")
	n.ApplyFile("examples/istio/binding-direct.yaml")
	n.Eventually(func() string {
		if b := n.binding("orders"); len(b.Status.Conditions) == 0 {
			return "the controller has not seen the binding"
		}
		return ""
	})
	n.ApplyFile("examples/istio/thrift.yaml", "name: thrift\n", "name: thrift\n  upstream: direct\n")
	n.reads(client, v1alpha1.UpstreamDirect)
	n.ApplyFile("examples/istio/thrift.yaml")
	n.reads(client, v1alpha1.UpstreamMesh)
	n.Eventually(func() string {
		for _, s := range servers {
			if s.Counter(`http\.inbound_0\.0\.0\.0_9091.*\.downstream_cx_http2_active`) == 0 {
				return s.Name + " gets no HTTP/2"
			}
		}
		return ""
	})
	lossless(t, "the port is bound", stop()) // it is chance which servers its few connections are at

	stop = client.Load(400, "thrift", address, "Orders/get", "--concurrency", "4")
	gone, servers := servers[0], append(servers[1:], n.Start(server("orders-v5", true))...)
	n.called(servers[1])
	gone.Retire(client.left(gone))
	lossless(t, "a server is replaced", stop(), servers...)
	if c := client.Calls(50, "thrift", address, "Orders/get", "--concurrency", "4"); c.Failed > 0 || c.Servers[gone.Name] > 0 {
		t.Errorf("after it: %+v, want none by the one that is gone", c)
	}
}

// called waits until a new server gets calls.
func (n *Namespace) called(server *Pod) {
	n.t.Helper()
	n.Eventually(func() string {
		if server.Seen("Orders/get") == 0 {
			return server.Name + " gets no calls"
		}
		return ""
	})
}

// left is the condition that a client's proxy knows a server no more, and that the server's
// proxy has no connection, and got none since the condition was asked last: what a proxy
// knows, its workers know a moment later.
func (p *Pod) left(server *Pod) func() string {
	const connections = `listener\.0\.0\.0\.0_15006\.downstream_cx_`
	before := -1
	return func() string {
		if strings.Contains(p.Admin("clusters"), "::"+server.IP+":9091::") {
			return fmt.Sprintf("the proxy of %s still knows %s", p.Name, server.Name)
		}
		open, all := server.Counter(connections+"active"), server.Counter(connections+"total")
		if open > 0 || all != before {
			before = all
			return fmt.Sprintf("%s has %d connections of %d that it got", server.Name, open, all)
		}
		return ""
	}
}

// reads waits until a client's proxy reads calls, and clients are told to send them so.
func (n *Namespace) reads(client *Pod, upstream v1alpha1.Upstream) {
	n.t.Helper()
	counter := `cluster\.outbound\|9090\|\|orders\..*\.upstream_rq_2xx`
	before := client.Counter(counter)
	n.Eventually(func() string {
		client.Calls(5, "thrift", n.Address("orders", 9090), "Orders/get")
		if is := n.Bound("orders").Targets[0]; is.Upstream != upstream || client.Counter(counter) == before {
			return fmt.Sprintf("the binding is %+v, want %s, and the client's proxy to read calls", is, upstream)
		}
		return ""
	})
}

// lossless checks that all calls of a load went well, and that each of some servers answered some.
func lossless(t *testing.T, when string, c Calls, servers ...*Pod) {
	t.Helper()
	if c.Failed > 0 {
		t.Errorf("%s: %+v, want no call lost", when, c)
	}
	for _, s := range servers {
		if c.Servers[s.Name] == 0 {
			t.Errorf("%s: %+v, want calls by %s", when, c, s.Name)
		}
	}
}
