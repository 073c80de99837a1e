package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// write makes the EnvoyFilters with our label those that are wanted: it writes those that
// differ, and then deletes those that nothing wants. One that cannot be written costs no
// other: but nothing is deleted that follows from the same resources.
func (r *Reconciler) write(ctx context.Context, wanted []*networkingv1alpha3.EnvoyFilter, all *translate.Resources) *outcome {
	out := &outcome{byOwner: map[string]error{}}
	var list networkingv1alpha3.EnvoyFilterList
	if err := r.Client.List(ctx, &list, client.MatchingLabels{render.ManagedBy: render.Manager}); err != nil {
		out.everything = fmt.Errorf("reading EnvoyFilters: %w", err)
		return out
	}
	have := map[client.ObjectKey]*networkingv1alpha3.EnvoyFilter{}
	for _, f := range list.Items {
		have[client.ObjectKeyFromObject(f)] = f
	}
	uids := uidsOf(all)
	for _, f := range wanted {
		f.OwnerReferences = ownersOf(f, uids)
		key := client.ObjectKeyFromObject(f)
		old := have[key]
		delete(have, key)
		if err := r.put(ctx, f, old); err != nil && !isNowhere(err) {
			out.fail(fmt.Errorf("EnvoyFilter %s: %w", key, err), f, old)
		}
	}
	r.prune(ctx, have, out)
	return out
}

// put writes a filter unless it is there already; old is the cache's.
func (r *Reconciler) put(ctx context.Context, f, old *networkingv1alpha3.EnvoyFilter) error {
	key := client.ObjectKeyFromObject(f)
	if old == nil {
		// The cache has those with our label only, and may be late.
		there := &networkingv1alpha3.EnvoyFilter{}
		switch err := r.Live.Get(ctx, key, there); {
		case apierrors.IsNotFound(err):
		case err != nil:
			return err
		case there.Labels[render.ManagedBy] != render.Manager && there.Annotations[render.OwnersAnnotation] == "":
			return fmt.Errorf("there is one of that name that is not ours: it lacks the label %s: %s", render.ManagedBy, render.Manager)
		default:
			old = there
		}
	}
	if old != nil && same(old, f) {
		return nil
	}
	made, err := r.apply(ctx, f)
	if err != nil {
		return err
	}
	if !same(made, f) {
		// Applying does not take away what others have added.
		f.Spec.DeepCopyInto(&made.Spec)
		made.OwnerReferences = f.OwnerReferences
		if err := r.Client.Update(ctx, made, client.FieldOwner(Name)); err != nil {
			return err
		}
	}
	if old == nil || old.ResourceVersion != made.ResourceVersion {
		writes.WithLabelValues("apply").Inc()
		log.FromContext(ctx).Info("wrote EnvoyFilter", "envoyFilter", key, "new", old == nil)
	}
	return nil
}

// isNowhere tells whether a filter could not be written since its namespace is not there,
// or about to go: nobody is there who would need it.
func isNowhere(err error) bool {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok {
		return false
	}
	details := status.ErrStatus.Details
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) ||
		apierrors.IsNotFound(err) && details != nil && details.Kind == "namespaces"
}

// prune deletes what nothing wants, in the opposite order of writing: bridges to servers
// (meltemi-direct) come before the edges whose calls need them, and go after them.
func (r *Reconciler) prune(ctx context.Context, unwanted map[client.ObjectKey]*networkingv1alpha3.EnvoyFilter, out *outcome) {
	keys := slices.SortedFunc(maps.Keys(unwanted), func(a, b client.ObjectKey) int { return strings.Compare(b.String(), a.String()) })
	for _, key := range keys {
		f := unwanted[key]
		if out.keeps(f) {
			continue
		}
		// Only what was seen is deleted: not one that somebody has changed since.
		err := r.Client.Delete(ctx, f, client.Preconditions{UID: &f.UID, ResourceVersion: &f.ResourceVersion})
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			out.fail(fmt.Errorf("EnvoyFilter %s: %w", key, err), f)
		default:
			writes.WithLabelValues("delete").Inc()
			log.FromContext(ctx).Info("deleted EnvoyFilter", "envoyFilter", key)
		}
	}
}

// apply writes a filter, and returns what is there then. The fields are ours, whoever else
// has written them.
func (r *Reconciler) apply(ctx context.Context, f *networkingv1alpha3.EnvoyFilter) (*networkingv1alpha3.EnvoyFilter, error) {
	u := &unstructured.Unstructured{}
	if err := convert(f, &u.Object); err != nil {
		return nil, err
	}
	unstructured.RemoveNestedField(u.Object, "status")
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	if err := r.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(Name), client.ForceOwnership); err != nil {
		return nil, err
	}
	made := &networkingv1alpha3.EnvoyFilter{}
	return made, convert(u.Object, made)
}

// convert makes a value of another by their JSON.
func convert(from, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
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
