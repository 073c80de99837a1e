package controller

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/test/kube"
)

// TestReplicas has two of them, and kills the one that leads.
func TestReplicas(t *testing.T) {
	t.Parallel()
	m := startMesh(t)
	leader := m.start()
	kube.Eventually(t, kube.Patience, func() string {
		if !leader.leads() {
			return "nobody leads"
		}
		return ""
	})
	other := m.start()
	m.Apply(service("orders", 20880))

	m.settles()
	m.becomes("orders", "Accepted", "Accepted")
	m.becomes("orders", "Programmed", "Programmed")
	m.becomes("orders", "ProxiesReady", "NoProxies")
	m.says("orders", "Normal Accepted")

	m.Apply(strings.Replace(service("orders", 20880), "name: dubbo}", "name: pigeon}", 1))
	m.becomes("orders", "Accepted", "Invalid")
	m.says("orders", "Warning Invalid")
	if left := m.settles(); len(left) != 0 {
		t.Errorf("a binding that is not accepted has %v", left)
	}
	m.Apply(service("orders", 20880))
	m.becomes("orders", "Accepted", "Accepted")

	// More to say than an event takes.
	m.Apply(`
apiVersion: meltemi.dev/v1alpha1
kind: CodecBinding
metadata: {name: many, namespace: shop}
spec:
  codec: {name: dubbo}
  targetRefs: [` + strings.Repeat("{kind: Service, name: none-"+strings.Repeat("x", 200)+", port: 1}, ", 8) + `]
`)
	m.becomes("many", "Accepted", "TargetNotFound")
	m.says("many", "Warning TargetNotFound")
	m.Delete(m.binding("many"))
	m.goes("many")

	// Another port, and another one of the workloads.
	edit(m, "shop/orders", &corev1.Service{}, func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromInt32(7001) })
	if m.settles()["shop/meltemi-inbound-service-orders-7001"] == nil {
		t.Error("the workloads' port is not followed")
	}
	edit(m, "shop/orders", &corev1.Service{}, func(s *corev1.Service) { s.Spec.Ports[0].Port = 20890 })
	if m.settles()["istio-system/meltemi-outbound-20890"] == nil {
		t.Error("the service's port is not followed")
	}
	if other.leads() {
		t.Fatal("both lead")
	}
	m.writesNothing(leader)
	m.takesOver(leader, other)
}

// says waits for an event about a binding.
func (m *mesh) says(name, want string) {
	m.t.Helper()
	kube.Eventually(m.t, kube.Patience, func() string {
		var list eventsv1.EventList
		if err := m.Client.List(m.t.Context(), &list, client.InNamespace("shop")); err != nil {
			return err.Error()
		}
		var heard []string
		for i := range list.Items {
			e := &list.Items[i]
			if text := e.Type + " " + e.Reason; e.Regarding.Kind == "CodecBinding" && e.Regarding.Name == name {
				if text == want && e.Note != "" {
					return ""
				}
				heard = append(heard, text)
			}
		}
		return fmt.Sprintf("there is no event %q about %s, but %q", want, name, heard)
	})
}

// writesNothing has the controller do its work where nothing of it has changed.
func (m *mesh) writesNothing(leader *replica) {
	m.t.Helper()
	m.becomes("orders", "Programmed", "Programmed")
	versions := func() string {
		all := []string{"binding " + m.binding("orders").ResourceVersion}
		for key, f := range m.filters() {
			all = append(all, key+" "+f.ResourceVersion)
		}
		slices.Sort(all)
		return strings.Join(all, "\n")
	}
	before, writes := versions(), leader.metric("meltemi_controller_envoyfilter_writes_total", "")
	for i := range 3 {
		done := leader.metric("meltemi_controller_reconcile_duration_seconds_count", "")
		edit(m, "shop/orders", &corev1.Service{}, func(s *corev1.Service) { s.Labels = map[string]string{"touched": strconv.Itoa(i)} })
		kube.Eventually(m.t, kube.Patience, func() string {
			if leader.metric("meltemi_controller_reconcile_duration_seconds_count", "") == done {
				return "the controller has not worked"
			}
			return ""
		})
	}
	if after := versions(); after != before {
		m.t.Errorf("unchanged, but written:\n%s\nwas\n%s", after, before)
	}
	if after := leader.metric("meltemi_controller_envoyfilter_writes_total", ""); after != writes {
		m.t.Errorf("the controller counts %v writes, %v before", after, writes)
	}
	if n := leader.metric("meltemi_controller_resources", `kind="CodecBinding",reason="Accepted"`); n != 1 {
		m.t.Errorf("the controller counts %v accepted bindings", n)
	}
	if n := leader.metric("meltemi_controller_reconcile_failures_total", ""); n != 0 {
		m.t.Errorf("the controller counts %v failures", n)
	}
}

// takesOver kills the leader in the middle of a burst of changes. The API server tells of
// each write.
func (m *mesh) takesOver(leader, other *replica) {
	m.t.Helper()
	const burst, first = 30, 21000
	// For each service: at the edge of clients, at that of servers, and on the way between.
	const filters = 3 * burst
	watching, err := client.NewWithWatch(m.Config, client.Options{Scheme: kube.Scheme(m.t)})
	if err != nil {
		m.t.Fatal(err)
	}
	var now networkingv1alpha3.EnvoyFilterList
	if err := m.Client.List(m.t.Context(), &now); err != nil {
		m.t.Fatal(err)
	}
	before := len(now.Items)
	events, err := watching.Watch(m.t.Context(), &networkingv1alpha3.EnvoyFilterList{},
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: now.ResourceVersion}})
	if err != nil {
		m.t.Fatal(err)
	}
	defer events.Stop()
	for i := range burst {
		m.Apply(service(fmt.Sprintf("burst-%d", i), first+i))
		if i == burst/2 {
			kube.Eventually(m.t, kube.Patience, func() string {
				if len(m.filters()) == before {
					return "the leader has not begun"
				}
				return ""
			})
			leader.Kill()
		}
	}
	begun := len(m.filters()) - before
	if begun == filters {
		m.t.Fatal("the leader was done before it was killed")
	}
	made := m.settles()
	if !other.leads() || len(made) != before+filters {
		m.t.Errorf("there are %d EnvoyFilters, want %d; the other leads: %v", len(made), before+filters, other.leads())
	}
	m.becomes(fmt.Sprintf("burst-%d", burst-1), "Programmed", "Programmed")
	m.t.Logf("%d of %d EnvoyFilters were there when the leader was killed", begun, filters)

	// Each is added once, and none is modified.
	// The events up to the last one that matters: a mark of our own comes after it.
	m.Apply("{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: mark, namespace: web}, spec: {}}")
	wrote := map[string]int{}
	for event := range events.ResultChan() {
		f, ok := event.Object.(*networkingv1alpha3.EnvoyFilter)
		if !ok {
			m.t.Fatalf("the watch ended: %v", event)
		}
		if f.Name == "mark" {
			break
		}
		if event.Type != watch.Added {
			m.t.Errorf("EnvoyFilter %s/%s: %s", f.Namespace, f.Name, event.Type)
		}
		wrote[f.Namespace+"/"+f.Name]++
	}
	if len(wrote) != filters {
		m.t.Errorf("the watch told of %d EnvoyFilters, want %d", len(wrote), filters)
	}
}
