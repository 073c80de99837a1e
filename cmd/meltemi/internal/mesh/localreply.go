package mesh

import "go.yaml.in/yaml/v3"

// Replies that Envoy makes itself reach the codec as HTTP responses. gRPC folds
// several HTTP codes into one status, so the cause goes along in a header of its
// own, from which the codec chooses the protocol's native code.
const (
	causeHeader = "x-meltemi-cause"
	causeFormat = "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"
)

// unknownFlags are the response flags of a connection that was lost after the
// request went out: the server may have run the call. Envoy says UNAVAILABLE (14)
// then, which is retried; UNKNOWN (2) is not.
var unknownFlags = []string{"UC", "UR", "LR", "UPE"}

// fillLocalReplies adds our mappers behind the user's. The first that matches wins, so
// each of the user's gets the cause as well, and goes a second time before itself, for
// lost connections, with the status that is not retried.
func fillLocalReplies(hcm *yaml.Node) {
	config := sub(hcm, "local_reply_config")
	fill(config, "mappers", list())
	mappers := get(config, "mappers")
	for _, mapper := range mappers.Content {
		fill(mapper, "headers_to_add", list())
		headers := get(mapper, "headers_to_add")
		if !addsHeader(headers, causeHeader) {
			headers.Content = append(headers.Content, header(causeHeader, causeFormat))
		}
	}
	mappers.Content = withLostConnections(mappers.Content)
	mappers.Content = append(mappers.Content,
		mapping(
			entry{"filter", lostConnection()},
			entry{"headers_to_add", list(header("grpc-status", "2"), header(causeHeader, causeFormat))},
		),
		mapping(
			entry{"filter", anyStatus()},
			entry{"headers_to_add", list(header(causeHeader, causeFormat))},
		),
	)
}

// withLostConnections puts before each mapper the same for lost connections only.
func withLostConnections(mappers []*yaml.Node) (all []*yaml.Node) {
	for _, mapper := range mappers {
		filter := get(mapper, "filter")
		if filter != nil && !addsHeader(get(mapper, "headers_to_add"), "grpc-status") {
			lost := clone(mapper)
			set(lost, "filter", mapping(entry{"and_filter", mapping(entry{"filters", list(lostConnection(), clone(filter))})}))
			headers := get(lost, "headers_to_add")
			headers.Content = append(headers.Content, header("grpc-status", "2"))
			all = append(all, lost)
		}
		all = append(all, mapper)
	}
	return all
}

// lostConnection is an access log filter for connections that were lost in mid-call.
func lostConnection() *yaml.Node {
	flags := list()
	for _, flag := range unknownFlags {
		flags.Content = append(flags.Content, filledString(flag))
	}
	return mapping(entry{"response_flag_filter", mapping(entry{"flags", flags})})
}

// anyStatus is an access log filter that matches every reply: any status from 100.
func anyStatus() *yaml.Node {
	return mapping(entry{"status_code_filter", mapping(entry{"comparison", mapping(
		entry{"op", filledString("GE")},
		entry{"value", mapping(
			entry{"default_value", filledInt(100)},
			entry{"runtime_key", filledString("meltemi.any")},
		)},
	)})})
}

// header sets a header, whatever it was before.
func header(key, value string) *yaml.Node {
	return mapping(
		entry{"header", mapping(entry{"key", filledString(key)}, entry{"value", filledString(value)})},
		entry{"append_action", filledString("OVERWRITE_IF_EXISTS_OR_ADD")},
	)
}

// addsHeader tells whether a list of headers to add has key.
func addsHeader(headers *yaml.Node, key string) bool {
	for _, h := range items(headers) {
		if text(dig(h, "header", "key")) == key {
			return true
		}
	}
	return false
}
