// Package render makes Istio's EnvoyFilters of what package ir says. It is pure: the same
// mesh gives the same filters.
//
// # What it must not do
//
//   - MERGE a boolean wrapper (google.protobuf.BoolValue) into a LISTENER or a CLUSTER:
//     istiod would write into a value that all proxies share. In a network filter's own
//     configuration, which is unpacked to a copy, it is safe.
//   - match a LISTENER_FILTER by port number: that patches the listener that catches all
//     ports too.
//
// Every patch is for proxies of Istio 1.31 and newer: older ones do not have the
// extensions, and would refuse the whole listener.
package render
