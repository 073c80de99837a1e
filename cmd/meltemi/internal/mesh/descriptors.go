package mesh

import (
	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The messages that the parts of a mesh file become.

func listenerDescriptor() protoreflect.MessageDescriptor { return descriptor(&listenerv3.Listener{}) }

func chainDescriptor() protoreflect.MessageDescriptor { return descriptor(&listenerv3.FilterChain{}) }

func hcmDescriptor() protoreflect.MessageDescriptor {
	return descriptor(&hcmv3.HttpConnectionManager{})
}
func clusterDescriptor() protoreflect.MessageDescriptor { return descriptor(&clusterv3.Cluster{}) }
func bootstrapDescriptor() protoreflect.MessageDescriptor {
	return descriptor(&bootstrapv3.Bootstrap{})
}
func addressDescriptor() protoreflect.MessageDescriptor { return descriptor(&corev3.Address{}) }

func descriptor(m proto.Message) protoreflect.MessageDescriptor { return m.ProtoReflect().Descriptor() }
