package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/test/kube"
)

// orders is a Service with a port for HTTP/2, and its binding.
const orders = `
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop}
spec:
  selector: {app: orders}
  ports: [{name: http2-rpc, port: 20880}]
---
apiVersion: meltemi.dev/v1alpha1
kind: CodecBinding
metadata: {name: orders, namespace: shop}
spec:
  targetRefs: [{kind: Service, name: orders, port: 20880}]
  codec: {name: pigeon}
`

// follows are the EnvoyFilters that follow from it, with those for clients in a namespace.
// No server is known, so the protocol itself is spoken.
func follows(clients string) []string {
	return []string{"shop/meltemi-inbound-service-orders-20880", clients + "/meltemi-outbound-20880", clients + "/meltemi-direct-shop-20880"}
}

// TestRelease is the life of an installation; each part goes on where the one before ended.
func TestRelease(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	c.dryRun()
	c.installs()
	c.upgrades()
	c.uninstalls()
	c.removes()
	c.manifests()
	c.needsItsRights()
	c.documented()
	c.tenants()
}

// dryRun has the server judge everything that the chart makes, and a pod of it in a
// namespace that takes no pod with more rights than it needs.
func (c *cluster) dryRun() {
	c.t.Helper()
	c.run(append(helmFor(c.t, "helm install", chart(c.t)), "--dry-run=server")...)
	var none corev1.Namespace
	if err := c.Client.Get(c.t.Context(), client.ObjectKey{Name: namespace}, &none); client.IgnoreNotFound(err) != nil || err == nil {
		c.t.Fatalf("the dry run was none: %v", err)
	}
	c.Apply("{apiVersion: v1, kind: Namespace, metadata: {name: " + namespace + ", labels: {pod-security.kubernetes.io/enforce: restricted}}}")
	rendered := c.Documents(c.template("--set", "metrics.service=true", "--set-literal", "library.info={}"))
	for _, u := range rendered {
		if err := c.Client.Apply(c.t.Context(), client.ApplyConfigurationFromUnstructured(u), client.FieldOwner("test"), client.DryRunAll); err != nil {
			c.t.Errorf("%s %s: %v", u.GetKind(), u.GetName(), err)
		}
		if u.GetKind() != "Deployment" {
			continue
		}
		var d appsv1.Deployment
		if err := yaml.Unmarshal(marshal(c.t, u), &d); err != nil {
			c.t.Fatal(err)
		}
		pod := &corev1.Pod{ObjectMeta: d.Spec.Template.ObjectMeta, Spec: d.Spec.Template.Spec}
		pod.Namespace, pod.Name = namespace, "controller"
		if err := c.Client.Create(c.t.Context(), pod, client.DryRunAll); err != nil {
			c.t.Errorf("a pod of the controller: %v", err)
		}
	}
	if len(rendered) < 10 {
		c.t.Errorf("the chart makes %d objects only", len(rendered))
	}
}

// installs installs a chart of a version before this one, and runs the controller with
// what it says.
func (c *cluster) installs() {
	c.t.Helper()
	c.run(append(helmFor(c.t, "helm install", older(c.t)),
		"--set-file", "library.info="+pigeons(c.t), "--set", "library.name=/opt/rpc/librpc.so")...)
	c.runs("registry.example/mesh/meltemi-controller:v0.1.0")
	c.Serves(c.definitions()...)
	c.starts(2)
	c.Apply(orders)
	c.becomes(v1alpha1.ConditionProgrammed, v1alpha1.ReasonProgrammed, "")
	for key, f := range c.filters(follows("istio-system")...) {
		if text := f.Spec.String(); !strings.Contains(text, "/opt/rpc/librpc.so") || !strings.Contains(text, "pigeon") {
			c.t.Errorf("EnvoyFilter %s has nothing of the chart's values: %s", key, text)
		}
	}
	c.leads()
	c.corrects()
}

// runs sees to it that the controller's Deployment has an image.
func (c *cluster) runs(image string) {
	c.t.Helper()
	var d appsv1.Deployment
	c.get(namespace+"/meltemi-controller", &d)
	if is := d.Spec.Template.Spec.Containers[0].Image; is != image {
		c.t.Errorf("the controller's image is %s, want %s", is, image)
	}
}

