package mesh

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// Namespace is a namespace of Kubernetes that belongs to one test, with injection. What is
// applied and started in it is gone after the test.
type Namespace struct {
	Name string
	Mesh *Mesh

	t       *testing.T
	cluster *kube.Cluster // whose failures are the test's
	applied []*unstructured.Unstructured
}

var namespaces atomic.Int32

// Run runs a part of the test, as t.Run does. What is applied and started in it is gone
// after it. It is not parallel.
func (n *Namespace) Run(name string, f func(t *testing.T)) {
	n.t.Helper()
	whole := *n
	whole.t.Run(name, func(t *testing.T) {
		n.t, n.cluster, n.applied = t, n.Mesh.For(t), nil
		t.Cleanup(func() { *n = whole })
		t.Cleanup(n.empty)
		f(t)
	})
}

// New makes a namespace for a test, with a name like the test's.
func New(t *testing.T) *Namespace {
	t.Helper()
	word := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(strings.TrimPrefix(t.Name(), "Test")), "-"), "-")
	return NewNamed(t, fmt.Sprintf("%.40s-%d", word, namespaces.Add(1)))
}

// NewNamed makes a namespace for a test, with a name that no other has.
func NewNamed(t *testing.T, name string) *Namespace {
	t.Helper()
	m := Shared()
	n := &Namespace{Name: name, Mesh: m, t: t, cluster: m.For(t)}
	m.namespace(n.cluster, name, "enabled")
	t.Cleanup(n.empty)
	t.Cleanup(n.explain)
	return n
}

// namespace makes a namespace, and in it what Kubernetes' controllers would make.
func (m *Mesh) namespace(c *kube.Cluster, name, injection string) {
	c.Apply(fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s, labels: {istio-injection: "%[2]s"}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: %[1]s}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-root-ca.crt, namespace: %[1]s}
data: {ca.crt: ""}
`, name, injection))
}

// Apply applies the documents of a manifest, as `kubectl apply --server-side` does: in this
// namespace, if they do not name another. Proxies know of it a moment later.
func (n *Namespace) Apply(manifest string) {
	n.t.Helper()
	for _, u := range n.cluster.Documents(manifest) {
		n.place(u)
		if err := n.cluster.TryApply(u); err != nil {
			n.t.Fatalf("%s %s/%s: %v", u.GetKind(), u.GetNamespace(), u.GetName(), err)
		}
		n.applied = append(n.applied, u)
	}
}

// ApplyFile is Apply for a file, whose path begins at the repository's root. Each pair of
// the replacements is a text in the file, which has to be there, and what takes its place.
func (n *Namespace) ApplyFile(path string, replacements ...string) {
	n.t.Helper()
	n.Apply(n.read(path, replacements))
}

// Delete deletes what the documents of a manifest name.
func (n *Namespace) Delete(manifest string) {
	n.t.Helper()
	for _, u := range n.cluster.Documents(manifest) {
		n.place(u)
		n.cluster.Delete(u)
	}
}

// DeleteFile is Delete for a file, as ApplyFile is Apply for one.
func (n *Namespace) DeleteFile(path string, replacements ...string) {
	n.t.Helper()
	n.Delete(n.read(path, replacements))
}

func (n *Namespace) read(path string, replacements []string) string {
	n.t.Helper()
	b, err := os.ReadFile(filepath.Join(machine.Root(n.t), path))
	if err != nil {
		n.t.Fatal(err)
	}
	text := string(b)
	for pair := range slices.Chunk(replacements, 2) {
		if len(pair) != 2 || !strings.Contains(text, pair[0]) {
			n.t.Fatalf("%s has nothing to replace by %q", path, pair)
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return text
}

// place puts an object that does not name its namespace into this one.
func (n *Namespace) place(u *unstructured.Unstructured) {
	n.t.Helper()
	kind := u.GroupVersionKind()
	mapping, err := n.cluster.Client.RESTMapper().RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		n.t.Fatal(err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace && u.GetNamespace() == "" {
		u.SetNamespace(n.Name)
	}
}

// empty deletes what was applied, and waits until it is gone. Services go first, or their
// bindings would stay: while a port is declared HTTP/2 its proxies need the filters.
func (n *Namespace) empty() {
	var services, others []client.Object
	for _, u := range slices.Backward(n.applied) {
		if u.GetKind() == "Service" {
			services = append(services, u)
		} else {
			others = append(others, u)
		}
	}
	all := slices.Concat(services, others)
	n.cluster.Delete(all...)
	ctx := context.WithoutCancel(n.t.Context()) // which the test's end has ended
	n.Eventually(func() string {
		for _, o := range all {
			if err := n.cluster.Client.Get(ctx, client.ObjectKeyFromObject(o), o); !apierrors.IsNotFound(err) {
				return fmt.Sprintf("%s is still there: %v", o.GetName(), err)
			}
		}
		return ""
	})
}

// explain shows what the control plane printed, if the test failed.
func (n *Namespace) explain() {
	if !n.t.Failed() {
		return
	}
	for name, program := range map[string]*kube.Process{"istiod": n.Mesh.Istiod, "our controller": n.Mesh.Controller} {
		lines := strings.Split(program.Output(), "\n")
		n.t.Logf("last output of %s:\n%s", name, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
}

// Bound waits until proxies have been told of a CodecBinding, and returns what became of
// it.
func (n *Namespace) Bound(name string) v1alpha1.CodecBindingStatus {
	n.t.Helper()
	var b *v1alpha1.CodecBinding
	n.Eventually(func() string {
		b = n.binding(name)
		for _, kind := range []string{v1alpha1.ConditionAccepted, v1alpha1.ConditionProgrammed} {
			if c := meta.FindStatusCondition(b.Status.Conditions, kind); c == nil || c.Status != "True" || c.ObservedGeneration != b.Generation {
				return fmt.Sprintf("CodecBinding %s is not %s: %+v", name, kind, b.Status)
			}
		}
		return ""
	})
	return b.Status
}

// binding is a CodecBinding as it is.
func (n *Namespace) binding(name string) *v1alpha1.CodecBinding {
	n.t.Helper()
	var b v1alpha1.CodecBinding
	if err := n.cluster.Client.Get(n.t.Context(), client.ObjectKey{Namespace: n.Name, Name: name}, &b); err != nil {
		n.t.Fatal(err)
	}
	return &b
}

// Address is where clients dial a Service: HOST:PORT with its ClusterIP. There is no DNS.
func (n *Namespace) Address(service string, port int) string {
	n.t.Helper()
	var s unstructured.Unstructured
	s.SetAPIVersion("v1")
	s.SetKind("Service")
	if err := n.cluster.Client.Get(n.t.Context(), client.ObjectKey{Namespace: n.Name, Name: service}, &s); err != nil {
		n.t.Fatal(err)
	}
	ip, _, _ := unstructured.NestedString(s.Object, "spec", "clusterIP")
	return fmt.Sprintf("%s:%d", ip, port)
}

// Eventually waits until a condition holds: it is tried until it returns "", which
// otherwise is what is missing.
func (n *Namespace) Eventually(condition func() string) {
	n.t.Helper()
	kube.Eventually(n.t, kube.Patience, func() string {
		missing := condition()
		if missing != "" {
			time.Sleep(100 * time.Millisecond) // each try may be a program
		}
		return missing
	})
}
