package migrate

import (
	"fmt"
	"strings"
)

// Field is a field of one of Aeraki's resources, and what becomes of it.
type Field struct {
	// Kind is the resource.
	Kind string
	// Path is the field, with [] for each item and * for each key.
	Path string
	// Becomes is where it is afterwards, "" if it is nowhere.
	Becomes string
	// Why tells what is not the same, or nothing.
	Why string
}

// Fields are all fields of Aeraki's resources that hold a value.
var Fields = []Field{
	{"ApplicationProtocol", "protocol", "CodecBinding codec.name", "of the ports that are named after it"},
	{"ApplicationProtocol", "codec", "CodecBinding codec.name", "its last word; a codec that the library lacks has to be written"},

	{"MetaRouter", "hosts[]", "VirtualService hosts", "exactly one, as in Aeraki; several MetaRouters for a host are told, of which Aeraki takes any one"},
	{"MetaRouter", "gateways[]", "a VirtualService of its own with hosts * on the port of the gateway", "as Aeraki, sidecars go by the routes too"},
	{"MetaRouter", "routes[].name", "http[].name", ""},
	{"MetaRouter", "routes[].match.attributes.*.exact", "http[].match: uri for interface and method, else headers x-rpc-KEY", "an empty text asks whether the attribute is there"},
	{"MetaRouter", "routes[].match.attributes.*.prefix", "the same", "an empty one likewise"},
	{"MetaRouter", "routes[].match.attributes.*.regex", "the same", "* and nothing ask whether the attribute is there; in the path it is compared with the escaped text; anchors are left out, and in the middle they are an error"},
	{"MetaRouter", "routes[].route[].destination.host", "http[].route[].destination.host", ""},
	{"MetaRouter", "routes[].route[].destination.subset", "http[].route[].destination.subset", ""},
	{"MetaRouter", "routes[].route[].destination.port.number", "http[].route[].destination.port.number", ""},
	{"MetaRouter", "routes[].route[].weight", "http[].route[].weight", ""},
	{"MetaRouter", "routes[].mirror.host", "http[].mirror.host", ""},
	{"MetaRouter", "routes[].mirror.subset", "http[].mirror.subset", ""},
	{"MetaRouter", "routes[].mirror.port.number", "http[].mirror.port.number", ""},
	{"MetaRouter", "routes[].mirrorPercentage.value", "http[].mirrorPercentage.value", "0 is all, as in Aeraki, and left out"},
	{"MetaRouter", "routes[].requestMutation[].key", "http[].headers.request.set", "the library writes headers back into the message; dropped for Thrift, where Aeraki does nothing either and a message without headers could not take it"},
	{"MetaRouter", "routes[].requestMutation[].value", "the same", "% is written twice, since Envoy takes it for a command"},
	{"MetaRouter", "routes[].responseMutation[].key", "", "Aeraki never does it; headers.response.set would"},
	{"MetaRouter", "routes[].responseMutation[].value", "", "likewise"},
	{"MetaRouter", "localRateLimit.tokenBucket.maxTokens", "RateLimitPolicy rules[].local.burst", "left out where it is requests"},
	{"MetaRouter", "localRateLimit.tokenBucket.tokensPerFill", "rules[].local.requests", "without it Aeraki ends; 1 is taken"},
	{"MetaRouter", "localRateLimit.tokenBucket.fillInterval", "rules[].local.per", "at least 50ms, as in Aeraki"},
	{"MetaRouter", "localRateLimit.conditions[].match.attributes.*.exact", "rules[].match", "each call is counted by all rules that match, in Aeraki by the first one"},
	{"MetaRouter", "localRateLimit.conditions[].match.attributes.*.prefix", "the same", ""},
	{"MetaRouter", "localRateLimit.conditions[].match.attributes.*.regex", "the same", ""},
	{"MetaRouter", "localRateLimit.conditions[].tokenBucket.maxTokens", "rules[].local.burst", "a condition without a bucket is left out, as in Aeraki"},
	{"MetaRouter", "localRateLimit.conditions[].tokenBucket.tokensPerFill", "rules[].local.requests", ""},
	{"MetaRouter", "localRateLimit.conditions[].tokenBucket.fillInterval", "rules[].local.per", ""},
	{"MetaRouter", "globalRateLimit.match.attributes.*.exact", "rules[].match", "without a match Aeraki never limits; now all calls are"},
	{"MetaRouter", "globalRateLimit.match.attributes.*.prefix", "the same", "the descriptor gets an entry more, which the rate limit service has to know"},
	{"MetaRouter", "globalRateLimit.match.attributes.*.regex", "the same", "likewise"},
	{"MetaRouter", "globalRateLimit.domain", "RateLimitPolicy service.domain", ""},
	{"MetaRouter", "globalRateLimit.requestTimeout", "service.timeout", "Aeraki ignores it and waits; without it Aeraki ends, 50ms is taken"},
	{"MetaRouter", "globalRateLimit.denyOnFail", "service.onFailure", ""},
	{"MetaRouter", "globalRateLimit.rateLimitService", "service.host and port", "out of outbound|PORT||HOST; another cluster is an error"},
	{"MetaRouter", "globalRateLimit.descriptors[].property", "rules[].global.descriptor: a rule for each", "a fixed value where the match leaves one; else method and interface are /service/method"},
	{"MetaRouter", "globalRateLimit.descriptors[].descriptorKey", "rules[].global.descriptor[].key", ""},
	{"MetaRouter", "exportTo[]", "VirtualService exportTo", "whose calls are read is told by the exportTo of the service"},

	{"DubboAuthorizationPolicy", "action", "AuthorizationPolicy action", "a policy for each service with a port tcp-dubbo; those that allow leave other ports alone"},
	{"DubboAuthorizationPolicy", "rules[].from[].source.principals[]", "rules[].from[].source.principals", ""},
	{"DubboAuthorizationPolicy", "rules[].from[].source.notPrincipals[]", "rules[].from[].source.notPrincipals", ""},
	{"DubboAuthorizationPolicy", "rules[].from[].source.namespaces[]", "rules[].from[].source.namespaces", ""},
	{"DubboAuthorizationPolicy", "rules[].from[].source.notNamespaces[]", "rules[].from[].source.notNamespaces", ""},
	{"DubboAuthorizationPolicy", "rules[].to[].operation.interfaces[]", "rules[].to[].operation.paths: /interface/method", "one path has one * at one end; what it cannot say is forbidden, and told"},
	{"DubboAuthorizationPolicy", "rules[].to[].operation.methods[]", "the same", "likewise"},
	{"DubboAuthorizationPolicy", "rules[].to[].operation.notInterfaces[]", "rules[].to[].operation.notPaths", "likewise"},
	{"DubboAuthorizationPolicy", "rules[].to[].operation.notMethods[]", "the same", "likewise"},

	{"RedisService", "host[]", "an EnvoyFilter redis-NAMESPACE-NAME-PORT in Istio's root namespace for each port tcp-redis", "by the addresses of the service, or the port's number; every port of the name, in Aeraki the first one"},
	{"RedisService", "settings.caseInsensitive", "redis_proxy prefix_routes.case_insensitive", "Aeraki forgets it"},
	{"RedisService", "settings.opTimeout", "settings.op_timeout", "1m without it, as in Aeraki"},
	{"RedisService", "settings.enableCommandStats", "settings.enable_command_stats", ""},
	{"RedisService", "settings.maxBufferSizeBeforeFlush", "settings.max_buffer_size_before_flush", ""},
	{"RedisService", "settings.bufferFlushTimeout", "settings.buffer_flush_timeout", ""},
	{"RedisService", "settings.maxUpstreamUnknownConnections", "settings.max_upstream_unknown_connections", "Aeraki forgets it"},
	{"RedisService", "settings.enableHashtagging", "settings.enable_hashtagging", ""},
	{"RedisService", "settings.enableRedirection", "settings.enable_redirection", "to addresses: names of nodes are not looked up, as in Aeraki"},
	{"RedisService", "settings.readPolicy", "settings.read_policy", "Aeraki takes PREFER_REPLICA for PREFER_MASTER"},
	{"RedisService", "settings.auth.secret.name", "downstream_auth_passwords, downstream_auth_username", "out of a Secret in the input; they stand in the EnvoyFilter, as in Aeraki"},
	{"RedisService", "settings.auth.secret.passwordField", "the same", "password or token without it"},
	{"RedisService", "settings.auth.secret.usernameField", "the same", "username without it, which Aeraki forgets"},
	{"RedisService", "settings.auth.plain.password", "downstream_auth_passwords", ""},
	{"RedisService", "settings.auth.plain.username", "downstream_auth_username", ""},
	{"RedisService", "redis[].match.key.prefix", "prefix_routes.routes[].prefix", "without a match the route takes all other keys"},
	{"RedisService", "redis[].match.key.removePrefix", "prefix_routes.routes[].remove_prefix", ""},
	{"RedisService", "redis[].route.host", "prefix_routes.routes[].cluster, or catch_all_route", ""},
	{"RedisService", "redis[].route.port", "the same", "without it the service's port for Redis"},
	{"RedisService", "redis[].mirror[].route.host", "request_mirror_policy[].cluster", ""},
	{"RedisService", "redis[].mirror[].route.port", "the same", "Aeraki takes the port of the route"},
	{"RedisService", "redis[].mirror[].percentage.value", "request_mirror_policy[].runtime_fraction", "without it Aeraki ends; 100 is taken"},
	{"RedisService", "redis[].mirror[].excludeReadCommands", "request_mirror_policy[].exclude_read_commands", ""},
	{"RedisService", "faults[].type", "faults[].fault_type", ""},
	{"RedisService", "faults[].percentage.value", "faults[].fault_enabled", "without it Aeraki ends; 100 is taken"},
	{"RedisService", "faults[].delay", "faults[].delay", ""},
	{"RedisService", "faults[].commands[]", "faults[].commands", ""},

	{"RedisDestination", "host", "the cluster in that EnvoyFilter, and a DestinationRule NAME-redis without mTLS, as in Aeraki", "with mode CLUSTER a cluster of its own and no DestinationRule"},
	{"RedisDestination", "trafficPolicy.connectionPool.tcp", "DestinationRule trafficPolicy.connectionPool.tcp", "with mode CLUSTER the fields of the cluster for maxConnections, connectTimeout and tcpKeepalive"},
	{"RedisDestination", "trafficPolicy.connectionPool.redis.mode", "CLUSTER: a cluster of type envoy.clusters.redis", ""},
	{"RedisDestination", "trafficPolicy.connectionPool.redis.auth.secret.name", "the cluster's RedisProtocolOptions", "out of a Secret in the input"},
	{"RedisDestination", "trafficPolicy.connectionPool.redis.auth.secret.passwordField", "the same", "password or token without it"},
	{"RedisDestination", "trafficPolicy.connectionPool.redis.auth.secret.usernameField", "the same", "username without it, which Aeraki forgets"},
	{"RedisDestination", "trafficPolicy.connectionPool.redis.auth.plain.password", "the same", ""},
	{"RedisDestination", "trafficPolicy.connectionPool.redis.auth.plain.username", "the same", ""},
	{"RedisDestination", "trafficPolicy.connectionPool.redis.discoveryEndpoints[]", "the cluster's endpoints", "the host without them"},
}

// Table is Fields as tables of Markdown, one for each kind.
func Table() string {
	var b strings.Builder
	kind := ""
	for _, f := range Fields {
		if f.Kind != kind {
			fmt.Fprintf(&b, "\n### %s\n\n| field | becomes | what is not the same |\n| --- | --- | --- |\n", f.Kind)
			kind = f.Kind
		}
		becomes := f.Becomes
		if becomes == "" {
			becomes = "nothing"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Path, cell(becomes), cell(f.Why))
	}
	return b.String()
}

// cell is a text within a table.
func cell(s string) string { return strings.NewReplacer("|", `\|`, "*", `\*`).Replace(s) }