// corrects has the controller work on what somebody has changed, and on a policy.
func (c *cluster) corrects() {
	c.t.Helper()
	var f networkingv1alpha3.EnvoyFilter
	c.get("istio-system/meltemi-outbound-20880", &f)
	f.Spec.Priority = 7
	if err := c.Client.Update(c.t.Context(), &f, client.FieldOwner("somebody")); err != nil {
		c.t.Fatal(err)
	}
	c.Apply(`
apiVersion: meltemi.dev/v1alpha1
kind: RateLimitPolicy
metadata: {name: orders, namespace: shop}
spec:
  targetRefs: [{kind: Service, name: orders, port: 20880}]
  rules: [{name: all, local: {requests: 1, per: 1s}}]
`)
	kube.Eventually(c.t, kube.Patience, func() string {
		var p v1alpha1.RateLimitPolicy
		c.get("istio-system/meltemi-outbound-20880", &f)
		c.get("shop/orders", &p)
		if f.Spec.Priority != 0 || !meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionProgrammed) {
			return fmt.Sprintf("the EnvoyFilter has priority %d, the policy %+v", f.Spec.Priority, p.Status.Conditions)
		}
		return ""
	})
}

// upgrades upgrades to this version, with other values. The definitions come along.
func (c *cluster) upgrades() {
	c.t.Helper()
	c.run(append(helmFor(c.t, "helm upgrade", chart(c.t)), "--set", "mesh.clientNamespaces={web}", "--set", "replicas=1")...)
	c.runs("registry.example/mesh/meltemi-controller:v0.2.0")
	kube.Eventually(c.t, kube.Patience, func() string {
		changed := c.orders()
		changed.Spec.Hosts = map[string]v1alpha1.Host{"com.shop.Orders": "orders"}
		if err := c.Client.Update(c.t.Context(), changed, client.DryRunAll); err != nil {
			return err.Error()
		}
		if len(changed.Spec.Hosts) == 0 {
			return "the definition is the older one"
		}
		return ""
	})
	c.stops()
	c.starts(1)
	c.filters(follows("web")...)
}

// uninstalls uninstalls the chart while there are bindings. What proxies go by stays, and
// so do the users' wishes, which nobody can delete until a controller comes back.
func (c *cluster) uninstalls() {
	c.t.Helper()
	c.stops()
	c.run("uninstall", "meltemi", "--namespace", namespace)
	c.gone()
	c.filters(follows("web")...)
	c.keepsDefinitions()
	c.Delete(c.orders())
	if b := c.orders(); b == nil || b.DeletionTimestamp.IsZero() {
		c.t.Errorf("nothing holds the binding: %v", b)
	}
}

// removes comes back, and goes in the order that the documentation tells: the port, the
// binding, the chart, the definitions.
func (c *cluster) removes() {
	c.t.Helper()
	c.run("install", "meltemi", chart(c.t), "--namespace", namespace, "--set-file", "library.info="+pigeons(c.t))
	c.starts(2)
	c.becomes(v1alpha1.ConditionAccepted, v1alpha1.ReasonAccepted, "deleted, but held: its ports are still HTTP/2 to Istio")
	c.filters(follows("istio-system")...)
	c.removesOrders()
	c.stops()
	c.run("uninstall", "meltemi", "--namespace", namespace)
	c.keepsDefinitions()
	for _, u := range c.definitions() {
		c.Delete(u)
	}
	kube.Eventually(c.t, kube.Patience, func() string {
		if len(c.definitions()) > 0 {
			return "the definitions are still there"
		}
		return ""
	})
}

// removesOrders declares the port of the service tcp, which lets its binding go.
func (c *cluster) removesOrders() {
	c.t.Helper()
	if b := c.orders(); b.DeletionTimestamp.IsZero() {
		c.Delete(b)
	}
	c.Apply(strings.Replace(strings.Split(orders, "---")[0], "http2-rpc", "tcp-rpc", 1))
	kube.Eventually(c.t, kube.Patience, func() string {
		if c.orders() != nil {
			return "the binding is still there"
		}
		return ""
	})
	c.filters()
}

// manifests installs without Helm.
func (c *cluster) manifests() {
	c.t.Helper()
	c.Apply(read(c.t, "deploy/manifests/install.yaml"))
	c.Serves(c.definitions()...)
	c.starts(2)
	c.Apply(strings.Replace(orders, "pigeon", "dubbo", 1))
	c.becomes(v1alpha1.ConditionProgrammed, v1alpha1.ReasonProgrammed, "")
	c.filters(follows("istio-system")...)
	c.removesOrders()
	c.stops()
}

