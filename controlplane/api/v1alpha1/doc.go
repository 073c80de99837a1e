// Package v1alpha1 is the API of Meltemi in Kubernetes: what Istio's own resources cannot
// say. A [CodecBinding] tells which protocol a port speaks, a [RateLimitPolicy] limits
// calls. Everything else is Istio's, unchanged: routes, splits, retries, timeouts, mirrors,
// faults, subsets, load balancing, authorization, telemetry and gateways.
//
// Both are attached to what they are about by targetRefs, as policies of the Gateway API
// are, and tell in their status what became of them. The rules of a resource alone are in
// its CustomResourceDefinition; those that need others are conditions.
//
// +kubebuilder:object:generate=true
// +groupName=meltemi.dev
package v1alpha1

//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 object crd paths=. output:crd:dir=../crds
