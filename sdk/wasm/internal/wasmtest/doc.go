// Package wasmtest has the tests of the Wasm host on stock Envoys, with Envoy's own V8.
package wasmtest
