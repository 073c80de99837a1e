package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// write makes the EnvoyFilters with our label those that are wanted: it writes those that
// differ, and then deletes those that nothing wants. If one cannot be written, none is
// deleted.
func (r *Reconciler) write(ctx context.Context, wanted []*networkingv1alpha3.EnvoyFilter, all *translate.Resources) error {
	var list networkingv1alpha3.EnvoyFilterList
	if err := r.Client.List(ctx, &list, client.MatchingLabels{render.ManagedBy: render.Manager}); err != nil {
		return fmt.Errorf("reading EnvoyFilters: %w", err)
	}
	have := map[client.ObjectKey]*networkingv1alpha3.EnvoyFilter{}
	for _, f := range list.Items {
		have[client.ObjectKeyFromObject(f)] = f
	}
	var problems []error
	for _, f := range wanted {
		f.OwnerReferences = ownersOf(f, all)
		key := client.ObjectKeyFromObject(f)
		old := have[key]
		delete(have, key)
		if old != nil && same(old, f) {
			continue
		}
		if err := r.apply(ctx, f); err != nil {
			problems = append(problems, fmt.Errorf("EnvoyFilter %s: %w", key, err))
			continue
		}
		writes.WithLabelValues("apply").Inc()
		log.FromContext(ctx).Info("wrote EnvoyFilter", "envoyFilter", key, "new", old == nil)
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	return r.prune(ctx, have)
}

// prune deletes what nothing wants.
func (r *Reconciler) prune(ctx context.Context, unwanted map[client.ObjectKey]*networkingv1alpha3.EnvoyFilter) error {
	var problems []error
	for key, f := range unwanted {
		// Only what was seen is deleted: not one that somebody has changed since.
		err := r.Client.Delete(ctx, f, client.Preconditions{UID: &f.UID, ResourceVersion: &f.ResourceVersion})
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			problems = append(problems, fmt.Errorf("EnvoyFilter %s: %w", key, err))
		default:
			writes.WithLabelValues("delete").Inc()
			log.FromContext(ctx).Info("deleted EnvoyFilter", "envoyFilter", key)
		}
	}
	return errors.Join(problems...)
}

// apply writes a filter. The fields are ours, whoever else has written them.
func (r *Reconciler) apply(ctx context.Context, f *networkingv1alpha3.EnvoyFilter) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(text, &u.Object); err != nil {
		return err
	}
	unstructured.RemoveNestedField(u.Object, "status")
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	return r.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(Name), client.ForceOwnership)
}

// same tells whether what is there is what is wanted.
func same(have, want *networkingv1alpha3.EnvoyFilter) bool {
	for k, v := range want.Labels {
		if have.Labels[k] != v {
			return false
		}
	}
	for k, v := range want.Annotations {
		if have.Annotations[k] != v {
			return false
		}
	}
	return proto.Equal(&have.Spec, &want.Spec) && equality.Semantic.DeepEqual(have.OwnerReferences, want.OwnerReferences)
}

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
