package render

import (
	"strconv"

	"istio.io/api/networking/v1alpha3"
)

// patch is a patch of an EnvoyFilter before its value is Istio's.
type patch struct {
	applyTo   v1alpha3.EnvoyFilter_ApplyTo
	operation v1alpha3.EnvoyFilter_Patch_Operation
	match     *v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch
	value     object
}

// Names by which Envoy and Istio know things.
const (
	hcmName       = "envoy.filters.network.http_connection_manager"
	routerName    = "envoy.filters.http.router"
	inspectorName = "envoy.filters.listener.http_inspector"
)

// wildcards are the listeners that istiod makes for a port number of HTTP services: one
// for proxies with IPv4, also with both, and one for those with IPv6 alone.
func wildcards(port uint32) []string {
	number := strconv.FormatUint(uint64(port), 10)
	return []string{"0.0.0.0_" + number, "::_" + number}
}

// onListenerFilter patches the filter that tells HTTP from other bytes on a listener.
func onListenerFilter(c v1alpha3.EnvoyFilter_PatchContext, listener string, value object) patch {
	return patch{
		v1alpha3.EnvoyFilter_LISTENER_FILTER, v1alpha3.EnvoyFilter_Patch_REPLACE,
		onListener(c, &v1alpha3.EnvoyFilter_ListenerMatch{Name: listener, ListenerFilter: inspectorName}), value,
	}
}

// onHCM patches before, or in, the HTTP connection managers of a port number.
func onHCM(c v1alpha3.EnvoyFilter_PatchContext, port uint32, operation v1alpha3.EnvoyFilter_Patch_Operation, value object) patch {
	return patch{
		v1alpha3.EnvoyFilter_NETWORK_FILTER, operation,
		onListener(c, &v1alpha3.EnvoyFilter_ListenerMatch{
			PortNumber:  port,
			FilterChain: &v1alpha3.EnvoyFilter_ListenerMatch_FilterChainMatch{Filter: &v1alpha3.EnvoyFilter_ListenerMatch_FilterMatch{Name: hcmName}},
		}), value,
	}
}

// beforeRouter puts an HTTP filter at the end of the chain of a port number.
func beforeRouter(c v1alpha3.EnvoyFilter_PatchContext, port uint32, value object) patch {
	return patch{
		v1alpha3.EnvoyFilter_HTTP_FILTER, v1alpha3.EnvoyFilter_Patch_INSERT_BEFORE,
		onListener(c, &v1alpha3.EnvoyFilter_ListenerMatch{
			PortNumber: port,
			FilterChain: &v1alpha3.EnvoyFilter_ListenerMatch_FilterChainMatch{Filter: &v1alpha3.EnvoyFilter_ListenerMatch_FilterMatch{
				Name: hcmName, SubFilter: &v1alpha3.EnvoyFilter_ListenerMatch_SubFilterMatch{Name: routerName},
			}},
		}), value,
	}
}

// inVirtualHost puts a route before all others of a virtual host of a port number.
func inVirtualHost(c v1alpha3.EnvoyFilter_PatchContext, port uint32, name string, value object) patch {
	return patch{
		v1alpha3.EnvoyFilter_HTTP_ROUTE, v1alpha3.EnvoyFilter_Patch_INSERT_FIRST,
		&v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch{Context: c, ObjectTypes: &v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch_RouteConfiguration{
			RouteConfiguration: &v1alpha3.EnvoyFilter_RouteConfigurationMatch{
				PortNumber: port, Vhost: &v1alpha3.EnvoyFilter_RouteConfigurationMatch_VirtualHostMatch{Name: name},
			},
		}}, value,
	}
}

// onCluster merges into clusters: those of a host and its subsets, or, without a host, of
// the application behind a server's proxy.
func onCluster(c v1alpha3.EnvoyFilter_PatchContext, host string, port uint32, value object) patch {
	return patch{
		v1alpha3.EnvoyFilter_CLUSTER, v1alpha3.EnvoyFilter_Patch_MERGE,
		&v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch{Context: c, ObjectTypes: &v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch_Cluster{
			Cluster: &v1alpha3.EnvoyFilter_ClusterMatch{Service: host, PortNumber: port},
		}}, value,
	}
}

func onListener(c v1alpha3.EnvoyFilter_PatchContext, l *v1alpha3.EnvoyFilter_ListenerMatch) *v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch {
	return &v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch{
		Context: c, ObjectTypes: &v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch_Listener{Listener: l},
	}
}
