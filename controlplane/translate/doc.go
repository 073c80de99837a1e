// Package translate works out what bindings and policies ask of proxies. It is pure: what
// it is given are all resources that matter, what it returns is an ir.Mesh and a verdict
// on each binding and policy. It keeps nothing, asks no API and no clock, and cannot
// fail: what is wrong with one resource is that resource's verdict, and costs no other.
//
// # Ports
//
// Beside servers a port is the workloads' own (targetPort), beside clients it is the
// service's. There Istio has one listener for all HTTP services of a port number, so
// bindings of one number share it: their codecs have to be the same, or all able to
// recognise their protocol. Where that is impossible the older binding keeps the port.
package translate
