package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// report writes the status of bindings and policies that has changed.
func (r *Reconciler) report(ctx context.Context, all *translate.Resources, verdicts map[translate.Key]*translate.Verdict, written *outcome) error {
	var problems []error
	accepted := map[string]int{}
	for _, b := range all.CodecBindings {
		v := verdicts[translate.Key{Kind: translate.KindBinding, Namespace: b.Namespace, Name: b.Name}]
		next := b.DeepCopy()
		setConditions(&next.Status.Conditions, b.Generation, conditions(v, written.of(translate.KindBinding, b), !b.DeletionTimestamp.IsZero()))
		next.Status.Targets = v.Targets
		accepted[translate.KindBinding+"/"+v.Reason]++
		if !equality.Semantic.DeepEqual(b.Status, next.Status) {
			problems = append(problems, r.update(ctx, b, next, b.Status.Conditions, next.Status.Conditions))
		}
	}
	for _, p := range all.RateLimitPolicies {
		v := verdicts[translate.Key{Kind: translate.KindPolicy, Namespace: p.Namespace, Name: p.Name}]
		next := p.DeepCopy()
		setConditions(&next.Status.Conditions, p.Generation, conditions(v, written.of(translate.KindPolicy, p), false))
		next.Status.Targets = v.Targets
		accepted[translate.KindPolicy+"/"+v.Reason]++
		if !equality.Semantic.DeepEqual(p.Status, next.Status) {
			problems = append(problems, r.update(ctx, p, next, p.Status.Conditions, next.Status.Conditions))
		}
	}
	countVerdicts(accepted)
	return errors.Join(problems...)
}

// conditions are those of a verdict; written is what kept its EnvoyFilters from being
// written, nil if they are.
func conditions(v *translate.Verdict, written error, deleted bool) []metav1.Condition {
	message := v.Message
	if deleted && v.Serves {
		message = "deleted, but held: its ports are still HTTP/2 to Istio. Declare them tcp, or set the annotation " + ForceRemoval + ": \"true\""
	}
	accepted := condition(v1alpha1.ConditionAccepted, v.Accepted(), v.Reason, message)
	programmed := condition(v1alpha1.ConditionProgrammed, true, v1alpha1.ReasonProgrammed, "")
	switch {
	case written != nil:
		programmed = condition(v1alpha1.ConditionProgrammed, false, v1alpha1.ReasonWriteFailed, written.Error())
	case !v.Accepted():
		programmed = condition(v1alpha1.ConditionProgrammed, false, v.Reason, "not all of it is accepted")
	}
	all := []metav1.Condition{accepted, programmed}
	if v.Proxies != "" {
		all = append(all, condition(v1alpha1.ConditionProxiesReady, v.Proxies == v1alpha1.ReasonReady, v.Proxies, v.ProxiesMessage))
	}
	return all
}

// Kubernetes takes messages of 32768 bytes in conditions, and of 1024 in events.
const (
	mostInCondition = 4096
	mostInEvent     = 1000
)

// cut cuts a text that is longer than most bytes, between two characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

func condition(kind string, ok bool, reason, message string) metav1.Condition {
	status := metav1.ConditionFalse
	if ok {
		status = metav1.ConditionTrue
	}
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: cut(message, mostInCondition)}
}

// setConditions makes conditions those of a generation; times change with the status.
func setConditions(have *[]metav1.Condition, generation int64, want []metav1.Condition) {
	for i := range want {
		want[i].ObservedGeneration = generation
		meta.SetStatusCondition(have, want[i])
	}
	if len(want) < len(*have) && meta.FindStatusCondition(want, v1alpha1.ConditionProxiesReady) == nil {
		meta.RemoveStatusCondition(have, v1alpha1.ConditionProxiesReady)
	}
}

// update writes a status, and tells of a verdict that has changed.
func (r *Reconciler) update(ctx context.Context, old, next client.Object, before, after []metav1.Condition) error {
	if err := r.Client.Status().Patch(ctx, next, client.MergeFrom(old)); err != nil {
		if client.IgnoreNotFound(err) == nil {
			return nil // it went in the meantime
		}
		return fmt.Errorf("status of %s/%s: %w", old.GetNamespace(), old.GetName(), err)
	}
	was, is := meta.FindStatusCondition(before, v1alpha1.ConditionAccepted), meta.FindStatusCondition(after, v1alpha1.ConditionAccepted)
	if is != nil && (was == nil || was.Reason != is.Reason || was.Message != is.Message) && r.Events != nil {
		kind := corev1.EventTypeNormal
		if is.Status != metav1.ConditionTrue {
			kind = corev1.EventTypeWarning
		}
		text := is.Message
		if text == "" {
			text = "all targets are served"
		}
		r.Events.Eventf(old, nil, kind, is.Reason, "Translate", "%s", cut(text, mostInEvent))
	}
	return nil
}
