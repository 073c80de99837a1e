package mesh

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
)

// A pod with a new copy of the library joins; then the binding is deleted, which is held
// while the port is HTTP/2 to Istio, and says so; then proxies of clients send the protocol
// itself: all of that costs no call. When the port is tcp again, nothing of ours is left.
func TestRemoval(t *testing.T) {
	t.Parallel()
	n := New(t)
	n.ApplyFile("examples/istio/strict.yaml")
	n.ApplyFile("examples/istio/thrift.yaml")
	pods := n.Start(Serve("thrift", "orders-v1", 9091, "--delay", "5ms"), Spec{Name: "client"})
	first, client := pods[0], pods[1]
	address := n.Address("orders", 9090)
	n.Bound("orders")
	client.Await("thrift", address, "Orders/get")

	stop := client.Load(400, "thrift", address, "Orders/get", "--concurrency", "4")
	spec := Serve("thrift", "orders-v2", 9091, "--delay", "5ms")
	spec.Annotations = map[string]string{"sidecar.istio.io/userVolume": fmt.Sprintf(`[{"name": "meltemi", "hostPath": {"path": %q}}]`, copyOfLibrary(t))}
	second := n.Start(spec)[0]
	n.Eventually(func() string {
		if second.Seen("Orders/get") < 20 {
			return "the server with the new copy of the library gets no calls"
		}
		return ""
	})
	lossless(t, "a server has a new copy of the library", stop(), first, second)

	stop = client.Load(400, "thrift", address, "Orders/get", "--concurrency", "4")
	n.Delete("{apiVersion: meltemi.dev/v1alpha1, kind: CodecBinding, metadata: {name: orders}}")
	n.Eventually(func() string {
		is := n.binding("orders").Status
		if c := meta.FindStatusCondition(is.Conditions, v1alpha1.ConditionAccepted); c == nil || !strings.Contains(c.Message, "deleted, but held: its ports are still HTTP/2") {
			return fmt.Sprintf("the binding does not say that it is held: %+v", is)
		}
		return ""
	})
	n.ApplyFile("examples/istio/binding-direct.yaml")
	n.reads(client, v1alpha1.UpstreamDirect)
	lossless(t, "the binding is held", stop(), first, second)

	// Connections that are open at this moment lose calls before they are closed: Istio has
	// no routes for them any more. New ones may be refused, until all proxies are told.
	stop = client.Load(100, "thrift", address, "Orders/get", "--concurrency", "4")
	n.ApplyFile("examples/istio/before-binding.yaml")
	n.gone("orders")
	t.Logf("calls while the port became tcp: %+v", stop())
	passed := `tcp\.outbound\|9090\|\|orders\..*\.downstream_cx_total`
	n.Eventually(func() string {
		if c := client.Calls(20, "thrift", address, "Orders/get"); c.OK != 20 || client.Counter(passed) == 0 {
			return fmt.Sprintf("%+v, want all answered, through TCP", c)
		}
		return ""
	})
	read := client.Counted(func() {
		for range 10 { // each on connections of its own
			if c := client.Calls(20, "thrift", address, "Orders/get", "--concurrency", "4"); c.OK != 20 {
				t.Errorf("without the binding: %+v, want all answered", c)
			}
		}
	}, `cluster\.outbound\|9090\|\|orders\..*\.upstream_rq_[2-5]xx`, passed)
	if read[0] != 0 || read[1] != 40 {
		t.Errorf("without the binding the client's proxy reads %d calls, and passes %d connections; want 0 and 40", read[0], read[1])
	}
	for _, p := range []*Pod{first, second} {
		if strings.Contains(p.Admin("config_dump?resource=dynamic_listeners&name_regex=virtualInbound"), "dynamic_module") ||
			strings.Contains(p.Admin("config_dump?resource=dynamic_active_clusters&name_regex=inbound.*"), "dynamic_module") {
			t.Errorf("the proxy of %s still has something of ours", p.Name)
		}
	}
}

// gone waits until a binding and all that followed from the namespace's bindings are gone.
func (n *Namespace) gone(binding string) {
	n.t.Helper()
	n.Eventually(func() string {
		err := n.cluster.Client.Get(n.t.Context(), client.ObjectKey{Namespace: n.Name, Name: binding}, &v1alpha1.CodecBinding{})
		if !apierrors.IsNotFound(err) {
			return fmt.Sprintf("the binding is still there: %v", err)
		}
		var all networkingv1alpha3.EnvoyFilterList
		if err := n.cluster.Client.List(n.t.Context(), &all); err != nil {
			return err.Error()
		}
		for _, f := range all.Items {
			for _, owner := range render.OwnersOf(f) {
				if strings.Contains(owner, "/"+n.Name+"/") {
					return fmt.Sprintf("EnvoyFilter %s/%s is left", f.Namespace, f.Name)
				}
			}
		}
		return ""
	})
}

// copyOfLibrary is a folder with a copy of the library.
func copyOfLibrary(t *testing.T) string {
	t.Helper()
	dir := life.TempDir()
	text, err := os.ReadFile(Built("libmeltemi.so"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "libmeltemi.so"), text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
