// Package ir is what bindings and policies ask of proxies, worked out: which proxies read
// which protocol on which port number, and what they send on. It is plain data that knows
// neither Kubernetes nor Envoy: package translate makes it of resources, package render
// makes Istio's EnvoyFilters of it.
//
// Equal meshes are deeply equal, in one order, so that what is made of them is the same
// each time.
package ir
