package mesh

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
)

// Clients are served where the service may be known and the controller may write. It is not
// parallel, since it starts the controller anew.
func TestExportTo(t *testing.T) {
	shop, friends, strangers := New(t), New(t), New(t)
	shop.ApplyFile("examples/istio/strict.yaml")
	shop.ApplyFile("examples/istio/export-to.yaml", ".,friends", ".,"+friends.Name, "port: 9090", "port: 9290")
	server := shop.Start(Serve("thrift", "orders-v1", 9091))[0]
	friend := friends.Start(Spec{Name: "friend"})[0]
	stranger := strangers.Start(Spec{Name: "stranger"})[0]
	shop.Bound("orders")
	address := shop.Address("orders", 9290)

	// served checks where the filters for clients are, and who is served.
	served := func(by string, namespaces ...string) {
		t.Helper()
		slices.Sort(namespaces)
		shop.Eventually(func() string {
			if in := shop.filters("meltemi-outbound-9290"); !slices.Equal(in, namespaces) {
				return fmt.Sprintf("%s: the EnvoyFilters for clients are in %v, want %v", by, in, namespaces)
			}
			return ""
		})
		for _, p := range []*Pod{friend, stranger} {
			reads := slices.Contains(namespaces, p.Namespace.Name) || slices.Contains(namespaces, "istio-system")
			shop.Eventually(func() string {
				// Once for the filter that tells HTTP/1, once for the one that reads calls.
				dump := p.Admin("config_dump?resource=dynamic_listeners&name_regex=0.0.0.0_9290")
				if count := strings.Count(dump, `"dynamic_module_config"`); reads && count != 2 || !reads && count != 0 {
					return fmt.Sprintf("%s: the proxy of %s has %d filters on the port, want it to read calls: %v", by, p.Name, count, reads)
				}
				return ""
			})
			if !reads {
				continue
			}
			seen := server.Seen("Orders/" + p.Name)
			p.Await("thrift", address, "Orders/"+p.Name)
			if c := p.Calls(20, "thrift", address, "Orders/"+p.Name); c.Servers[server.Name] != 20 {
				t.Errorf("%s: %s: %+v, want all answered", by, p.Name, c)
			}
			if seen = server.Seen("Orders/"+p.Name) - seen; seen < 21 {
				t.Errorf("%s: the server saw %d calls of %s, want 21", by, seen, p.Name)
			}
		}
	}
	served("exportTo", friends.Name, shop.Name)
	// Istio does not tell the stranger's proxy of the service, which takes nothing but mTLS.
	grown := stranger.Counted(func() {
		if c := stranger.Call("thrift", address, "Orders/stranger", "--timeout", "3s"); c.OK {
			t.Errorf("exportTo: %+v, want no answer for a stranger", c)
		}
	}, `cluster\.PassthroughCluster;?\.upstream_cx_total`)
	if grown[0] != 1 || server.Seen("Orders/stranger") != 0 {
		t.Errorf("exportTo: the stranger's proxy passed %d connections, and the server saw %d calls; want 1 and 0", grown[0], server.Seen("Orders/stranger"))
	}

	t.Cleanup(func() { shop.Mesh.RestartController() })
	shop.Mesh.RestartController("--client-namespaces=" + friends.Name)
	served("exportTo and permission", friends.Name)
	shop.ApplyFile("examples/istio/export-to.yaml", ".,friends", "*", "port: 9090", "port: 9290")
	served("permission", friends.Name)
	shop.Mesh.RestartController()
	served("neither", "istio-system")
}

// filters are the namespaces that have an EnvoyFilter of a name, sorted.
func (n *Namespace) filters(name string) []string {
	n.t.Helper()
	var all networkingv1alpha3.EnvoyFilterList
	if err := n.cluster.Client.List(n.t.Context(), &all); err != nil {
		n.t.Fatal(err)
	}
	var namespaces []string
	for _, f := range all.Items {
		if f.Name == name {
			namespaces = append(namespaces, f.Namespace)
		}
	}
	slices.Sort(namespaces)
	return namespaces
}
