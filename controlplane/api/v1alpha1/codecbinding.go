package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CodecBinding tells which protocol ports speak, so that proxies read their calls.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=meltemi,shortName=cb
// +kubebuilder:printcolumn:name="Codec",type=string,JSONPath=`.spec.codec.name`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Programmed",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Accepted")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type CodecBinding struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec CodecBindingSpec `json:"spec"`
	// +optional
	Status CodecBindingStatus `json:"status,omitempty"`
}

// CodecBindingSpec is what the user wants.
type CodecBindingSpec struct {
	// The ports that speak the protocol. A port of a Service or a ServiceEntry has to be
	// declared http2 or grpc to Istio, by its name or appProtocol.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	TargetRefs []TargetRef `json:"targetRefs"`

	// The protocol, and how its messages are read.
	Codec Codec `json:"codec"`

	// What proxies of clients send to the servers. "mesh" is HTTP/2 from proxy to proxy,
	// with all calls of a client's proxy on one connection; every server needs a proxy
	// that has the library. "direct" is the protocol itself, on a connection for each call
	// in flight; it works with any server. "auto" is direct until all servers can take mesh,
	// and the status tells which ones cannot. A gateway as the target sends what the
	// bindings of its routes' services say.
	//
	// +optional
	// +kubebuilder:default=auto
	Upstream Upstream `json:"upstream,omitempty"`

	// The host for the calls of a service of the protocol, such as com.shop.Orders, for
	// clients that dial endpoints out of a registry: routes and policies are found by the
	// host. Without it a call belongs to the Service whose address the client dialed.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=2048
	Hosts map[string]Host `json:"hosts,omitempty"`

	// Layer-7 filters in Go that the library carries, in the order in which calls pass.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	Filters []Filter `json:"filters,omitempty"`
}

// Host is the name of a service to Istio. One without dots is a Kubernetes Service of the
// binding's namespace.
//
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?$`
type Host string

// Upstream is what proxies of clients send to servers.
//
// +kubebuilder:validation:Enum=auto;mesh;direct
type Upstream string

// What proxies of clients can send.
const (
	UpstreamAuto   Upstream = "auto"
	UpstreamMesh   Upstream = "mesh"
	UpstreamDirect Upstream = "direct"
)

// Filter is a layer-7 filter of the library.
type Filter struct {
	// What the filter is called in this list, and in access logs.
	//
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9-]{0,62}$`
	Name string `json:"name"`

	// The name of the filter in the library, if it is another.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9-]{0,62}$`
	Filter string `json:"filter,omitempty"`

	// The filter's own settings.
	//
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Config *apiextensionsv1.JSON `json:"config,omitempty"`

	// Where it runs: in the proxies of servers, or in those of clients. A gateway is
	// a client.
	//
	// +optional
	// +kubebuilder:default=server
	Side Side `json:"side,omitempty"`
}

// Side is an end of a call.
//
// +kubebuilder:validation:Enum=server;client
type Side string

// The ends of a call.
const (
	SideServer Side = "server"
	SideClient Side = "client"
)

// CodecBindingStatus is what became of it.
type CodecBindingStatus struct {
	// Accepted, Programmed and ProxiesReady, of the whole binding.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// What became of each target, in the order of targetRefs.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	Targets []TargetStatus `json:"targets,omitempty"`
}

// TargetStatus is what became of a target.
type TargetStatus struct {
	Kind TargetKind `json:"kind"`
	Name string     `json:"name"`
	// The number of the port, 0 while it is not known.
	//
	// +optional
	Port int32 `json:"port,omitempty"`
	// What proxies of clients send: mesh or direct.
	//
	// +optional
	Upstream Upstream `json:"upstream,omitempty"`
	// Why it is not what was asked for, or what to do.
	//
	// +optional
	Message string `json:"message,omitempty"`
}

// CodecBindingList is a list of them.
//
// +kubebuilder:object:root=true
type CodecBindingList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []CodecBinding `json:"items"`
}