// older is the chart of a version before this one, whose definition of bindings has fewer
// fields.
func older(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "meltemi")
	if err := os.CopyFS(dir, os.DirFS(chart(t))); err != nil {
		t.Fatal(err)
	}
	crd := filepath.Join(dir, "files", "crds", "meltemi.dev_codecbindings.yaml")
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(read(t, "controlplane/api/crds/meltemi.dev_codecbindings.yaml")), &u.Object); err != nil {
		t.Fatal(err)
	}
	version := u.Object["spec"].(map[string]any)["versions"].([]any)[0].(map[string]any)
	fields, found, err := unstructured.NestedMap(version, "schema", "openAPIV3Schema", "properties", "spec", "properties")
	if err != nil || !found || fields["hosts"] == nil {
		t.Fatalf("the definition has no hosts: %v", err)
	}
	unstructured.RemoveNestedField(version, "schema", "openAPIV3Schema", "properties", "spec", "properties", "hosts")
	if err := os.WriteFile(crd, marshal(t, u), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// pigeons is the description of a library with a codec that ours lacks.
func pigeons(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), built(t, "meltemi"), "codecs", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "library.json")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(out), `"name": "brpc"`, `"name": "pigeon"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// leads sees to it that one of the controllers has the lease, and says so, and that they
// tell of the binding.
func (c *cluster) leads() {
	c.t.Helper()
	var lease coordinationv1.Lease
	c.get(namespace+"/meltemi-controller", &lease)
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		c.t.Errorf("nobody has the lease: %v", lease.Spec)
	}
	for in, reason := range map[string]string{namespace: "LeaderElection", "shop": "Accepted"} {
		kube.Eventually(c.t, kube.Patience, func() string {
			var list eventsv1.EventList
			if err := c.Client.List(c.t.Context(), &list, client.InNamespace(in)); err != nil {
				return err.Error()
			}
			if !slices.ContainsFunc(list.Items, func(e eventsv1.Event) bool { return e.Reason == reason }) {
				return "there is no event " + reason + " in namespace " + in
			}
			return ""
		})
	}
}

// definitions are our CustomResourceDefinitions in the cluster.
func (c *cluster) definitions() []*unstructured.Unstructured {
	c.t.Helper()
	var list apiextensionsv1.CustomResourceDefinitionList
	if err := c.Client.List(c.t.Context(), &list); err != nil {
		c.t.Fatal(err)
	}
	var ours []*unstructured.Unstructured
	for i := range list.Items {
		if crd := &list.Items[i]; crd.Spec.Group == v1alpha1.GroupVersion.Group {
			u := &unstructured.Unstructured{}
			u.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
			u.SetName(crd.Name)
			u.SetDeletionTimestamp(crd.DeletionTimestamp)
			ours = append(ours, u)
		}
	}
	return ours
}

// keepsDefinitions sees to it that Helm has left them alone: one that it deletes would
// stay while something holds a binding, and go then.
func (c *cluster) keepsDefinitions() {
	c.t.Helper()
	all := c.definitions()
	if len(all) != 2 || slices.ContainsFunc(all, func(u *unstructured.Unstructured) bool { return u.GetDeletionTimestamp() != nil }) {
		c.t.Fatalf("Helm has deleted definitions, of %d that are left", len(all))
	}
}

// gone sees to it that nothing of the controller itself is left.
func (c *cluster) gone() {
	c.t.Helper()
	named := metav1.ObjectMeta{Namespace: namespace, Name: "meltemi-controller"}
	for _, o := range []client.Object{
		&appsv1.Deployment{ObjectMeta: named}, &corev1.ServiceAccount{ObjectMeta: named}, &corev1.ConfigMap{ObjectMeta: named},
		&rbacv1.Role{ObjectMeta: named}, &rbacv1.RoleBinding{ObjectMeta: named},
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: named.Name}}, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: named.Name}},
	} {
		kube.Eventually(c.t, kube.Patience, func() string {
			if err := c.Client.Get(c.t.Context(), client.ObjectKeyFromObject(o), o); client.IgnoreNotFound(err) != nil || err == nil && o.GetDeletionTimestamp().IsZero() {
				return "it is still there: " + o.GetName()
			}
			return ""
		})
	}
}

func marshal(t *testing.T, u *unstructured.Unstructured) []byte {
	t.Helper()
	text, err := yaml.Marshal(u.Object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
