package controller

import (
	"strings"
	"testing"

	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/controller"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/test/kube"
)

// TestOwnership tells what the controller takes for its own from what it leaves alone.
func TestOwnership(t *testing.T) { //nolint:tparallel // its parts follow one another
	t.Parallel()
	m := startMesh(t)
	foreign := m.Apply(`
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: theirs, namespace: istio-system}
spec: {}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: meltemi-outbound-20999, namespace: istio-system}
spec: {priority: 7}
`)
	m.Apply(`
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: left-over, namespace: web, labels: {app.kubernetes.io/managed-by: meltemi-controller}}
spec: {}
`)
	m.start("--leader-elect=false")
	m.Apply(service("orders", 20880) + "---" + service("stock", 20880))
	made := m.settles() // so the left-over is deleted

	t.Run("references", func(t *testing.T) { // the garbage collector's
		own := made["shop/meltemi-inbound-service-orders-30880"].OwnerReferences
		if b := m.binding("orders"); len(own) != 1 || own[0].Kind != "CodecBinding" || own[0].Name != "orders" || own[0].UID != b.UID {
			t.Errorf("the EnvoyFilter in the binding's namespace has the owners %v", own)
		}
		if across := made["istio-system/meltemi-outbound-20880"]; len(across.OwnerReferences) != 0 ||
			across.Annotations[render.OwnersAnnotation] != "CodecBinding/shop/orders,CodecBinding/shop/stock" {
			t.Errorf("the EnvoyFilter in another namespace has the owners %v, annotations %v", across.OwnerReferences, across.Annotations)
		}
	})
	t.Run("hands", func(t *testing.T) { m.undoes(t, made) })
	t.Run("taken name", func(t *testing.T) {
		m.Apply(service("taken", 20999))
		is := m.becomes("taken", "Programmed", "WriteFailed")
		if !strings.Contains(is.Message, "meltemi-outbound-20999: there is one of that name that is not ours") {
			t.Errorf("the message is %q", is.Message)
		}
		m.becomes("orders", "Programmed", "Programmed") // it costs no other
		for _, f := range foreign {
			var now networkingv1alpha3.EnvoyFilter
			if err := m.Client.Get(t.Context(), client.ObjectKeyFromObject(f), &now); err != nil || now.ResourceVersion != f.GetResourceVersion() {
				t.Errorf("EnvoyFilter %s was touched: %v", f.GetName(), err)
			}
		}
		m.Delete(foreign[1])
		m.becomes("taken", "Programmed", "Programmed")
	})
	t.Run("no namespace", func(t *testing.T) {
		m.Apply(strings.Replace(service("later", 20700), "{name: later, namespace: shop}", `{name: later, namespace: shop, annotations: {networking.istio.io/exportTo: "later,web"}}`, 1))
		m.becomes("later", "Programmed", "Programmed")
		m.Apply("{apiVersion: v1, kind: Namespace, metadata: {name: later}}")
		if m.settles()["later/meltemi-outbound-20700"] == nil {
			t.Error("a namespace that comes later gets nothing")
		}
	})
	t.Run("removal", func(t *testing.T) { m.lets(t) })
	t.Run("namespace", func(t *testing.T) { m.empties(t) })
}

// undoes changes EnvoyFilters by hand in each way, and sees them put back.
func (m *mesh) undoes(t *testing.T, made map[string]*networkingv1alpha3.EnvoyFilter) {
	t.Helper()
	const key = "istio-system/meltemi-outbound-20880"
	for what, change := range map[string]func(f *networkingv1alpha3.EnvoyFilter){
		"a patch is gone":       func(f *networkingv1alpha3.EnvoyFilter) { f.Spec.ConfigPatches = f.Spec.ConfigPatches[1:] },
		"a field is there":      func(f *networkingv1alpha3.EnvoyFilter) { f.Spec.Priority = 7 },
		"the owners are others": func(f *networkingv1alpha3.EnvoyFilter) { f.Annotations[render.OwnersAnnotation] = "CodecBinding/a/b" },
		"the label is gone":     func(f *networkingv1alpha3.EnvoyFilter) { f.Labels = nil },
	} {
		before := made[key].UID
		edit(m, key, &networkingv1alpha3.EnvoyFilter{}, change)
		if after := m.settles()[key]; after == nil || after.UID != before {
			t.Errorf("%s: the EnvoyFilter is another: %v", what, after)
		}
	}
	edit(m, "shop/meltemi-inbound-service-orders-30880", &networkingv1alpha3.EnvoyFilter{}, func(f *networkingv1alpha3.EnvoyFilter) {
		f.Spec.WorkloadSelector.Labels["version"] = "v1"
	})
	m.settles()
	m.Delete(made[key])
	m.settles()
}

