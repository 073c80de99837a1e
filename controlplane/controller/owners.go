package controller

import (
	"slices"
	"strings"

	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// ownersOf are the bindings and policies of the filter's own namespace that it follows
// from: with the last of them it goes, also when no controller runs. Those of other
// namespaces hold it by our label and their finalizer.
func ownersOf(f *networkingv1alpha3.EnvoyFilter, all *translate.Resources) []metav1.OwnerReference {
	named := render.OwnersOf(f)
	var refs []metav1.OwnerReference
	foreign := false
	add := func(o client.Object, kind string) {
		if !slices.Contains(named, kind+"/"+o.GetNamespace()+"/"+o.GetName()) {
			return
		}
		if o.GetNamespace() != f.Namespace {
			foreign = true
			return
		}
		refs = append(refs, metav1.OwnerReference{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: kind, Name: o.GetName(), UID: o.GetUID(),
			BlockOwnerDeletion: new(bool),
		})
	}
	for _, b := range all.CodecBindings {
		add(b, translate.KindBinding)
	}
	for _, p := range all.RateLimitPolicies {
		add(p, translate.KindPolicy)
	}
	if foreign {
		return nil // the garbage collector would not know of the others
	}
	slices.SortFunc(refs, func(a, b metav1.OwnerReference) int { return strings.Compare(a.Kind+a.Name, b.Kind+b.Name) })
	return refs
}
