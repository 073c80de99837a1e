package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Codec is a protocol, or several that share a port, and how their messages are read. The
// fields are those of "codec" in a mesh file, in the spelling of Kubernetes.
//
// +kubebuilder:validation:XValidation:rule="has(self.name) != has(self.auto)",message="exactly one of name and auto is needed"
// +kubebuilder:validation:XValidation:rule="!has(self.auto) || !has(self.config)",message="with auto, each codec has its own config"
type Codec struct {
	// The codec.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9-]{0,62}$`
	Name string `json:"name,omitempty"`

	// The codec's own settings: `meltemi codecs -o json` tells them.
	//
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Config *apiextensionsv1.JSON `json:"config,omitempty"`

	// Several codecs, told apart by the first bytes of each connection. Each of them has
	// to be able to recognise its protocol.
	//
	// +optional
	// +kubebuilder:validation:MinItems=2
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=name
	Auto []AutoCodec `json:"auto,omitempty"`

	// The service of calls, where the protocol has none. The codec's name by default.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	DefaultService string `json:"defaultService,omitempty"`

	// How much earlier than the caller's own deadline a call ends. 5ms by default.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	DeadlineMargin *metav1.Duration `json:"deadlineMargin,omitempty"`

	// Names or patterns (tenant*) of the metadata that become headers; all by default.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +listType=atomic
	Expose []string `json:"expose,omitempty"`

	// What to do with a call whose metadata has two keys that differ in case only.
	//
	// +optional
	// +kubebuilder:validation:Enum=refuse;hide
	OnFold string `json:"onFold,omitempty"`

	// What to do with a message whose service and method cannot be read.
	//
	// +optional
	// +kubebuilder:validation:Enum=refuse;pass
	Opaque string `json:"opaque,omitempty"`

	// Names to treat like traceparent: they keep their bare names as headers.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z0-9_.-]+$`
	// +listType=set
	TracingHeaders []string `json:"tracingHeaders,omitempty"`

	// Methods (com.shop.Orders/ping) that get no answer where the messages do not tell.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=1024
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:Pattern=`^[^/]+/.+$`
	// +listType=set
	Oneway []string `json:"oneway,omitempty"`

	// The longest message in bytes; 16777216 by default.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1073741824
	MaxMessageBytes *int32 `json:"maxMessageBytes,omitempty"`

	// How many entries of metadata become headers; 256 by default.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4096
	MaxMetadata *int32 `json:"maxMetadata,omitempty"`

	// Their names and values together, in bytes; 49152 by default.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1048576
	MaxMetadataBytes *int32 `json:"maxMetadataBytes,omitempty"`

	// Calls of a client's connection that wait before its reading stops; 1024 by default.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1048576
	MaxQueuedCalls *int32 `json:"maxQueuedCalls,omitempty"`

	// How often silent clients are sent a heartbeat; never by default.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	HeartbeatInterval *metav1.Duration `json:"heartbeatInterval,omitempty"`

	// How long the first bytes of a connection may leave open what it speaks; 5s by
	// default.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	// +kubebuilder:validation:XValidation:rule="duration(self) > duration('0s')",message="sniffTimeout is longer than 0s"
	SniffTimeout *metav1.Duration `json:"sniffTimeout,omitempty"`
}

// AutoCodec is one of several codecs on a port.
type AutoCodec struct {
	// The codec.
	//
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9-]{0,62}$`
	Name string `json:"name"`

	// The codec's own settings.
	//
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Config *apiextensionsv1.JSON `json:"config,omitempty"`
}
