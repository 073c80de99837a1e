// Package contribtest tests the libraries of package contrib in a host that implements
// the C interface of Envoy's contrib Go filters (folder host): no contrib Envoy can be
// had where these tests run.
package contribtest
