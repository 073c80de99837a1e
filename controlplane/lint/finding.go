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

// Codes; what each is about tells the list Codes.
const (
	Invalid         Code = "invalid"
	TargetNotFound  Code = "target-not-found"
	PortNotDeclared Code = "port-not-declared"
	Conflict        Code = "conflict"
	Unsupported     Code = "unsupported"
	NoBinding       Code = "no-binding"
	ProxiesTooOld   Code = "proxies-too-old"
	ProxiesUnknown  Code = "proxies-unknown"
	LibraryNotShown Code = "library-not-shown"
	NoProxies       Code = "no-proxies"
	TCPRoutes       Code = "tcp-routes"
	NoSuchPort      Code = "no-such-port"
	SubsetMissing   Code = "subset-missing"
	PathNever       Code = "path-never"
	PathUnescaped   Code = "path-unescaped"
	HeaderNever     Code = "header-never"
	HeaderCase      Code = "header-case"
	HeaderLocal     Code = "header-local"
	HeaderHidden    Code = "header-not-exposed"
	NoMetadata      Code = "no-metadata"
	MatchNever      Code = "match-never"
	Unreachable     Code = "unreachable"
	HTTPOnly        Code = "http-only"
	UselessTimeout  Code = "useless-timeout"
	UselessRetry    Code = "useless-retry"
	GatewayHost     Code = "gateway-host"
	ServicePort     Code = "service-port"
)

// Codes are all of them, with what each is about.
var Codes = []struct {
	Code  Code
	About string
}{
	{Invalid, "a field of a binding or policy is wrong"},
	{TargetNotFound, "no such resource or port"},
	{PortNotDeclared, "the port is not HTTP/2 to Istio"},
	{Conflict, "an older binding has the port"},
	{Unsupported, "it cannot be done in Istio"},
	{NoBinding, "a policy for a port that nobody reads"},
	{ProxiesTooOld, "proxies older than Istio 1.31"},
	{ProxiesUnknown, "proxies that do not tell their version"},
	{LibraryNotShown, "proxies that do not show the library"},
	{NoProxies, "workloads without a proxy"},
	{TCPRoutes, "tcp or tls routes for a port that is HTTP/2"},
	{NoSuchPort, "a route to a port that the service lacks"},
	{SubsetMissing, "a route to a subset that no DestinationRule has"},
	{PathNever, "a path that no call has"},
	{PathUnescaped, "a path with bytes that are shown escaped"},
	{HeaderNever, "a header that no call has"},
	{HeaderCase, "a header with upper-case letters"},
	{HeaderLocal, "a header that a filter beside the rule works out, and there is no filter"},
	{HeaderHidden, "an entry of metadata that the binding hides"},
	{NoMetadata, "an entry of metadata where the transport has none"},
	{MatchNever, "an HTTP method, query or scheme that no call has"},
	{Unreachable, "a route after one that takes all calls"},
	{HTTPOnly, "what only clients of HTTP understand"},
	{UselessTimeout, "a timeout that never ends a call"},
	{UselessRetry, "a retry that never happens"},
	{GatewayHost, "hosts that calls through a gateway do not have"},
	{ServicePort, "a policy with the service's port, not the workload's"},
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
