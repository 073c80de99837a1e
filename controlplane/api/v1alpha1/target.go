package v1alpha1

import (
	"k8s.io/apimachinery/pkg/util/intstr"
)

// TargetKind is a kind of resource that ports belong to.
//
// +kubebuilder:validation:Enum=Service;ServiceEntry;Gateway
type TargetKind string

// The kinds of targets.
const (
	KindService      TargetKind = "Service"      // of Kubernetes
	KindServiceEntry TargetKind = "ServiceEntry" // of Istio
	KindGateway      TargetKind = "Gateway"      // of Istio
)

// TargetRef names a port of a resource in the same namespace.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.group) || self.group == (self.kind == "Service" ? "" : "networking.istio.io")`,message="group is empty for a Service, and networking.istio.io for a ServiceEntry or Gateway"
type TargetRef struct {
	// The API group of the target: empty for a Service, networking.istio.io for a
	// ServiceEntry or a Gateway. It follows from kind, and may be left out.
	//
	// +optional
	Group *string `json:"group,omitempty"`

	// The kind of the target.
	Kind TargetKind `json:"kind"`

	// The name of the target.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// The port, by the number or the name that the target gives it.
	//
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 65535 : size(self) > 0",message="port is a number from 1 to 65535, or a name"
	Port intstr.IntOrString `json:"port"`
}
