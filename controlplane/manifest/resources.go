package manifest

import (
	"istio.io/api/networking/v1alpha3"
	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	networkingv1beta1 "istio.io/client-go/pkg/apis/networking/v1beta1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// Resources are the objects that translation looks at. Istio's older versions of a kind
// are the newest one: they have the same fields.
func (r *Reader) Resources() *translate.Resources {
	out := &translate.Resources{}
	for _, o := range r.Objects {
		switch v := o.Object.(type) {
		case *v1alpha1.CodecBinding:
			out.CodecBindings = append(out.CodecBindings, v)
		case *v1alpha1.RateLimitPolicy:
			out.RateLimitPolicies = append(out.RateLimitPolicies, v)
		case *corev1.Service:
			out.Services = append(out.Services, v)
		case *corev1.Pod:
			out.Pods = append(out.Pods, v)
		case *discoveryv1.EndpointSlice:
			out.EndpointSlices = append(out.EndpointSlices, v)
		case *networkingv1.ServiceEntry:
			out.ServiceEntries = append(out.ServiceEntries, v)
		case *networkingv1beta1.ServiceEntry:
			out.ServiceEntries = append(out.ServiceEntries, serviceEntry(&v.ObjectMeta, &v.Spec))
		case *networkingv1alpha3.ServiceEntry:
			out.ServiceEntries = append(out.ServiceEntries, serviceEntry(&v.ObjectMeta, &v.Spec))
		case *networkingv1.WorkloadEntry:
			out.WorkloadEntries = append(out.WorkloadEntries, v)
		case *networkingv1beta1.WorkloadEntry:
			out.WorkloadEntries = append(out.WorkloadEntries, workloadEntry(&v.ObjectMeta, &v.Spec))
		case *networkingv1alpha3.WorkloadEntry:
			out.WorkloadEntries = append(out.WorkloadEntries, workloadEntry(&v.ObjectMeta, &v.Spec))
		case *networkingv1.Gateway:
			out.Gateways = append(out.Gateways, v)
		case *networkingv1beta1.Gateway:
			out.Gateways = append(out.Gateways, gateway(&v.ObjectMeta, &v.Spec))
		case *networkingv1alpha3.Gateway:
			out.Gateways = append(out.Gateways, gateway(&v.ObjectMeta, &v.Spec))
		}
	}
	return out
}

func serviceEntry(meta *metav1.ObjectMeta, spec *v1alpha3.ServiceEntry) *networkingv1.ServiceEntry {
	e := &networkingv1.ServiceEntry{ObjectMeta: *meta}
	spec.DeepCopyInto(&e.Spec)
	return e
}

func workloadEntry(meta *metav1.ObjectMeta, spec *v1alpha3.WorkloadEntry) *networkingv1.WorkloadEntry {
	e := &networkingv1.WorkloadEntry{ObjectMeta: *meta}
	spec.DeepCopyInto(&e.Spec)
	return e
}

func gateway(meta *metav1.ObjectMeta, spec *v1alpha3.Gateway) *networkingv1.Gateway {
	g := &networkingv1.Gateway{ObjectMeta: *meta}
	spec.DeepCopyInto(&g.Spec)
	return g
}
