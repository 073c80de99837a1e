package controller

import (
	"slices"
	"strings"

	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// ownersOf are the bindings and policies of the filter's own namespace that it follows
// from: with the last of them it goes, also when no controller runs. Those of other
// namespaces hold it by our label and their finalizer.
func ownersOf(f *networkingv1alpha3.EnvoyFilter, uids map[string]types.UID) []metav1.OwnerReference {
	var refs []metav1.OwnerReference
	for _, named := range render.OwnersOf(f) {
		kind, key, _ := strings.Cut(named, "/")
		namespace, name, _ := strings.Cut(key, "/")
		if namespace != f.Namespace {
			return nil // the garbage collector would not know of this one
		}
		uid, there := uids[named]
		if !there {
			continue
		}
		refs = append(refs, metav1.OwnerReference{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: kind, Name: name, UID: uid,
			BlockOwnerDeletion: new(bool),
		})
	}
	slices.SortFunc(refs, func(a, b metav1.OwnerReference) int { return strings.Compare(a.Kind+a.Name, b.Kind+b.Name) })
	return refs
}

// uidsOf are the identities of bindings and policies, by kind/namespace/name. Those that
// are about to go own nothing: the garbage collector may wait for what they own
// (--cascade=foreground), and would delete what a held binding still needs, again and again.
func uidsOf(all *translate.Resources) map[string]types.UID {
	uids := make(map[string]types.UID, len(all.CodecBindings)+len(all.RateLimitPolicies))
	for _, b := range all.CodecBindings {
		if !b.DeletionTimestamp.IsZero() {
			continue
		}
		uids[translate.KindBinding+"/"+b.Namespace+"/"+b.Name] = b.UID
	}
	for _, p := range all.RateLimitPolicies {
		if !p.DeletionTimestamp.IsZero() {
			continue
		}
		uids[translate.KindPolicy+"/"+p.Namespace+"/"+p.Name] = p.UID
	}
	return uids
}
