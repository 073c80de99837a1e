// Package controller tests the control plane's definitions and its built controller on a
// real Kubernetes API (package kube): what is proven is proven by objects in it.
package controller
