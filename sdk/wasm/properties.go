package wasm

import (
	"encoding/binary"
	"strconv"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"

	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// attributes are the properties of Envoy in which an attribute is, the first that is
// known.
// Source: Envoy's documentation, "Attributes".
var attributes = [...][][]string{
	filterhost.AttributeSource:      {{"source", "address"}},
	filterhost.AttributeDestination: {{"destination", "address"}},
	filterhost.AttributePrincipal: {
		{"connection", "uri_san_peer_certificate"},
		{"connection", "dns_san_peer_certificate"},
		{"connection", "subject_peer_certificate"},
	},
	filterhost.AttributeRoute:   {{"xds", "route_name"}},
	filterhost.AttributeCluster: {{"xds", "cluster_name"}},
}

var (
	upstreamAddress = []string{"upstream", "address"}
	codeDetails     = []string{"response", "code_details"}
	responseFlags   = []string{"response", "flags"}
	requestSize     = []string{"request", "size"}
	responseSize    = []string{"response", "size"}
)

// property is a property of Envoy, "" if it is not known.
func property(path []string) string {
	text, err := proxywasm.GetProperty(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// number is a property that is a number, 0 if it is not known.
func number(path []string) uint64 {
	b, err := proxywasm.GetProperty(path)
	if err != nil || len(b) != 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// outcome is what Envoy knows of a request at its end.
func (s *stream) outcome() *filterhost.End {
	end := &filterhost.End{
		Upstream: property(upstreamAddress), Details: property(codeDetails), Flags: number(responseFlags),
		RequestBytes: number(requestSize), ResponseBytes: number(responseSize),
	}
	if !s.answered {
		if list, err := proxywasm.GetHttpResponseHeaders(); err == nil {
			end.Headers = fields(list)
		}
	}
	return end
}

// SetDynamicString implements filterhost.Stream. Envoy has no dynamic metadata for a Wasm
// module; what comes nearest is filter state, %FILTER_STATE(wasm.NAME.KEY:PLAIN)% in
// access logs.
func (s *stream) SetDynamicString(key, value string) {
	if value != "" {
		_ = proxywasm.SetProperty([]string{s.plugin.name + "." + key}, []byte(value)) // nobody was promised it
	}
}

// SetDynamicNumber implements filterhost.Stream.
func (s *stream) SetDynamicNumber(key string, value float64) {
	s.SetDynamicString(key, strconv.FormatFloat(value, 'g', -1, 64))
}
