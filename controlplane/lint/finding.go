package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
)

// Severity tells how bad a finding is.
type Severity string

// Severities.
const (
	Error   Severity = "error"   // the rule never applies, or not as it says
	Warning Severity = "warning" // it may not apply, or does nothing
)

// Code names what is wrong. Codes are stable.
type Code string

// Codes, each with what it is about.
const (
	Invalid         Code = "invalid"            // a field of a binding or policy is wrong
	TargetNotFound  Code = "target-not-found"   // no such resource or port
	PortNotDeclared Code = "port-not-declared"  // the port is not HTTP/2 to Istio
	Conflict        Code = "conflict"           // an older binding has the port
	Unsupported     Code = "unsupported"        // it cannot be done in Istio
	NoBinding       Code = "no-binding"         // a policy for a port that nobody reads
	ProxiesTooOld   Code = "proxies-too-old"    // proxies older than Istio 1.31
	ProxiesUnknown  Code = "proxies-unknown"    // proxies that do not tell their version
	LibraryNotShown Code = "library-not-shown"  // proxies that do not show the library
	NoProxies       Code = "no-proxies"         // workloads without a proxy
	TCPRoutes       Code = "tcp-routes"         // tcp or tls routes for a port that is HTTP/2
	NoSuchPort      Code = "no-such-port"       // a route to a port that the service lacks
	SubsetMissing   Code = "subset-missing"     // a route to a subset that no DestinationRule has
	PathNever       Code = "path-never"         // a path that no call has
	PathUnescaped   Code = "path-unescaped"     // a path with bytes that are shown escaped
	HeaderNever     Code = "header-never"       // a header that no call has
	HeaderCase      Code = "header-case"        // a header with upper-case letters
	HeaderLocal     Code = "header-local"       // a header of another proxy
	HeaderHidden    Code = "header-not-exposed" // an entry of metadata that the binding hides
	NoMetadata      Code = "no-metadata"        // an entry of metadata where the transport has none
	MatchNever      Code = "match-never"        // an HTTP method, query or scheme that no call has
	Unreachable     Code = "unreachable"        // a route after one that takes all calls
	HTTPOnly        Code = "http-only"          // what only clients of HTTP understand
	UselessTimeout  Code = "useless-timeout"    // a timeout that never ends a call
	UselessRetry    Code = "useless-retry"      // a retry that never happens
	GatewayHost     Code = "gateway-host"       // hosts that calls through a gateway do not have
	ServicePort     Code = "service-port"       // a policy with the service's port, not the workload's
)

// Codes are all of them.
var Codes = []Code{
	Invalid, TargetNotFound, PortNotDeclared, Conflict, Unsupported,
	NoBinding, ProxiesTooOld, ProxiesUnknown, LibraryNotShown, NoProxies,
	TCPRoutes, NoSuchPort, SubsetMissing, PathNever, PathUnescaped,
	HeaderNever, HeaderCase, HeaderLocal, HeaderHidden, NoMetadata,
	MatchNever, Unreachable, HTTPOnly, UselessTimeout, UselessRetry,
	GatewayHost, ServicePort,
}

// Finding is something that keeps a rule from applying.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	// Kind, Namespace and Name are the resource.
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// File and Document are where it stands, Field is what is wrong in it.
	File     string `json:"file"`
	Document int    `json:"document"`
	Field    string `json:"field"`
	// Message says what is wrong, Do what to do.
	Message string `json:"message"`
	Do      string `json:"do"`
}

func (f Finding) String() string {
	return fmt.Sprintf("%s, document %d: %s %s/%s: %s: %s [%s]: %s. %s.", f.File, f.Document, f.Kind, f.Namespace, f.Name, f.Field, f.Severity, f.Code, f.Message, f.Do)
}

// place is a field of a resource, where findings are noted.
type place struct {
	linter *linter
	object *manifest.Object
	kind   string
	field  string
}

// at is a field within the place.
func (p place) at(format string, args ...any) place {
	p.field += fmt.Sprintf(format, args...)
	return p
}

func (p place) bad(code Code, message, do string) { p.note(code, Error, message, do) }
func (p place) odd(code Code, message, do string) { p.note(code, Warning, message, do) }
func (p place) note(code Code, severity Severity, message, do string) {
	f := Finding{
		Code: code, Severity: severity, Kind: p.kind, Namespace: p.object.Meta.GetNamespace(), Name: p.object.Meta.GetName(),
		File: p.object.File, Document: p.object.Document, Field: p.field, Message: message, Do: do,
	}
	if !slices.Contains(p.linter.findings, f) {
		p.linter.findings = append(p.linter.findings, f)
	}
}

// sorted puts findings into the order of the input.
func sorted(all []Finding, files map[string]int) []Finding {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(files[a.File], files[b.File]), cmp.Compare(a.Document, b.Document))
	})
	return all
}
