package mesh

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// The library is missing for some pods: the others' calls go on, and the status tells.
func TestMissingLibrary(t *testing.T) {
	t.Parallel()
	n := New(t)
	n.ApplyFile("examples/istio/thrift.yaml")
	n.ApplyFile("examples/istio/strict.yaml")
	pods := n.Start(Serve("thrift", "orders-v1", 9091), Spec{Name: "client"})
	server, client := pods[0], pods[1]
	address := n.Address("orders", 9090)
	client.Await("thrift", address, "Orders/get")

	n.Run("for a new server", func(t *testing.T) {
		bare := Serve("thrift", "orders-v2", 9091)
		bare.NoLibrary = true
		stuck := n.begin(&bare)
		n.Eventually(func() string {
			rejected, err := stuck.get("http://127.0.0.1:15000/stats?filter=lds.update_rejected")
			if err != nil || strings.Contains(rejected, ": 0") {
				return fmt.Sprintf("its proxy has refused nothing: %s%v", rejected, err)
			}
			return ""
		})
		// It does not become ready, so a roll-out stops here.
		if _, err := stuck.get("http://127.0.0.1:15021/healthz/ready"); err == nil {
			t.Error("a new server without the library is ready")
		}
		n.Eventually(func() string {
			status := n.Bound("orders")
			ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionProxiesReady)
			if ready == nil || ready.Reason != v1alpha1.ReasonLibraryNotShown || !strings.Contains(ready.Message, "orders-v2") {
				return fmt.Sprintf("the binding has %+v, want that orders-v2 does not show the library", status.Conditions)
			}
			if is := status.Targets[0]; is.Upstream != v1alpha1.UpstreamDirect || !strings.Contains(is.Message, "orders-v2") {
				return fmt.Sprintf("the binding is %+v, want direct for orders-v2", is)
			}
			return ""
		})
		if c := client.Calls(20, "thrift", address, "Orders/get"); c.Servers[server.Name] != 20 {
			t.Errorf("%+v, want all by orders-v1", c)
		}
	})
	n.Run("for none any more", func(*testing.T) {
		http2 := `http\.inbound_0\.0\.0\.0_9091.*\.downstream_cx_http2_active`
		n.Eventually(func() string {
			client.Calls(5, "thrift", address, "Orders/get")
			if is := n.Bound("orders").Targets[0]; is.Upstream != v1alpha1.UpstreamMesh || server.Counter(http2) == 0 {
				return fmt.Sprintf("the binding is %+v, want HTTP/2 to the server", is)
			}
			return ""
		})
	})
	n.Run("for clients", func(t *testing.T) {
		bare := n.Start(Spec{Name: "bare", NoLibrary: true})[0] // it is ready
		before := server.Seen("Orders/get")
		if c := bare.Calls(5, "thrift", address, "Orders/get", "--timeout", "3s"); c.OK != 0 {
			t.Errorf("a client without the library gets %+v", c)
		}
		if seen := server.Seen("Orders/get") - before; seen > 0 {
			t.Errorf("the server saw %d of its calls", seen)
		}
		if c := client.Calls(20, "thrift", address, "Orders/get"); c.OK != 20 {
			t.Errorf("a client with it gets %+v", c)
		}
	})
}
