package controller

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// user is who the controller is to the API server.
const user = "system:serviceaccount:meltemi-system:meltemi-controller"

// mesh is a Kubernetes API with all definitions, the controller's rights, and namespaces.
type mesh struct {
	*kube.Cluster
	t *testing.T
}

func startMesh(t *testing.T) *mesh {
	t.Helper()
	m := &mesh{kube.Start(t, user), t}
	m.Define()
	m.Apply(m.rights())
	for _, name := range []string{"istio-system", "shop", "web"} {
		m.Apply("{apiVersion: v1, kind: Namespace, metadata: {name: " + name + "}}")
	}
	return m
}

// rights are the manifests of what the controller may do.
func (m *mesh) rights() string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(machine.Root(m.t), "deploy", "manifests", "rbac.yaml"))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

// built is the path of a program that `make build` makes.
func built(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(machine.Root(t), "bin", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v (make build makes it)", err)
	}
	return path
}

// service is a Service with a port, and a binding of it. It is in namespace shop.
func service(name string, port int) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: %[1]s, namespace: shop}
spec:
  selector: {app: %[1]s}
  ports: [{name: http2-dubbo, port: %[2]d, targetPort: %[3]d}]
---
apiVersion: meltemi.dev/v1alpha1
kind: CodecBinding
metadata: {name: %[1]s, namespace: shop}
spec:
  targetRefs: [{kind: Service, name: %[1]s, port: http2-dubbo}]
  codec: {name: dubbo}
`, name, port, port+10_000)
}

// filters are the EnvoyFilters with the controller's label, by namespace/name.
func (m *mesh) filters() map[string]*networkingv1alpha3.EnvoyFilter {
	m.t.Helper()
	var list networkingv1alpha3.EnvoyFilterList
	if err := m.Client.List(m.t.Context(), &list, client.MatchingLabels{render.ManagedBy: render.Manager}); err != nil {
		m.t.Fatal(err)
	}
	all := map[string]*networkingv1alpha3.EnvoyFilter{}
	for _, f := range list.Items {
		all[f.Namespace+"/"+f.Name] = f
	}
	return all
}

// translated are the EnvoyFilters that `meltemi translate` prints for what the API server
// has.
func (m *mesh) translated() map[string]*networkingv1alpha3.EnvoyFilter {
	m.t.Helper()
	var in, out bytes.Buffer
	for _, kind := range []schema.GroupVersionKind{
		{Group: "meltemi.dev", Version: "v1alpha1", Kind: "CodecBindingList"},
		{Group: "meltemi.dev", Version: "v1alpha1", Kind: "RateLimitPolicyList"},
		{Version: "v1", Kind: "ServiceList"},
		{Version: "v1", Kind: "PodList"},
	} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		if err := m.Client.List(m.t.Context(), list); err != nil {
			m.t.Fatal(err)
		}
		for i := range list.Items {
			text, err := yaml.Marshal(list.Items[i].Object)
			if err != nil {
				m.t.Fatal(err)
			}
			fmt.Fprintf(&in, "---\n%s", text)
		}
	}
	cmd := exec.CommandContext(m.t.Context(), built(m.t, "meltemi"), "translate", "-f", "-", "--library", built(m.t, "libmeltemi.so"))
	var problems bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &problems
	// Its code is 1 if a binding is not accepted.
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 1 {
		m.t.Fatalf("%v: %v\n%s", cmd.Args, err, problems.String())
	}
	reader, err := manifest.NewReader()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := reader.Read("meltemi translate", &out); err != nil {
		m.t.Fatal(err)
	}
	all := map[string]*networkingv1alpha3.EnvoyFilter{}
	for _, o := range reader.Objects {
		f := o.Object.(*networkingv1alpha3.EnvoyFilter)
		all[f.Namespace+"/"+f.Name] = f
	}
	return all
}

// settles waits until the API server has the EnvoyFilters that `meltemi translate` prints,
// and returns them.
func (m *mesh) settles() map[string]*networkingv1alpha3.EnvoyFilter {
	m.t.Helper()
	want, got := m.translated(), map[string]*networkingv1alpha3.EnvoyFilter{}
	kube.Eventually(m.t, kube.Patience, func() string {
		got = m.filters()
		if has, wants := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(has, wants) {
			return fmt.Sprintf("there are the EnvoyFilters %q, want %q", has, wants)
		}
		for key, f := range want {
			if g := got[key]; !proto.Equal(&g.Spec, &f.Spec) || !maps.Equal(g.Labels, f.Labels) || g.Annotations[render.OwnersAnnotation] != f.Annotations[render.OwnersAnnotation] {
				return fmt.Sprintf("EnvoyFilter %s is\n%v %v %v\nwant\n%v %v %v", key, &g.Spec, g.Labels, g.Annotations, &f.Spec, f.Labels, f.Annotations)
			}
		}
		return ""
	})
	return got
}

// binding is a CodecBinding in namespace shop, nil if there is none.
func (m *mesh) binding(name string) *v1alpha1.CodecBinding {
	m.t.Helper()
	var b v1alpha1.CodecBinding
	err := m.Client.Get(m.t.Context(), client.ObjectKey{Namespace: "shop", Name: name}, &b)
	if client.IgnoreNotFound(err) != nil {
		m.t.Fatal(err)
	}
	if err != nil {
		return nil
	}
	return &b
}

// becomes waits until a condition of a binding's present generation has a reason, and
// returns it.
func (m *mesh) becomes(name, kind, reason string) metav1.Condition {
	m.t.Helper()
	var is metav1.Condition
	kube.Eventually(m.t, kube.Patience, func() string {
		b := m.binding(name)
		if b == nil {
			return "there is no CodecBinding " + name
		}
		if found := meta.FindStatusCondition(b.Status.Conditions, kind); found != nil && found.Reason == reason && found.ObservedGeneration == b.Generation {
			is = *found
			return ""
		}
		return fmt.Sprintf("CodecBinding %s of generation %d has %+v, want %s with reason %s", name, b.Generation, b.Status.Conditions, kind, reason)
	})
	return is
}

// goes waits until a binding is gone.
func (m *mesh) goes(name string) {
	m.t.Helper()
	kube.Eventually(m.t, kube.Patience, func() string {
		if b := m.binding(name); b != nil {
			return fmt.Sprintf("CodecBinding %s is still there: %+v", name, b.Status.Conditions)
		}
		return ""
	})
}

// edit changes an object as somebody with an editor does.
func edit[T client.Object](m *mesh, key string, o T, change func(T)) {
	m.t.Helper()
	namespace, name, _ := strings.Cut(key, "/")
	kube.Eventually(m.t, kube.Patience, func() string {
		err := m.Client.Get(m.t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, o)
		if err == nil {
			change(o)
			err = m.Client.Update(m.t.Context(), o, client.FieldOwner("somebody"))
		}
		if err != nil {
			return errors.Join(errors.New(key), err).Error()
		}
		return ""
	})
}

// named is the metadata of an object of which only the name matters.
func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}
