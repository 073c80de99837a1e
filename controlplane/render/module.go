package render

import (
	"strings"

	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

const (
	typePrefix   = "type.googleapis.com/"
	moduleName   = "meltemi"
	defaultLabel = "meltemi"
)

// library is Envoy's DynamicModuleConfig. A Go runtime cannot leave a process, so the
// library stays loaded.
func library(name string) object {
	switch {
	case name == "":
		return object{"name": defaultLabel, "do_not_close": true}
	case strings.HasPrefix(name, "/"):
		return object{"module": object{"local": object{"filename": name}}, "do_not_close": true}
	}
	return object{"name": name, "do_not_close": true}
}

// typed is a typed extension.
func typed(name, typeName string, fields object) object {
	fields["@type"] = typePrefix + typeName
	return object{"name": name, "typed_config": fields}
}

// text is a configuration for the library, which gets the bytes as they are.
func text(config string) object {
	return object{"@type": typePrefix + "google.protobuf.StringValue", "value": config}
}

// listenerFilter tells plain HTTP/1 from everything else, which it declares HTTP/2 for
// Istio's choice of the filter chain.
func (r *renderer) listenerFilter() object {
	return typed("envoy.filters.listener.dynamic_modules", "envoy.extensions.filters.listener.dynamic_modules.v3.DynamicModuleListenerFilter", object{
		"dynamic_module_config": r.library, "filter_name": "sniff",
	})
}

// networkFilter is the edge towards whoever calls.
func (r *renderer) networkFilter(config string) object {
	return typed("envoy.filters.network.dynamic_modules", "envoy.extensions.filters.network.dynamic_modules.v3.DynamicModuleNetworkFilter", object{
		"dynamic_module_config": r.library, "filter_name": moduleName, "filter_config": text(config),
	})
}

// bridge is the edge towards servers, in the form of a cluster to be merged.
func (r *renderer) bridge(config string) object {
	return object{"upstream_config": typed("envoy.upstreams.http.dynamic_modules", "envoy.extensions.upstreams.http.dynamic_modules.v3.Config", object{
		"dynamic_module_config": r.library, "bridge_name": moduleName, "bridge_config": text(config),
	})}
}

// httpFilter is a layer-7 filter of the library.
func (r *renderer) httpFilter(f ir.Filter) object {
	return typed(f.Name, "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter", object{
		"dynamic_module_config": r.library, "filter_name": f.Filter, "filter_config": text(f.Config),
	})
}