// lets deletes bindings, which go when proxies do not need them any more.
func (m *mesh) lets(t *testing.T) {
	t.Helper()
	remove := func(name string) {
		t.Helper()
		m.Delete(m.binding(name))
		kube.Eventually(t, kube.Patience, func() string {
			if b := m.binding(name); b == nil || b.DeletionTimestamp.IsZero() {
				t.Fatalf("nothing holds the binding %s: %v", name, b)
			} else if said := b.Status.Conditions[0].Message; !strings.HasPrefix(said, "deleted, but held: its ports are still HTTP/2") {
				return "the status says " + said
			}
			return ""
		})
		m.settles() // it is still translated
	}
	remove("orders")
	edit(m, "shop/orders", &corev1.Service{}, func(s *corev1.Service) { s.Spec.Ports[0].Name = "tcp-dubbo" })
	m.goes("orders")
	if left := m.settles(); left["shop/meltemi-inbound-service-orders-30880"] != nil || left["istio-system/meltemi-outbound-20880"] == nil {
		t.Error("the other service on the port has lost its EnvoyFilters, or the deleted one kept its own")
	}

	remove("stock")
	edit(m, "shop/stock", &v1alpha1.CodecBinding{}, func(b *v1alpha1.CodecBinding) {
		b.Annotations = map[string]string{controller.ForceRemoval: "true"}
	})
	m.goes("stock")
	if left := m.settles(); left["istio-system/meltemi-outbound-20880"] != nil {
		t.Error("the EnvoyFilter is still there")
	}

	// The binding's place is another's at once: no moment without EnvoyFilters.
	renamed := strings.Replace(service("taken", 20999), "CodecBinding\nmetadata: {name: taken", "CodecBinding\nmetadata: {name: renamed", 1)
	m.Apply(renamed)
	m.becomes("renamed", "Accepted", "Conflicted")
	was := m.filters()["istio-system/meltemi-outbound-20999"].UID
	m.Delete(m.binding("taken"))
	m.goes("taken")
	m.becomes("renamed", "Accepted", "Accepted")
	if f := m.settles()["istio-system/meltemi-outbound-20999"]; f == nil || f.UID != was {
		t.Errorf("the EnvoyFilter was deleted: %v", f)
	}
}

// empties deletes a namespace, and does what Kubernetes' namespace controller does then:
// it deletes what is in it, in an order of its own, until nothing is left.
func (m *mesh) empties(t *testing.T) {
	t.Helper()
	if len(m.filters()) == 0 {
		t.Fatal("there is nothing to delete")
	}
	m.Delete(&corev1.Namespace{ObjectMeta: named("", "shop")})
	in := client.InNamespace("shop")
	for _, kind := range []client.Object{&networkingv1alpha3.EnvoyFilter{}, &v1alpha1.CodecBinding{}, &corev1.Service{}} {
		if _, isService := kind.(*corev1.Service); isService {
			m.Delete(&corev1.Service{ObjectMeta: named("shop", "taken")}, &corev1.Service{ObjectMeta: named("shop", "later")},
				&corev1.Service{ObjectMeta: named("shop", "orders")}, &corev1.Service{ObjectMeta: named("shop", "stock")})
			continue
		}
		if err := m.Client.DeleteAllOf(t.Context(), kind, in); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"renamed", "later"} {
		m.goes(name)
	}
	if left := m.settles(); len(left) != 0 {
		t.Errorf("EnvoyFilters are left: %v", left)
	}
	// Nothing holds the namespace but the one who has emptied it.
	var shop corev1.Namespace
	if err := m.Client.Get(t.Context(), types.NamespacedName{Name: "shop"}, &shop); err != nil {
		t.Fatal(err)
	}
	shop.Spec.Finalizers = nil
	if err := m.Client.SubResource("finalize").Update(t.Context(), &shop); err != nil {
		t.Fatal(err)
	}
	kube.Eventually(t, kube.Patience, func() string {
		if err := m.Client.Get(t.Context(), types.NamespacedName{Name: "shop"}, &shop); err == nil {
			return "the namespace is still there"
		}
		return ""
	})
}
