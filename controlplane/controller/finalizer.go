package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

const (
	// Finalizer holds a deleted binding until proxies do not need it any more.
	Finalizer = "meltemi.dev/envoyfilters"
	// ForceRemoval is the annotation that lets a deleted binding go at once, when its
	// value is "true": proxies then take what clients send for broken HTTP.
	ForceRemoval = "meltemi.dev/force-removal"
)

// hold puts the finalizer on bindings that are not being deleted.
func (r *Reconciler) hold(ctx context.Context, all *translate.Resources) error {
	var problems []error
	for i, b := range all.CodecBindings {
		if !b.DeletionTimestamp.IsZero() || controllerutil.ContainsFinalizer(b, Finalizer) {
			continue
		}
		held := b.DeepCopy()
		controllerutil.AddFinalizer(held, Finalizer)
		err := r.Client.Patch(ctx, held, client.MergeFromWithOptions(b, client.MergeFromWithOptimisticLock{}))
		if err := client.IgnoreNotFound(err); err != nil {
			problems = append(problems, fmt.Errorf("CodecBinding %s/%s: %w", b.Namespace, b.Name, err))
		}
		if err == nil {
			all.CodecBindings[i] = held
		}
	}
	return errors.Join(problems...)
}

// releasedBindings are the deleted bindings that proxies do not need any more, that others
// take the place of, or that are to go regardless.
func releasedBindings(all *translate.Resources, verdicts map[translate.Key]*translate.Verdict) []*v1alpha1.CodecBinding {
	var released []*v1alpha1.CodecBinding
	for _, b := range all.CodecBindings {
		if b.DeletionTimestamp.IsZero() {
			continue
		}
		v := verdicts[translate.Key{Kind: translate.KindBinding, Namespace: b.Namespace, Name: b.Name}]
		if v == nil || !v.Serves || b.Annotations[ForceRemoval] == "true" || isReplaced(b, v, all, verdicts) {
			released = append(released, b)
		}
	}
	return released
}

// isReplaced tells whether all ports of a deleted binding are those of others too. They
// have waited for it, since it is older, and it must not wait for them.
func isReplaced(b *v1alpha1.CodecBinding, v *translate.Verdict, all *translate.Resources, verdicts map[translate.Key]*translate.Verdict) bool {
	isTaken := func(t v1alpha1.TargetStatus) bool {
		return slices.ContainsFunc(all.CodecBindings, func(o *v1alpha1.CodecBinding) bool {
			other := verdicts[translate.Key{Kind: translate.KindBinding, Namespace: o.Namespace, Name: o.Name}]
			return o.Namespace == b.Namespace && o.DeletionTimestamp.IsZero() && other != nil &&
				slices.ContainsFunc(other.Targets, func(u v1alpha1.TargetStatus) bool {
					return t.Kind == u.Kind && t.Name == u.Name && t.Port == u.Port
				})
		})
	}
	return !slices.ContainsFunc(v.Targets, func(t v1alpha1.TargetStatus) bool { return t.Port != 0 && !isTaken(t) })
}

func withoutReleased(all, released []*v1alpha1.CodecBinding) []*v1alpha1.CodecBinding {
	return slices.DeleteFunc(slices.Clone(all), func(b *v1alpha1.CodecBinding) bool { return slices.Contains(released, b) })
}

// release lets bindings go whose EnvoyFilters are gone.
func (r *Reconciler) release(ctx context.Context, released []*v1alpha1.CodecBinding, written *outcome) error {
	var problems []error
	for _, b := range released {
		if written.of(translate.KindBinding, b) != nil || !controllerutil.ContainsFinalizer(b, Finalizer) {
			continue
		}
		free := b.DeepCopy()
		controllerutil.RemoveFinalizer(free, Finalizer)
		err := r.Client.Patch(ctx, free, client.MergeFromWithOptions(b, client.MergeFromWithOptimisticLock{}))
		if err := client.IgnoreNotFound(err); err != nil {
			problems = append(problems, fmt.Errorf("CodecBinding %s/%s: %w", b.Namespace, b.Name, err))
			continue
		}
		log.FromContext(ctx).Info("let CodecBinding go", "codecBinding", client.ObjectKeyFromObject(b))
	}
	return errors.Join(problems...)
}
