module github.com/meltemi-mesh/meltemi/sdk/wasm

go 1.26.0

require (
	github.com/meltemi-mesh/meltemi v0.0.0
	github.com/proxy-wasm/proxy-wasm-go-sdk v0.0.0-20250212164326-ab4161dcf924
)

require (
	github.com/tetratelabs/wazero v1.7.2 // indirect
	golang.org/x/net v0.62.0 // indirect
)

replace github.com/meltemi-mesh/meltemi => ../..
