// Package kube runs a real Kubernetes API for tests: etcd and kube-apiserver, with Istio's
// and our CustomResourceDefinitions. They listen on 127.0.0.1 at free ports, the API server
// elsewhere if [Options] say so. There are no other controllers of Kubernetes: nobody
// collects garbage, empties a namespace that is deleted, or makes EndpointSlices. What is
// started is stopped at the test's end.
package kube
