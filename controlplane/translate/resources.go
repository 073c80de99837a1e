package translate

import (
	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// Resources are all that matter, in any order. They are only read.
type Resources struct {
	CodecBindings     []*v1alpha1.CodecBinding
	RateLimitPolicies []*v1alpha1.RateLimitPolicy

	Services        []*corev1.Service
	EndpointSlices  []*discoveryv1.EndpointSlice
	Pods            []*corev1.Pod
	ServiceEntries  []*networkingv1.ServiceEntry
	WorkloadEntries []*networkingv1.WorkloadEntry
	Gateways        []*networkingv1.Gateway
}

// Options are what the mesh's administrator has said.
type Options struct {
	// RootNamespace is Istio's, "istio-system" if empty.
	RootNamespace string
	// ClientNamespaces are the only namespaces whose clients are served; nil: those of
	// the whole mesh.
	ClientNamespaces []string
	// ClusterDomain is that of Kubernetes' DNS, "cluster.local" if empty.
	ClusterDomain string
	// ProxiesHaveLibrary tells that all proxies were made with the library in them, so
	// that a pod need not show it.
	ProxiesHaveLibrary bool
	// Codecs are what the library carries.
	Codecs []CodecInfo
	// CheckCodec judges the library's configuration, in JSON, as the library will; nil: it
	// is not judged. It is called for each binding, and does no I/O.
	CheckCodec func(config []byte) error
	// CheckFilter likewise judges what the library's layer-7 filter of a name is given.
	CheckFilter func(name string, config []byte) error
	// Filters are the names of the layer-7 filters that the library carries.
	Filters []string
}

// CodecInfo is what is known of a codec.
type CodecInfo struct {
	Name string
	// Sniffs tells that it can recognise its protocol by the first bytes.
	Sniffs bool
}

func (o *Options) rootNamespace() string {
	if o.RootNamespace == "" {
		return "istio-system"
	}
	return o.RootNamespace
}

func (o *Options) clusterDomain() string {
	if o.ClusterDomain == "" {
		return "cluster.local"
	}
	return o.ClusterDomain
}

// codec returns what is known of a codec, nil if it is not there.
func (o *Options) codec(name string) *CodecInfo {
	for i := range o.Codecs {
		if o.Codecs[i].Name == name {
			return &o.Codecs[i]
		}
	}
	return nil
}
