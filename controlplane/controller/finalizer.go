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
		if err := r.Client.Patch(ctx, held, client.MergeFromWithOptions(b, client.MergeFromWithOptimisticLock{})); err != nil {
			problems = append(problems, fmt.Errorf("CodecBinding %s/%s: %w", b.Namespace, b.Name, client.IgnoreNotFound(err)))
			continue
		}
		all.CodecBindings[i] = held
	}
	return errors.Join(problems...)
}

// releasedBindings are the deleted bindings that proxies do not need any more, or that
// are to go regardless.
func releasedBindings(all *translate.Resources, verdicts map[translate.Key]*translate.Verdict) []*v1alpha1.CodecBinding {
	var released []*v1alpha1.CodecBinding
	for _, b := range all.CodecBindings {
		if b.DeletionTimestamp.IsZero() {
			continue
		}
		v := verdicts[translate.Key{Kind: translate.KindBinding, Namespace: b.Namespace, Name: b.Name}]
		if v == nil || !v.Serves || b.Annotations[ForceRemoval] == "true" {
			released = append(released, b)
		}
	}
	return released
}

func withoutReleased(all, released []*v1alpha1.CodecBinding) []*v1alpha1.CodecBinding {
	return slices.DeleteFunc(slices.Clone(all), func(b *v1alpha1.CodecBinding) bool { return slices.Contains(released, b) })
}

// release lets bindings go whose EnvoyFilters are gone.
func (r *Reconciler) release(ctx context.Context, released []*v1alpha1.CodecBinding) error {
	var problems []error
	for _, b := range released {
		if !controllerutil.ContainsFinalizer(b, Finalizer) {
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
