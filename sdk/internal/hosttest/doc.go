// Package hosttest is the conformance test of hosts of layer-7 filters. The same filter
// source, package probe, runs in each host unchanged; the checks compare what a host
// makes of it with what package filter promises. A host's own test implements [Host] and
// calls [Run].
package hosttest
