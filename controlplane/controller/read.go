package controller

import (
	"context"

	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// read reads all that matters. What it returns belongs to the cache, and is only read.
func (r *Reconciler) read(ctx context.Context) (*translate.Resources, error) {
	var (
		bindings v1alpha1.CodecBindingList
		policies v1alpha1.RateLimitPolicyList
		services corev1.ServiceList
		slices   discoveryv1.EndpointSliceList
		pods     corev1.PodList
		entries  networkingv1.ServiceEntryList
		machines networkingv1.WorkloadEntryList
		gateways networkingv1.GatewayList
	)
	if err := r.Client.List(ctx, &bindings); err != nil {
		return nil, err
	}
	if err := r.Client.List(ctx, &policies); err != nil {
		return nil, err
	}
	if err := r.Client.List(ctx, &services); err != nil {
		return nil, err
	}
	if err := r.Client.List(ctx, &slices); err != nil {
		return nil, err
	}
	if err := r.Client.List(ctx, &pods); err != nil {
		return nil, err
	}
	if err := r.Client.List(ctx, &entries); err != nil {
		return nil, err
	}
	if err := r.Client.List(ctx, &machines); err != nil {
		return nil, err
	}
	if err := r.Client.List(ctx, &gateways); err != nil {
		return nil, err
	}
	return &translate.Resources{
		CodecBindings:     pointers(bindings.Items),
		RateLimitPolicies: pointers(policies.Items),
		Services:          pointers(services.Items),
		EndpointSlices:    pointers(slices.Items),
		Pods:              pointers(pods.Items),
		ServiceEntries:    entries.Items,
		WorkloadEntries:   machines.Items,
		Gateways:          gateways.Items,
	}, nil
}

func pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}
