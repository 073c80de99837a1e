//go:build parts

// Package kubernetes pins the API server that the tests of the mesh build (../build.sh).
package kubernetes

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
