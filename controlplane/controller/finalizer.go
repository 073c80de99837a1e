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
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
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
// take the place of, or that are to go regardless; and the mesh without them.
func releasedBindings(all *translate.Resources, mesh *ir.Mesh, verdicts verdicts, o translate.Options) ([]*v1alpha1.CodecBinding, *ir.Mesh) {
	var unneeded, held []*v1alpha1.CodecBinding
	for _, b := range all.CodecBindings {
		switch v := verdicts.of(b); {
		case b.DeletionTimestamp.IsZero():
		case v == nil || !v.Serves || b.Annotations[ForceRemoval] == "true":
			unneeded = append(unneeded, b)
		default:
			held = append(held, b)
		}
	}
	// Those who wait for an older binding's port say nothing of whether they would get it:
	// the mesh without the older one tells. Who is not replaced there stays, and may be in
	// the way of others again.
	for replaced := held; ; {
		released := slices.Concat(unneeded, replaced)
		if len(released) == 0 {
			return nil, mesh
		}
		without := *all
		without.CodecBindings = slices.DeleteFunc(slices.Clone(all.CodecBindings), func(b *v1alpha1.CodecBinding) bool { return slices.Contains(released, b) })
		then, judged := translate.Translate(&without, o)
		still := slices.DeleteFunc(slices.Clone(replaced), func(b *v1alpha1.CodecBinding) bool { return !isReplaced(b, verdicts.of(b), &without, judged) })
		if len(still) == len(replaced) {
			return released, then
		}
		replaced = still
	}
}

// verdicts are those of a translation.
type verdicts map[translate.Key]*translate.Verdict

func (v verdicts) of(b *v1alpha1.CodecBinding) *translate.Verdict {
	return v[translate.Key{Kind: translate.KindBinding, Namespace: b.Namespace, Name: b.Name}]
}

// isReplaced tells whether all ports that a deleted binding served are served without it.
func isReplaced(b *v1alpha1.CodecBinding, was *translate.Verdict, without *translate.Resources, judged verdicts) bool {
	for i, t := range was.Targets {
		if was.TargetReasons[i] != "" {
			continue // nobody has served it
		}
		if !slices.ContainsFunc(without.CodecBindings, func(o *v1alpha1.CodecBinding) bool {
			return o.Namespace == b.Namespace && isServed(t, judged.of(o))
		}) {
			return false
		}
	}
	return true
}

// isServed tells whether a binding with a verdict serves a target.
func isServed(t v1alpha1.TargetStatus, by *translate.Verdict) bool {
	if by == nil || !by.Serves {
		return false
	}
	for i, u := range by.Targets {
		if t.Kind == u.Kind && t.Name == u.Name && t.Port == u.Port && by.TargetReasons[i] == "" {
			return true
		}
	}
	return false
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
