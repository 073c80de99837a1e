package render

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"
	"istio.io/api/networking/v1alpha3"
	clientv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// Labels and annotations of what is made.
const (
	// ManagedBy is the label that tells what is ours from what is not. Nothing without
	// it is ever changed or deleted.
	ManagedBy = "app.kubernetes.io/managed-by"
	// Manager is its value.
	Manager = "meltemi-controller"
	// OwnersAnnotation lists the resources that an EnvoyFilter follows from.
	OwnersAnnotation = "meltemi.dev/owners"
)

// ProxyVersion matches the proxies that have the extensions: Istio 1.31 and newer.
const ProxyVersion = `^1\.(3[1-9]|[4-9]\d|\d{3}).*`

// ProxyMark is what proxies beside clients tell istiod to get their filters: the variable
// ISTIO_META_MELTEMI with the value "true". What is for clients is for all proxies of the
// mesh, and a proxy without the library refuses a listener that names it, so that its pod
// would not become ready. What is for servers or gateways needs no mark: it selects their
// pods, which are better not ready than unable to read the calls that they get.
const ProxyMark = "MELTEMI"

// Options are what the mesh's administrator has said.
type Options struct {
	// ProxiesHaveLibrary tells that all proxies of the mesh have the library, so that no
	// mark is asked for.
	ProxiesHaveLibrary bool
	// Library is the name of the shared library, such as meltemi for libmeltemi.so in
	// ENVOY_DYNAMIC_MODULES_SEARCH_PATH, or the absolute path of the file.
	Library string
}

// EnvoyFilters makes the filters of a mesh, sorted by namespace and name.
func EnvoyFilters(m *ir.Mesh, o Options) ([]*clientv1alpha3.EnvoyFilter, error) {
	r := renderer{library: library(o.Library), marked: !o.ProxiesHaveLibrary}
	for i := range m.Outbound {
		r.outbound(&m.Outbound[i])
	}
	for i := range m.Inbound {
		r.inbound(&m.Inbound[i])
	}
	for i := range m.Gateways {
		r.gateway(&m.Gateways[i])
	}
	for i := range m.Direct {
		r.direct(&m.Direct[i])
	}
	slices.SortFunc(r.made, func(a, b *clientv1alpha3.EnvoyFilter) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	for i := 1; i < len(r.made); i++ {
		if a, b := r.made[i-1], r.made[i]; a.Namespace == b.Namespace && a.Name == b.Name {
			return nil, fmt.Errorf("two edges make the EnvoyFilter %s/%s", a.Namespace, a.Name)
		}
	}
	return r.made, r.err
}

// renderer collects what is made.
type renderer struct {
	library object
	marked  bool // proxies beside clients have to have the mark
	made    []*clientv1alpha3.EnvoyFilter
	err     error // the first
}

// object is a JSON object of Envoy's configuration.
type object = map[string]any

// list is a JSON array.
type list = []any

// add makes an EnvoyFilter of patches. Its spec names the workloads of the edge.
func (r *renderer) add(e *ir.Edge, patches []patch) {
	f := &clientv1alpha3.EnvoyFilter{
		TypeMeta: metav1.TypeMeta{APIVersion: "networking.istio.io/v1alpha3", Kind: "EnvoyFilter"},
		ObjectMeta: metav1.ObjectMeta{
			Name: e.Name, Namespace: e.Namespace,
			Labels:      map[string]string{ManagedBy: Manager},
			Annotations: map[string]string{OwnersAnnotation: owners(e.Owners)},
		},
	}
	if e.Selector != nil {
		f.Spec.WorkloadSelector = &v1alpha3.WorkloadSelector{Labels: e.Selector}
	}
	for _, p := range patches {
		value, err := structpb.NewStruct(p.value)
		if err != nil && r.err == nil {
			r.err = fmt.Errorf("EnvoyFilter %s/%s: %w", e.Namespace, e.Name, err)
		}
		p.match.Proxy = &v1alpha3.EnvoyFilter_ProxyMatch{ProxyVersion: ProxyVersion}
		if r.marked && p.match.Context == v1alpha3.EnvoyFilter_SIDECAR_OUTBOUND {
			p.match.Proxy.Metadata = map[string]string{ProxyMark: "true"}
		}
		f.Spec.ConfigPatches = append(f.Spec.ConfigPatches, &v1alpha3.EnvoyFilter_EnvoyConfigObjectPatch{
			ApplyTo: p.applyTo,
			Match:   p.match,
			Patch:   &v1alpha3.EnvoyFilter_Patch{Operation: p.operation, Value: value},
		})
	}
	r.made = append(r.made, f)
}

// OwnersOf are the resources that an EnvoyFilter follows from, as kind/namespace/name.
func OwnersOf(f *clientv1alpha3.EnvoyFilter) []string {
	return strings.Split(f.Annotations[OwnersAnnotation], ",")
}

// owners lists owners in one line.
func owners(all []ir.Owner) string {
	texts := make([]string, len(all))
	for i, o := range all {
		texts[i] = o.Kind + "/" + o.Namespace + "/" + o.Name
	}
	return strings.Join(texts, ",")
}
