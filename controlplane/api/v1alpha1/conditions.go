package v1alpha1

// Types of conditions, with the meaning that the Gateway API gives them.
const (
	// ConditionAccepted tells whether the resource makes sense beside all others.
	ConditionAccepted = "Accepted"
	// ConditionProgrammed tells whether Istio has been given what follows from it.
	ConditionProgrammed = "Programmed"
	// ConditionProxiesReady tells whether all proxies of servers and gateways can follow
	// it. False names workloads whose proxies cannot, or do not say their version: they get
	// no filters, and calls through them fail. Such proxies beside clients are in the
	// message too; nobody knows whether those call.
	ConditionProxiesReady = "ProxiesReady"
)

// Reasons of conditions.
const (
	ReasonAccepted        = "Accepted"        // nothing is wrong
	ReasonProgrammed      = "Programmed"      // all of it was written
	ReasonInvalid         = "Invalid"         // a field is wrong: the message names it
	ReasonTargetNotFound  = "TargetNotFound"  // no such resource, or no such port
	ReasonPortNotDeclared = "PortNotDeclared" // Istio does not know that the port carries HTTP/2
	ReasonConflicted      = "Conflicted"      // another resource was there first: the message names it
	ReasonUnsupported     = "Unsupported"     // cannot be done in Istio: the message tells why
	ReasonWriteFailed     = "WriteFailed"     // the API server refused what follows from it
	ReasonReady           = "Ready"           // all proxies can follow
	ReasonProxiesTooOld   = "ProxiesTooOld"   // proxies are older than Istio 1.31
	ReasonProxiesUnknown  = "ProxiesUnknown"  // proxies do not tell their version
	ReasonLibraryNotShown = "LibraryNotShown" // pods do not show that their proxies have the library
	ReasonNoProxies       = "NoProxies"       // no workload of the target has a proxy
)
