package render

import (
	"regexp"
	"strings"
)

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
func connectionManager(codec string, replies list) object {
	return typed(hcmName, "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", object{
		"codec_type": codec,
		// One bad call must not reset the connection with all its calls.
		"stream_error_on_invalid_http_message": true,
		"common_http_protocol_options":         object{"max_headers_count": maxHeaders},
		"max_request_headers_kb":               maxHeaderKB,
		"local_reply_config":                   object{"mappers": replies},
		"early_header_mutation_extensions":     list{removeLocalMetadata()},
	})
}

// localReplies tell the cause of Envoy's own replies, to all that pass some filters.
func localReplies(filters ...object) list {
	cause := setHeader(causeHeader, causeFormat)
	return list{
		object{"filter": allOf(lostConnection(), filters), "headers_to_add": list{setHeader("grpc-status", "2"), cause}},
		object{"filter": allOf(anyStatus(), filters), "headers_to_add": list{cause}},
	}
}

// lostConnection is the filter of connections that were lost after the request had gone
// out, when the server may have run the call: Envoy says UNAVAILABLE (14) then, which is
// repeated; UNKNOWN (2) is not.
func lostConnection() object {
	return object{"response_flag_filter": object{"flags": list{"UC", "UR", "LR", "UPE"}}}
}

// anyStatus is the filter that lets every reply pass: any status from 100.
func anyStatus() object {
	return object{"status_code_filter": object{"comparison": object{
		"op": "GE", "value": object{"default_value": 100, "runtime_key": "meltemi.any"},
	}}}
}

// callsOf is the filter of calls that codecs have read. Where plain HTTP shares a listener,
// its replies stay as they are: gRPC's own UNAVAILABLE is one that clients repeat.
func callsOf(codecs []string) object {
	quoted := make([]string, len(codecs))
	for i, codec := range codecs {
		quoted[i] = regexp.QuoteMeta(codec)
	}
	return object{"header_filter": object{"header": object{
		"name": "content-type", "string_match": object{"safe_regex": object{"regex": `application/grpc\+(?:` + strings.Join(quoted, "|") + ")"}},
	}}}
}

// allOf is the filter of what passes one and more.
func allOf(one object, more []object) object {
	if len(more) == 0 {
		return one
	}
	filters := list{one}
	for _, f := range more {
		filters = append(filters, f)
	}
	return object{"and_filter": object{"filters": filters}}
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
