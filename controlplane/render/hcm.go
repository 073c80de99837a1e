package render

// Room for metadata, which becomes headers: the codecs expose at most 256 entries and
// 48 KiB by default, and escaping can triple a byte. Envoy's own limits are 100 headers
// and 60 KiB.
const (
	maxHeaders  = 1000
	maxHeaderKB = 256
)

// causeHeader and causeFormat tell the library why a reply was made by Envoy: gRPC folds
// several codes of HTTP into one, and native errors are chosen by the cause.
const (
	causeHeader = "x-meltemi-cause"
	causeFormat = "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"
)

// connectionManager is what calls need of Istio's HTTP connection manager, to be merged.
// Istio has set its timeouts to none already, as calls have their own.
func connectionManager(codec string) object {
	return typed(hcmName, "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", object{
		"codec_type": codec,
		// One bad call must not reset the connection with all its calls.
		"stream_error_on_invalid_http_message": true,
		"common_http_protocol_options":         object{"max_headers_count": maxHeaders},
		"max_request_headers_kb":               maxHeaderKB,
		"local_reply_config":                   object{"mappers": localReplies()},
		"early_header_mutation_extensions":     list{removeLocalMetadata()},
	})
}

// localReplies tell the cause of Envoy's own replies. The flags are those of connections
// that were lost after the request had gone out, when the server may have run the call:
// Envoy says UNAVAILABLE (14) then, which is repeated; UNKNOWN (2) is not.
func localReplies() list {
	lost := object{"response_flag_filter": object{"flags": list{"UC", "UR", "LR", "UPE"}}}
	all := object{"status_code_filter": object{"comparison": object{
		"op": "GE", "value": object{"default_value": 100, "runtime_key": "meltemi.any"},
	}}}
	return list{
		object{"filter": lost, "headers_to_add": list{setHeader("grpc-status", "2"), setHeader(causeHeader, causeFormat)}},
		object{"filter": all, "headers_to_add": list{setHeader(causeHeader, causeFormat)}},
	}
}

// removeLocalMetadata takes out what only this proxy may say of a call, before anything
// reads it: whoever speaks HTTP/2 to the port could have set it.
func removeLocalMetadata() object {
	return typed("envoy.http.early_header_mutation.header_mutation", "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation", object{
		"mutations": list{object{"remove_on_match": object{"key_matcher": object{"prefix": "x-rpc-local-"}}}},
	})
}

func setHeader(key, value string) object {
	return object{"header": object{"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
}
