package brpc

import (
	"bytes"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Entries that are fields of the meta. Metadata of the same name has a '_' in front.
const (
	keyLogID      = "log_id"
	keyTraceID    = "trace_id"
	keySpanID     = "span_id"
	keyParentSpan = "parent_span_id"
	keyRequestID  = "request_id"
	keyTimeout    = "timeout_ms"
	keyCompress   = "compress_type"
	keyContent    = "content_type"
	keyAttachment = "attachment_size"
)

var (
	requestIDKey  = []byte(keyRequestID)
	compressKey   = []byte(keyCompress)
	contentKey    = []byte(keyContent)
	attachmentKey = []byte(keyAttachment)
	underscore    = []byte("_")
)

// numberKeys are the entries of a request that are numbers, by the field.
var numberKeys = [callTimeout + 1][]byte{
	callLogID: []byte(keyLogID), callTraceID: []byte(keyTraceID), callSpanID: []byte(keySpanID),
	callParentSpan: []byte(keyParentSpan), callTimeout: []byte(keyTimeout),
}

// numberField is the field of a request that the entry with that key is, 0 if it is none.
func numberField(key []byte) int {
	switch string(key) {
	case keyLogID:
		return callLogID
	case keyTraceID:
		return callTraceID
	case keySpanID:
		return callSpanID
	case keyParentSpan:
		return callParentSpan
	case keyTimeout:
		return callTimeout
	}
	return 0
}

// payloadField is the field of the meta about the payload that the entry with that key
// is, 0 if it is none.
func payloadField(key []byte) int {
	switch string(key) {
	case keyCompress:
		return metaCompress
	case keyContent:
		return metaContent
	case keyAttachment:
		return metaAttachment
	}
	return 0
}

// isField reports whether the entry with that key is a field of the meta.
func isField(key []byte) bool {
	return numberField(key) != 0 || payloadField(key) != 0 || string(key) == keyRequestID
}

// shownKey is the key of the entry for metadata: itself, but for those that would look
// like a field of the meta, or like metadata that would.
func shownKey(m *sdk.Message, key []byte) []byte {
	if !isField(bytes.TrimLeft(key, "_")) {
		return key
	}
	return m.KeepString(underscore, string(key))
}

// metadataKey undoes shownKey. It is for keys that are no fields.
func metadataKey(key []byte) []byte {
	if rest, ok := bytes.CutPrefix(key, underscore); ok && isField(bytes.TrimLeft(rest, "_")) {
		return rest
	}
	return key
}

// Names of numbers. Sources: apache/brpc, src/brpc/options.proto, and in
// baidu_rpc_protocol.cpp ContentTypeToCStr.
var (
	compressNames = [][]byte{[]byte("none"), []byte("snappy"), []byte("gzip"), []byte("zlib"), []byte("lz4")}
	contentNames  = [][]byte{[]byte("pb"), []byte("json"), []byte("proto-json"), []byte("proto-text")}
)

// Numbers that mean something here.
const (
	contentProtobuf = 0
	contentJSON     = 1
)

// named is the name of a number, or the number where it has none.
func named(m *sdk.Message, names [][]byte, n int32) []byte {
	if n >= 0 && int(n) < len(names) {
		return names[n]
	}
	return decimal(m, int64(n))
}

// decimal is a number in memory of the message.
func decimal(m *sdk.Message, n int64) []byte {
	var digits [20]byte
	return m.Keep(strconv.AppendInt(digits[:0], n, 10))
}
