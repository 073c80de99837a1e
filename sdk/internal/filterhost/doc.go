// Package filterhost runs filters of package filter on HTTP requests of Envoy: headers
// in, changes and actions out. It knows no Envoy: package abi hosts it in the dynamic
// module, contrib in Envoy's contrib filters, nethost on plain connections, filtertest in
// tests. It does no I/O and asks no clock but the one it is given.
//
// A [Config] is one filter made from one configuration; it is immutable and shared by
// all threads. A [Call] is its part in one call, and belongs to the call's thread, or
// to whoever holds the host's lock for it. The one thing that other threads touch is what
// a call that waits is waiting for (wait.go), which has a lock for it.
package filterhost
