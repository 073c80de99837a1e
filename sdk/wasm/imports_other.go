//go:build !wasip1

package wasm

import "github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

// Outside of Envoy there is the SDK's emulator of a host, for tests. It knows what the SDK
// knows.

func sendReply(status uint32, code int32, headers [][2]string, text, _ string) error {
	return proxywasm.SendHttpResponse(status, headers, []byte(text), code)
}

func resetStream() { _ = proxywasm.CloseDownstream() }

func setGauge(id uint32, value uint64) {
	g := proxywasm.MetricGauge(id)
	g.Add(int64(value) - g.Value()) //nolint:gosec // numbers of tests
}
