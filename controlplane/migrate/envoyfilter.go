package migrate

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"istio.io/api/networking/v1alpha3"
)

// message is a part of Envoy's configuration, which knows its own rules.
type message interface {
	proto.Message
	ValidateAll() error
}

// tcpProxy is the filter that Istio gives connections of ports that are not HTTP.
const tcpProxy = "envoy.filters.network.tcp_proxy"

// typed is a filter of Envoy's with its configuration.
func typed(name string, config message) (*structpb.Struct, error) {
	if err := config.ValidateAll(); err != nil {
		return nil, err
	}
	packed, err := anypb.New(config)
	if err != nil {
		return nil, err
	}
	value, err := asStruct(packed)
	if err != nil {
		return nil, err
	}
	return &structpb.Struct{Fields: map[string]*structpb.Value{
		"name": structpb.NewStringValue(name), "typed_config": structpb.NewStructValue(value),
	}}, nil
}

func asStruct(m proto.Message) (*structpb.Struct, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	return structpb.NewStruct(fields)
}

// patch is a patch of an EnvoyFilter.
type patch = v1alpha3.EnvoyFilter_EnvoyConfigObjectPatch

// onTCP patches the TCP proxies of clients for a port: by the addresses of the service, and
// where they are not known, by the number.
func onTCP(s *service, p *port, operation v1alpha3.EnvoyFilter_Patch_Operation, value *structpb.Struct) []*patch {
	chain := &v1alpha3.EnvoyFilter_ListenerMatch_FilterChainMatch{Filter: &v1alpha3.EnvoyFilter_ListenerMatch_FilterMatch{Name: tcpProxy}}
	on := func(match *v1alpha3.EnvoyFilter_ListenerMatch) *patch {
		match.FilterChain = chain
		return &patch{
			ApplyTo: v1alpha3.EnvoyFilter_NETWORK_FILTER,
			Match:   onListener(v1alpha3.EnvoyFilter_SIDECAR_OUTBOUND, match),
			Patch:   &v1alpha3.EnvoyFilter_Patch{Operation: operation, Value: value},
		}
	}
	if len(s.addresses) == 0 {
		return []*patch{on(&v1alpha3.EnvoyFilter_ListenerMatch{PortNumber: p.number})}
	}
	patches := make([]*patch, 0, len(s.addresses))
	for _, address := range s.addresses {
		patches = append(patches, on(&v1alpha3.EnvoyFilter_ListenerMatch{Name: fmt.Sprintf("%s_%d", address, p.number)}))
	}
	return patches
}

func onListener(c v1alpha3.EnvoyFilter_PatchContext, match *v1alpha3.EnvoyFilter_ListenerMatch) *v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch {
	return &v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch{
		Context: c, ObjectTypes: &v1alpha3.EnvoyFilter_EnvoyConfigObjectMatch_Listener{Listener: match},
	}
}

// emitFilter writes an EnvoyFilter for the clients of a service, which are in all
// namespaces.
func (m *migration) emitFilter(s *service, p *port, patches []*patch) {
	name := strings.ToLower(fmt.Sprintf("%s-%s-%s-%d", p.protocol, s.doc.namespace, s.doc.name, p.number))
	m.emit(s.doc, networkingV1alpha3, "EnvoyFilter", name, m.options.RootNamespace, &v1alpha3.EnvoyFilter{ConfigPatches: patches})
	if len(s.addresses) > 0 {
		return
	}
	for _, other := range m.services {
		for i := range other.ports {
			if o := &other.ports[i]; o.number == p.number && other != s && o.app == "" {
				m.note(s.doc, ToDo, fmt.Sprintf("spec.ports[%d]", p.index), "without an address of %s the EnvoyFilter is for all TCP services on port %d, such as %s %s/%s: take what the cluster has (kubectl get)", s.kind, p.number, other.kind, other.doc.namespace, other.doc.name)
				return
			}
		}
	}
}

// cluster is Istio's name for a service beside clients.
func cluster(host string, port uint32) string { return fmt.Sprintf("outbound|%d||%s", port, host) }
