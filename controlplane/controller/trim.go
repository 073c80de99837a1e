package controller

import (
	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/controlplane/render"
)

// CacheOptions keep of pods and endpoints only what matters, as a mesh has many, and of
// EnvoyFilters ours: one of somebody else's that cannot be read does no harm then.
func CacheOptions() cache.Options {
	return cache.Options{ByObject: map[client.Object]cache.ByObject{
		&corev1.Pod{}:                     {Transform: trimPod},
		&discoveryv1.EndpointSlice{}:      {Transform: trimEndpoints},
		&networkingv1alpha3.EnvoyFilter{}: {Label: labels.SelectorFromSet(labels.Set{render.ManagedBy: render.Manager})},
	}}
}

var _ toolscache.TransformFunc = trimPod

// trimPod keeps labels, phase, and of containers the name, image, ports and names of
// variables.
func trimPod(object any) (any, error) {
	p, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	slim := &corev1.Pod{ObjectMeta: trimMeta(&p.ObjectMeta)}
	slim.Status.Phase = p.Status.Phase
	slim.Spec.Containers = trimContainers(p.Spec.Containers)
	slim.Spec.InitContainers = trimContainers(p.Spec.InitContainers)
	return slim, nil
}

func trimContainers(all []corev1.Container) []corev1.Container {
	slim := make([]corev1.Container, len(all))
	for i := range all {
		slim[i] = corev1.Container{Name: all[i].Name, Image: all[i].Image, Ports: all[i].Ports}
		for j := range all[i].Env {
			slim[i].Env = append(slim[i].Env, corev1.EnvVar{Name: all[i].Env[j].Name})
		}
	}
	return slim
}

// trimEndpoints keeps which pods are behind which service, and the addresses of others.
func trimEndpoints(object any) (any, error) {
	s, ok := object.(*discoveryv1.EndpointSlice)
	if !ok {
		return object, nil
	}
	slim := &discoveryv1.EndpointSlice{ObjectMeta: trimMeta(&s.ObjectMeta)}
	for i := range s.Endpoints {
		e := discoveryv1.Endpoint{TargetRef: s.Endpoints[i].TargetRef}
		if e.TargetRef == nil || e.TargetRef.Kind != "Pod" {
			e.Addresses = s.Endpoints[i].Addresses
		}
		slim.Endpoints = append(slim.Endpoints, e)
	}
	return slim, nil
}

func trimMeta(m *metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, UID: m.UID, ResourceVersion: m.ResourceVersion,
		CreationTimestamp: m.CreationTimestamp, DeletionTimestamp: m.DeletionTimestamp, Labels: m.Labels,
	}
}
