package wasm

import (
	"encoding/binary"
	"fmt"
)

// What Envoy offers and the SDK does not: the details of a reply, the end of a stream, and
// a gauge that is set.
// Source: proxy-wasm-cpp-host, include/proxy-wasm/exports.h.

//go:wasmimport env proxy_send_local_response
func proxySendLocalResponse(status uint32, details, body, headers string, grpcStatus int32) uint32

//go:wasmimport env proxy_close_stream
func proxyCloseStream(stream uint32) uint32

//go:wasmimport env proxy_record_metric
func proxyRecordMetric(id uint32, value uint64) uint32

const streamRequest = 0

// sendReply makes Envoy answer the request by itself.
func sendReply(status uint32, code int32, headers [][2]string, text, details string) error {
	if result := proxySendLocalResponse(status, details, text, pairs(headers), code); result != 0 {
		return fmt.Errorf("proxy_send_local_response: status %d", result)
	}
	return nil
}

// resetStream ends the stream without an answer.
func resetStream() { proxyCloseStream(streamRequest) }

// setGauge sets a gauge.
func setGauge(id uint32, value uint64) { proxyRecordMetric(id, value) }

// pairs is a list of headers in the ABI's form: their number, the sizes of names and
// values, and the texts, each with a zero behind it.
// Source: proxy-wasm-cpp-host, src/pairs_util.cc.
func pairs(headers [][2]string) string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(headers))) //nolint:gosec // a few
	for _, h := range headers {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h[0]))) //nolint:gosec // of a filter's reply
		b = binary.LittleEndian.AppendUint32(b, uint32(len(h[1]))) //nolint:gosec // likewise
	}
	for _, h := range headers {
		b = append(append(b, h[0]...), 0)
		b = append(append(b, h[1]...), 0)
	}
	return string(b)
}
