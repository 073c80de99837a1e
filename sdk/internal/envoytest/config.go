package envoytest

import "maps"

// The parts of Envoy configurations that tests need. `meltemi config` makes the
// same for users; here it is spelled out, so that a test can leave a part away.

type object = map[string]any

const toy = `{"name":"toy"}`

// Address is Envoy's form of a TCP address.
func Address(host string, port int) map[string]any {
	return object{"socket_address": object{"address": host, "port_value": port}}
}

func typed(name string, fields object) object {
	config := object{"@type": "type.googleapis.com/" + name}
	maps.Copy(config, fields)
	return config
}

func stringValue(s string) object { return typed("google.protobuf.StringValue", object{"value": s}) }

var module = object{"name": "meltemi", "do_not_close": true}

// Listener returns a listener on a free port with the network filter in front of
// an HTTP connection manager with these routes. Config is the module's JSON, ""
// for a listener of plain HTTP/2. More changes the connection manager.
func Listener(name, config string, routes []any, more map[string]any) map[string]any {
	hcm := object{
		"stat_prefix":                          name,
		"codec_type":                           "HTTP2",
		"stream_error_on_invalid_http_message": true,
		"stream_idle_timeout":                  "0s",
		"common_http_protocol_options":         object{"max_headers_count": 1000},
		"http_filters":                         Filters(),
		"route_config": object{"name": name, "virtual_hosts": []any{
			object{"name": "all", "domains": []any{"*"}, "routes": routes},
		}},
		"local_reply_config": LocalReplies(),
	}
	maps.Copy(hcm, more)
	var filters []any
	if config != "" {
		filters = append(filters, object{"name": "meltemi", "typed_config": typed(
			"envoy.extensions.filters.network.dynamic_modules.v3.DynamicModuleNetworkFilter", object{
				"dynamic_module_config": module, "filter_name": "meltemi", "filter_config": stringValue(config),
			})})
	}
	filters = append(filters, object{"name": "envoy.filters.network.http_connection_manager", "typed_config": typed(
		"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", hcm)})
	return object{"name": name, "address": Address("127.0.0.1", 0), "filter_chains": []any{object{"filters": filters}}}
}

// Filter returns an HTTP filter of the library, with its configuration in JSON.
func Filter(name, config string) map[string]any {
	return object{"name": name, "typed_config": typed(
		"envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter", object{
			"dynamic_module_config": module, "filter_name": name, "filter_config": stringValue(config),
		})}
}

// WasmFilter returns an HTTP filter that runs a Wasm module, with the plugin's
// configuration in JSON. More changes the plugin.
func WasmFilter(path, config string, more map[string]any) map[string]any {
	plugin := object{
		"name": "meltemi", "configuration": stringValue(config), "allow_on_headers_stop_iteration": true,
		"vm_config": object{
			"runtime": "envoy.wasm.runtime.v8", "code": object{"local": object{"filename": path}},
		},
	}
	maps.Copy(plugin, more)
	return object{"name": "wasm", "typed_config": typed("envoy.extensions.filters.http.wasm.v3.Wasm", object{"config": plugin})}
}

// Filters returns a list of HTTP filters with the router behind them.
func Filters(filters ...any) []any {
	return append(filters, object{
		"name":         "envoy.filters.http.router",
		"typed_config": typed("envoy.extensions.filters.http.router.v3.Router", nil),
	})
}

// UpstreamFilters puts HTTP filters on the way from the router to the cluster's hosts.
func UpstreamFilters(cluster map[string]any, filters ...any) map[string]any {
	const options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
	cluster["typed_extension_protocol_options"] = object{options: typed(options, object{
		"explicit_http_config": object{"http2_protocol_options": object{}},
		"http_filters": append(filters, object{
			"name":         "envoy.filters.http.upstream_codec",
			"typed_config": typed("envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec", nil),
		}),
	})}
	return cluster
}

// RouteFilter returns what a route says to a filter of the library, for its
// typed_per_filter_config.
func RouteFilter(name, config string) map[string]any {
	return typed("envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilterPerRoute", object{
		"dynamic_module_config": module, "filter_name": name, "filter_config": stringValue(config),
	})
}

// LocalReplies makes Envoy's own replies tell their cause, and keeps a connection
// that was lost in mid-call from counting as one that never began.
func LocalReplies() map[string]any {
	cause := object{
		"header":        object{"key": "x-meltemi-cause", "value": "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"},
		"append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
	}
	unknown := object{
		"header":        object{"key": "grpc-status", "value": "2"},
		"append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
	}
	return object{"mappers": []any{
		object{
			"filter":         object{"response_flag_filter": object{"flags": []any{"UC", "UR", "LR", "UPE"}}},
			"headers_to_add": []any{unknown, cause},
		},
		object{
			"filter": object{"status_code_filter": object{"comparison": object{
				"op":    "GE",
				"value": object{"default_value": 100, "runtime_key": "meltemi.local_replies"},
			}}},
			"headers_to_add": []any{cause},
		},
	}}
}

// Route returns a route of a prefix to a cluster, without a timeout but the call's
// own. More changes the route action. Envoy ignores timeout beside
// max_stream_duration, so a timeout becomes the older max_grpc_timeout.
func Route(prefix, cluster string, more map[string]any) map[string]any {
	action := object{"cluster": cluster, "timeout": "0s"}
	maps.Copy(action, more)
	if timeout, ok := more["timeout"]; ok {
		action["max_grpc_timeout"] = timeout
	} else {
		action["max_stream_duration"] = object{"grpc_timeout_header_max": "0s"}
	}
	return object{"match": object{"prefix": prefix}, "route": action}
}

// Bridge returns a cluster of RPC servers on these ports of 127.0.0.1.
func Bridge(name, config string, ports ...int) map[string]any {
	c := Cluster(name, ports...)
	c["upstream_config"] = object{"name": "envoy.upstreams.http.dynamic_modules", "typed_config": typed(
		"envoy.extensions.upstreams.http.dynamic_modules.v3.Config", object{
			"dynamic_module_config": module, "bridge_name": "meltemi", "bridge_config": stringValue(config),
		})}
	return c
}

// HTTP2 returns a cluster of other proxies on these ports of 127.0.0.1.
func HTTP2(name string, ports ...int) map[string]any {
	c := Cluster(name, ports...)
	c["typed_extension_protocol_options"] = object{
		"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
			"envoy.extensions.upstreams.http.v3.HttpProtocolOptions", object{
				"explicit_http_config":         object{"http2_protocol_options": object{}},
				"common_http_protocol_options": object{"max_headers_count": 1000},
			}),
	}
	return c
}

// Cluster returns a static cluster on these ports of 127.0.0.1.
func Cluster(name string, ports ...int) map[string]any {
	var endpoints []any
	for _, p := range ports {
		endpoints = append(endpoints, object{"endpoint": object{"address": Address("127.0.0.1", p)}})
	}
	return object{
		"name": name, "connect_timeout": "2s", "type": "STATIC",
		"load_assignment": object{"cluster_name": name, "endpoints": []any{object{"lb_endpoints": endpoints}}},
	}
}

// Bootstrap returns a static configuration.
func Bootstrap(listeners, clusters []any) map[string]any {
	return object{
		"node":             object{"id": "test", "cluster": "test"},
		"static_resources": object{"listeners": listeners, "clusters": clusters},
	}
}
