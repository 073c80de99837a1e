// Package redis tests what `meltemi migrate` makes of Aeraki's resources for Redis and
// ZooKeeper, and of MetaRouters for gateways: a real Kubernetes API takes it, a real
// istiod gives it to stock Envoys as to sidecars, and real clients reach real servers
// through them.
//
// Envoys run with interception NONE, so they listen at the addresses of the services
// themselves, which are of 127.0.0.0/8.
package redis
