package mesh

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Names of what a connection manager consists of.
const (
	hcmName           = "envoy.filters.network.http_connection_manager"
	hcmType           = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
	earlyMutationName = "envoy.http.early_header_mutation.header_mutation"
	earlyMutationType = "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
	routerName        = "envoy.filters.http.router"
	routerType        = "envoy.extensions.filters.http.router.v3.Router"
)

// Room for metadata, which becomes headers: the codecs expose at most 256 entries
// and 48 KiB by default, and escaping can triple a byte. Envoy's own limits are 100
// headers and 60 KiB.
const (
	maxHeaders  = 1000
	maxHeaderKB = 256
)

// checkCodecHCM refuses what a user can say of a connection manager that would
// break calls behind a codec. A value that only differs from ours is the user's.
func checkCodecHCM(into *problems, path string, l *listener) {
	if n := get(l.hcm, "codec_type"); n != nil {
		switch name, known := enumValue(hcmDescriptor(), "codec_type", n); {
		case !known, name == "HTTP2", name == "AUTO" && (l.codec.auto || l.transportSocket == nil):
		case name == "AUTO":
			into.add(join(path, "codec_type"), n.Line, "AUTO goes by the TLS connection's ALPN, but the codec always speaks HTTP/2 to Envoy: use HTTP2")
		default:
			into.add(join(path, "codec_type"), n.Line, "%s cannot work: the codec speaks HTTP/2 to Envoy; use HTTP2, or leave it out", name)
		}
	}
	const resets = "one bad call would reset the client's connection with all its calls; use true, or leave it out"
	if n := get(l.hcm, "stream_error_on_invalid_http_message"); n != nil && n.Value == "false" {
		into.add(join(path, "stream_error_on_invalid_http_message"), n.Line, "%s", resets)
	}
	if n := dig(l.hcm, "http2_protocol_options", "override_stream_error_on_invalid_http_message"); n != nil && n.Value == "false" {
		into.add(join(path, "http2_protocol_options")+".override_stream_error_on_invalid_http_message", n.Line, "%s", resets)
	}
	if n := dig(l.hcm, "common_http_protocol_options", "headers_with_underscores_action"); n != nil && (n.Value == "DROP_HEADER" || n.Value == "2") {
		into.add(join(path, "common_http_protocol_options")+".headers_with_underscores_action", n.Line,
			"DROP_HEADER would take metadata such as x-rpc-my_key out of calls")
	}
}

// enumValue is the name of the enum value n of a field of md, which may be given as
// a number; not known if it is neither.
func enumValue(md protoreflect.MessageDescriptor, field protoreflect.Name, n *yaml.Node) (name string, known bool) {
	values := md.Fields().ByName(field).Enum().Values()
	for i := range values.Len() {
		if v := values.Get(i); n.Value == string(v.Name()) || n.Value == strconv.Itoa(int(v.Number())) {
			return string(v.Name()), true
		}
	}
	return n.Value, false
}

// fillHCM adds what any connection manager needs.
func fillHCM(l *listener) {
	fill(l.hcm, "stat_prefix", filledString(l.name))
	fill(l.hcm, "http_filters", list())
	filters := get(l.hcm, "http_filters")
	if !hasRouter(filters) {
		var quiet *yaml.Node
		if l.codec != nil {
			quiet = filledBool(true) // no x-envoy-* headers: no codec reads them
		}
		filters.Content = append(filters.Content, extension(routerName, routerType, entry{"suppress_envoy_headers", quiet}))
	}
	if routes := get(l.hcm, "route_config"); routes != nil {
		fill(routes, "name", filledString(l.name))
	}
}

// fillCodecHCM adds what calls need behind a codec.
func fillCodecHCM(l *listener) {
	codecType := "HTTP2"
	if l.codec.auto {
		codecType = "AUTO" // other HTTP may share the listener
	}
	fill(l.hcm, "codec_type", filledString(codecType))
	fill(l.hcm, "stream_error_on_invalid_http_message", filledBool(true))
	fill(sub(l.hcm, "common_http_protocol_options"), "max_headers_count", filledInt(maxHeaders))
	fill(l.hcm, "max_request_headers_kb", filledInt(maxHeaderKB))
	fill(l.hcm, "stream_idle_timeout", filledString("0s")) // the deadline of a call is its own
	fill(l.hcm, "server_header_transformation", filledString("PASS_THROUGH"))
	fill(l.hcm, "skip_xff_append", filledBool(true))
	if get(l.hcm, "tracing") == nil && get(l.hcm, "access_log") == nil {
		fill(l.hcm, "generate_request_id", filledBool(false)) // nobody would see it
	}
	fillLocalReplies(l.hcm)
	removeLocalMetadata(l.hcm)
}

// removeLocalMetadata takes out what only this proxy may say of a call (x-rpc-local-*),
// before anything reads it: whoever speaks HTTP/2 to the port could have set it.
func removeLocalMetadata(hcm *yaml.Node) {
	prefix := mapping(entry{"prefix", filledString("x-rpc-local-")})
	remove := mapping(entry{"remove_on_match", mapping(entry{"key_matcher", prefix})})
	fill(hcm, "early_header_mutation_extensions", list())
	early := get(hcm, "early_header_mutation_extensions")
	early.Content = append([]*yaml.Node{extension(earlyMutationName, earlyMutationType, entry{"mutations", list(remove)})}, early.Content...)
}

// hasRouter tells whether a list of HTTP filters has the router.
func hasRouter(filters *yaml.Node) bool {
	for _, f := range items(filters) {
		if strings.HasSuffix(text(dig(f, "typed_config", "@type")), "/"+routerType) {
			return true
		}
	}
	return false
}
