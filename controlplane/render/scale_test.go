package render_test

import (
	"encoding/json"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/library"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// BenchmarkMesh measures what the controller computes whenever anything changes: all of
// the mesh, from its resources to EnvoyFilters. A service has a binding of its own and
// ten pods.
func BenchmarkMesh(b *testing.B) {
	options := builtin(b)
	for _, services := range []int{10, 100, 1000, 5000} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			resources := shop(services)
			b.ReportAllocs()
			for b.Loop() {
				mesh, verdicts := translate.Translate(resources, options)
				filters, err := render.EnvoyFilters(mesh, render.Options{Library: "meltemi"})
				if err != nil || len(verdicts) != services || len(filters) < services {
					b.Fatalf("%d verdicts and %d EnvoyFilters, %v", len(verdicts), len(filters), err)
				}
			}
		})
	}
}

// The API server takes no object above 1.5 MiB, however many services a mesh has.
func TestNoEnvoyFilterGrowsWithTheMesh(t *testing.T) {
	mesh, _ := translate.Translate(shop(1000), builtin(t))
	filters, err := render.EnvoyFilters(mesh, render.Options{Library: "meltemi"})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range filters {
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if size, most := len(text), 100<<10; size > most {
			t.Errorf("EnvoyFilter %s/%s has %d bytes, more than %d", f.Namespace, f.Name, size, most)
		}
	}
}

func builtin(tb testing.TB) (options translate.Options) {
	tb.Helper()
	known, err := library.Parse(library.Builtin)
	if err != nil {
		tb.Fatal(err)
	}
	known.Options(&options)
	return options
}

// shop is a mesh of so many services, a hundred to a namespace, all on one port number.
func shop(services int) *translate.Resources {
	r := &translate.Resources{}
	for i := range services {
		meta := metav1.ObjectMeta{Namespace: fmt.Sprintf("shop-%d", i/100), Name: fmt.Sprintf("orders-%d", i)}
		labels := map[string]string{"app": meta.Name}
		r.CodecBindings = append(r.CodecBindings, &v1alpha1.CodecBinding{
			ObjectMeta: meta,
			Spec: v1alpha1.CodecBindingSpec{
				TargetRefs: []v1alpha1.TargetRef{{Kind: v1alpha1.KindService, Name: meta.Name, Port: intstr.FromInt32(20880)}},
				Codec:      v1alpha1.Codec{Name: "dubbo"},
			},
		})
		r.Services = append(r.Services, &corev1.Service{
			ObjectMeta: meta,
			Spec: corev1.ServiceSpec{
				ClusterIP: fmt.Sprintf("10.96.%d.%d", i/250, i%250+1), Selector: labels,
				Ports: []corev1.ServicePort{{Name: "http2-dubbo", Port: 20880, TargetPort: intstr.FromInt32(20880), Protocol: corev1.ProtocolTCP}},
			},
		})
		slice := &discoveryv1.EndpointSlice{ObjectMeta: meta}
		slice.Labels = map[string]string{discoveryv1.LabelServiceName: meta.Name}
		for j := range 10 {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: meta.Namespace, Name: fmt.Sprintf("%s-%d", meta.Name, j), Labels: labels}}
			pod.Annotations = map[string]string{"sidecar.istio.io/status": "{}"}
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
				Addresses: []string{fmt.Sprintf("10.1.%d.%d", i%250, j+1)},
				TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name},
			})
			r.Pods = append(r.Pods, pod)
		}
		r.EndpointSlices = append(r.EndpointSlices, slice)
	}
	return r
}
