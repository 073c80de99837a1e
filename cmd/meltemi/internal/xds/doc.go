// Package xds serves a mesh to one Envoy: an aggregated discovery service on a unix
// socket. It tells whether Envoy took what it was served, in Envoy's own words if
// not, and then takes the change back as a whole.
package xds
