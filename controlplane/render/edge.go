package render

import (
	"slices"

	"istio.io/api/networking/v1alpha3"

	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// noCluster is a cluster that nobody has: a call that is sent there gets its protocol's
// error for a missing route.
const noCluster = "meltemi-no-such-service"

// outbound patches proxies beside clients. Their listener of a port number is one for all
// HTTP services of that number, so plain HTTP keeps passing through: the library tells it
// from the protocol, and the connection manager is left to find out which HTTP it is.
func (r *renderer) outbound(o *ir.Outbound) {
	const c = v1alpha3.EnvoyFilter_SIDECAR_OUTBOUND
	listeners := wildcards(o.Port)
	inspectors := make([]patch, len(listeners))
	for i, listener := range listeners {
		inspectors[i] = onListenerFilter(c, listener, r.listenerFilter())
	}
	r.add(&o.Edge, slices.Concat(inspectors, []patch{
		onHCM(c, o.Port, v1alpha3.EnvoyFilter_Patch_INSERT_BEFORE, r.networkFilter(o.Codec)),
		onHCM(c, o.Port, v1alpha3.EnvoyFilter_Patch_MERGE, connectionManager("AUTO", localReplies(callsOf(o.Codecs)))),
	}, r.filters(c, &o.Edge), unknownHosts(c, o)))
}

// inbound patches proxies beside servers.
func (r *renderer) inbound(in *ir.Inbound) {
	const c = v1alpha3.EnvoyFilter_SIDECAR_INBOUND
	patches := []patch{
		onHCM(c, in.Port, v1alpha3.EnvoyFilter_Patch_INSERT_BEFORE, r.networkFilter(in.Codec)),
		onHCM(c, in.Port, v1alpha3.EnvoyFilter_Patch_MERGE, connectionManager("HTTP2", localReplies())),
	}
	patches = append(patches, r.filters(c, &in.Edge)...)
	if in.Bridge != "" {
		patches = append(patches, onCluster(c, "", in.Port, r.bridge(in.Bridge)))
	}
	r.add(&in.Edge, patches)
}

// gateway patches gateways.
func (r *renderer) gateway(g *ir.Gateway) {
	const c = v1alpha3.EnvoyFilter_GATEWAY
	r.add(&g.Edge, slices.Concat([]patch{
		onHCM(c, g.Port, v1alpha3.EnvoyFilter_Patch_INSERT_BEFORE, r.networkFilter(g.Codec)),
		onHCM(c, g.Port, v1alpha3.EnvoyFilter_Patch_MERGE, connectionManager("HTTP2", localReplies())),
	}, r.filters(c, &g.Edge)))
}

// unknownHosts has calls to hosts that Istio does not know end with the error for a
// missing route, whatever the mesh's outbound policy is. Such a call would go to the
// dialed address otherwise, as HTTP/2, which a server of the protocol does not read.
func unknownHosts(c v1alpha3.EnvoyFilter_PatchContext, o *ir.Outbound) []patch {
	hosts := []string{"allow_any", "block_all"}
	all := make([]patch, 0, len(hosts)*len(o.Codecs))
	for _, host := range hosts {
		for _, codec := range o.Codecs {
			all = append(all, inVirtualHost(c, o.Port, host, object{
				"name": "meltemi-no-route-" + codec,
				"match": object{"prefix": "/", "headers": list{
					object{"name": "content-type", "string_match": object{"exact": "application/grpc+" + codec}},
				}},
				"route": object{"cluster": noCluster, "cluster_not_found_response_code": "NOT_FOUND"},
			}))
		}
	}
	return all
}

// direct puts the bridge on the clusters of services that are spoken to directly.
func (r *renderer) direct(d *ir.Direct) {
	c := v1alpha3.EnvoyFilter_SIDECAR_OUTBOUND
	if d.IsGateway {
		c = v1alpha3.EnvoyFilter_GATEWAY
	}
	patches := make([]patch, len(d.Services))
	for i, u := range d.Services {
		patches[i] = onCluster(c, u.Host, u.Port, r.bridge(u.Bridge))
	}
	r.add(&ir.Edge{Name: d.Name, Namespace: d.Namespace, Selector: d.Selector, Owners: d.Owners}, patches)
}

// filters put the HTTP filters of an edge before the router: first ours, then the limits,
// so that limits can go by what filters have found out.
func (r *renderer) filters(c v1alpha3.EnvoyFilter_PatchContext, e *ir.Edge) []patch {
	var all []patch
	for _, f := range e.Filters {
		all = append(all, beforeRouter(c, e.Port, r.httpFilter(f)))
	}
	if len(e.Local) > 0 {
		all = append(all, beforeRouter(c, e.Port, localLimits(e.Local)))
	}
	for i := range e.Global {
		all = append(all, beforeRouter(c, e.Port, globalLimits(&e.Global[i])))
	}
	return all
}
