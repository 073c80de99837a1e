package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RateLimitPolicy limits calls to ports that a CodecBinding has made readable.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=meltemi,shortName=rlp
// +kubebuilder:printcolumn:name="Side",type=string,JSONPath=`.spec.side`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Programmed",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type RateLimitPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec RateLimitPolicySpec `json:"spec"`
	// +optional
	Status RateLimitPolicyStatus `json:"status,omitempty"`
}

// RateLimitPolicySpec is what the user wants.
//
// +kubebuilder:validation:XValidation:rule="has(self.service) == self.rules.exists(r, has(r.global))",message="service is needed for rules with global limits, and for those only"
type RateLimitPolicySpec struct {
	// The ports whose calls are limited.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	TargetRefs []TargetRef `json:"targetRefs"`

	// Whose proxies count: those of the servers, each for itself, or those of the clients.
	//
	// +optional
	// +kubebuilder:default=server
	Side Side `json:"side,omitempty"`

	// The limits. Each call is counted by every rule that matches it, and refused if one
	// of them is used up.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	Rules []RateLimitRule `json:"rules"`

	// The rate limit service that is asked for global limits.
	//
	// +optional
	Service *RateLimitService `json:"service,omitempty"`
}

// RateLimitRule limits the calls that match.
//
// +kubebuilder:validation:XValidation:rule="has(self.local) != has(self.global)",message="exactly one of local and global is needed"
// +kubebuilder:validation:XValidation:rule="!has(self.global) || !has(self.match) || self.global.descriptor.exists(d, has(d.value))",message="a global limit with a match needs an entry with a fixed value in its descriptor, which calls that do not match lack"
type RateLimitRule struct {
	// What the rule is called.
	//
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9-]{0,62}$`
	Name string `json:"name"`

	// The calls that it is about; all by default.
	//
	// +optional
	Match *CallMatch `json:"match,omitempty"`

	// A limit that each proxy keeps for itself.
	//
	// +optional
	Local *LocalLimit `json:"local,omitempty"`

	// A limit that a rate limit service keeps for all proxies.
	//
	// +optional
	Global *GlobalLimit `json:"global,omitempty"`
}

// CallMatch selects calls. All that is said has to hold.
type CallMatch struct {
	// The service, as the protocol names it.
	//
	// +optional
	Service *StringMatch `json:"service,omitempty"`

	// The method.
	//
	// +optional
	Method *StringMatch `json:"method,omitempty"`

	// Entries of the call's metadata.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=key
	Metadata []MetadataMatch `json:"metadata,omitempty"`
}

// StringMatch compares a text.
//
// +kubebuilder:validation:XValidation:rule="[has(self.exact), has(self.prefix), has(self.regex)].filter(x, x).size() == 1",message="exactly one of exact, prefix and regex is needed"
type StringMatch struct {
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Exact *string `json:"exact,omitempty"`
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Prefix *string `json:"prefix,omitempty"`
	// An expression of RE2 that the whole text has to match.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Regex *string `json:"regex,omitempty"`
}

// MetadataMatch compares an entry of metadata.
//
// +kubebuilder:validation:XValidation:rule="[has(self.exact), has(self.prefix), has(self.regex), has(self.present)].filter(x, x).size() == 1",message="exactly one of exact, prefix, regex and present is needed"
type MetadataMatch struct {
	// The key of the entry, as the protocol has it.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Key string `json:"key"`

	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Exact *string `json:"exact,omitempty"`
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Prefix *string `json:"prefix,omitempty"`
	// An expression of RE2 that the whole value has to match.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Regex *string `json:"regex,omitempty"`
	// Whether there is to be an entry of that key at all.
	//
	// +optional
	Present *bool `json:"present,omitempty"`
}

// LocalLimit is a token bucket in each proxy.
type LocalLimit struct {
	// How many calls may pass in each interval.
	//
	// +kubebuilder:validation:Minimum=1
	Requests int32 `json:"requests"`

	// The interval; at least 50ms.
	//
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('50ms')",message="per is at least 50ms"
	Per metav1.Duration `json:"per"`

	// How many calls may pass at once after a silence; requests by default.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	Burst *int32 `json:"burst,omitempty"`
}

// GlobalLimit asks the rate limit service about a descriptor.
type GlobalLimit struct {
	// The entries of the descriptor, in the order of the service's configuration. A call
	// that lacks one of them is not limited by this rule.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=key
	Descriptor []DescriptorEntry `json:"descriptor"`
}

// DescriptorEntry is a key of a descriptor, and where its value comes from.
//
// +kubebuilder:validation:XValidation:rule="[has(self.value), has(self.metadata), has(self.call)].filter(x, x).size() == 1",message="exactly one of value, metadata and call is needed"
// +kubebuilder:validation:XValidation:rule="!has(self.call) || self.call != 'source' || self.key == 'remote_address'",message="the key of call: source is remote_address, which Envoy gives it"
type DescriptorEntry struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Key string `json:"key"`

	// The value itself.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Value *string `json:"value,omitempty"`

	// The key of the entry of the call's metadata that has the value.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Metadata *string `json:"metadata,omitempty"`

	// What of the call is the value: path is /service/method, source the address of
	// the caller, whose key is remote_address.
	//
	// +optional
	// +kubebuilder:validation:Enum=path;source
	Call *string `json:"call,omitempty"`
}

// RateLimitService is an Envoy rate limit service.
type RateLimitService struct {
	// The Kubernetes Service, or a host that Istio knows.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Host string `json:"host"`

	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`

	// The domain of the service's configuration.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Domain string `json:"domain"`

	// How long its answer may take; 50ms by default.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// What to do with calls while the service does not answer.
	//
	// +optional
	// +kubebuilder:validation:Enum=allow;deny
	// +kubebuilder:default=allow
	OnFailure string `json:"onFailure,omitempty"`
}

// RateLimitPolicyStatus is what became of it.
type RateLimitPolicyStatus struct {
	// Accepted and Programmed, of the whole policy.
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

// RateLimitPolicyList is a list of them.
//
// +kubebuilder:object:root=true
type RateLimitPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []RateLimitPolicy `json:"items"`
}
