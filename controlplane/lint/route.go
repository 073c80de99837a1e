package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"istio.io/api/networking/v1alpha3"
	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// virtualService judges the routes of bound ports.
func (l *linter) virtualService(p place, vs *v1alpha3.VirtualService) {
	p.kind = "VirtualService"
	ports := l.gatewayHosts(p, vs)
	for _, host := range vs.GetHosts() {
		ports = append(ports, l.boundTo(host, p.object.Meta.GetNamespace())...)
	}
	if len(ports) == 0 {
		return
	}
	for i := range vs.GetTcp() {
		p.at("spec.tcp[%d]", i).bad(TCPRoutes, fmt.Sprintf("port %d is HTTP/2 to Istio, so its calls never come to tcp routes", ports[0].number), "Make it an http route")
	}
	for i := range vs.GetTls() {
		p.at("spec.tls[%d]", i).bad(TCPRoutes, fmt.Sprintf("port %d is HTTP/2 to Istio, so its calls never come to tls routes", ports[0].number), "Make it an http route")
	}
	catchAll := -1
	for i, r := range vs.GetHttp() {
		at := p.at("spec.http[%d]", i)
		if catchAll >= 0 {
			at.bad(Unreachable, fmt.Sprintf("http[%d] before it takes all calls", catchAll), "Put it before that one")
		}
		for j := range ports {
			l.route(at, r, &ports[j])
		}
		if catchAll < 0 && takesAll(r) {
			catchAll = i
		}
	}
}

// takesAll tells whether no call passes a route.
func takesAll(r *v1alpha3.HTTPRoute) bool {
	if len(r.GetMatch()) == 0 {
		return true
	}
	return slices.ContainsFunc(r.GetMatch(), func(m *v1alpha3.HTTPMatchRequest) bool {
		if len(m.GetHeaders())+len(m.GetWithoutHeaders())+len(m.GetSourceLabels())+len(m.GetGateways())+len(m.GetQueryParams()) > 0 ||
			m.GetPort() != 0 || m.GetSourceNamespace() != "" || m.GetMethod() != nil || m.GetScheme() != nil || m.GetAuthority() != nil {
			return false
		}
		u := m.GetUri()
		return u == nil || u.GetPrefix() == "/" || u.GetRegex() == ".*" || u.GetRegex() == "/.*"
	})
}

// route judges a route for the calls of a bound port.
func (l *linter) route(p place, r *v1alpha3.HTTPRoute, b *boundPort) {
	for i, m := range r.GetMatch() {
		at := p.at(".match[%d]", i)
		if m.GetPort() != 0 && m.GetPort() != b.number && b.kind != v1alpha1.KindGateway {
			continue // it is for another port
		}
		uri(at.at(".uri"), m.GetUri())
		for _, name := range slices.Sorted(maps.Keys(m.GetHeaders())) {
			b.header(at.at(".headers[%s]", name), name)
		}
		for _, name := range slices.Sorted(maps.Keys(m.GetWithoutHeaders())) {
			b.header(at.at(".withoutHeaders[%s]", name), name)
		}
		if method := m.GetMethod(); method != nil && method.GetExact() != "POST" && method.GetRegex() == "" {
			at.at(".method").bad(MatchNever, "the HTTP method of calls is always POST; the method of the protocol is in the path", "Match uri: /service/method")
		}
		if len(m.GetQueryParams()) > 0 {
			at.at(".queryParams").bad(MatchNever, "paths of calls have no query", "Match metadata by headers x-rpc-...")
		}
		if s := m.GetScheme(); s != nil && s.GetExact() != "http" && s.GetExact() != "https" && s.GetRegex() == "" {
			at.at(".scheme").bad(MatchNever, "the scheme of calls is http, or https with mTLS", "Leave it out")
		}
	}
	for i, to := range r.GetRoute() {
		l.destination(p.at(".route[%d].destination", i), to.GetDestination())
	}
	if r.GetMirror() != nil {
		l.destination(p.at(".mirror"), r.GetMirror())
	}
	for i, m := range r.GetMirrors() {
		l.destination(p.at(".mirrors[%d].destination", i), m.GetDestination())
	}
	if r.GetRedirect() != nil {
		p.at(".redirect").bad(HTTPOnly, "clients of the protocol do not follow redirects of HTTP: the call fails", "Use route, or rewrite.authority")
	}
	if r.GetCorsPolicy() != nil {
		p.at(".corsPolicy").odd(HTTPOnly, "only browsers look at it", "Leave it out")
	}
	l.timing(p, r, b)
}

// timing judges timeouts and retries.
func (l *linter) timing(p place, r *v1alpha3.HTTPRoute, b *boundPort) {
	timeout, retries := r.GetTimeout().AsDuration(), r.GetRetries()
	if per := retries.GetPerTryTimeout().AsDuration(); per > 0 && timeout > 0 && per >= timeout {
		p.at(".retries.perTryTimeout").odd(UselessTimeout, fmt.Sprintf("the whole call ends after %s, so no try lasts %s", timeout, per), "Make it shorter than timeout")
	}
	if (timeout > 0 || retries.GetAttempts() > 0) && onewayOnly(r, b) {
		p.odd(UselessTimeout, "the route is for one-way calls, whose end nobody waits for: neither timeout nor retries do anything", "Leave them out")
	}
	if on := retries.GetRetryOn(); on != "" {
		useful := slices.ContainsFunc(strings.Split(on, ","), func(c string) bool {
			switch c = strings.TrimSpace(c); c {
			case "cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable",
				"connect-failure", "refused-stream", "reset", "reset-before-request", "http3-post-connect-failure", "retriable-headers", "5xx", "gateway-error":
				return true
			}
			return false
		})
		if !useful {
			p.at(".retries.retryOn").bad(UselessRetry, fmt.Sprintf("answers of calls have the HTTP status 200 and a status of gRPC, so %q never happens", on), "Use unavailable, connect-failure or refused-stream")
		} else if (strings.Contains(on, "5xx") || strings.Contains(on, "gateway-error")) && retries.GetPerTryTimeout() == nil { // which ends tries with 504
			p.at(".retries.retryOn").odd(UselessRetry, "answers of calls have the HTTP status 200 and a status of gRPC, so 5xx and gateway-error are lost connections alone, after which the server may have done the call", "Use unavailable, connect-failure or refused-stream")
		}
	}
}

// onewayOnly tells whether all calls of a route are declared one-way.
func onewayOnly(r *v1alpha3.HTTPRoute, b *boundPort) bool {
	return len(r.GetMatch()) > 0 && !slices.ContainsFunc(r.GetMatch(), func(m *v1alpha3.HTTPMatchRequest) bool {
		path := strings.TrimPrefix(m.GetUri().GetExact(), "/")
		return m.GetHeaders()["x-rpc-kind"].GetExact() != "oneway" && (path == "" || !slices.Contains(b.binding.Spec.Codec.Oneway, path))
	})
}

// destination judges where a route leads to.
func (l *linter) destination(p place, d *v1alpha3.Destination) {
	if d == nil {
		return
	}
	host := l.qualify(d.GetHost(), p.object.Meta.GetNamespace())
	if ports := l.portsOf(host); ports != nil && d.GetPort().GetNumber() > 0 && !slices.Contains(ports, d.GetPort().GetNumber()) {
		p.at(".port.number").bad(NoSuchPort, fmt.Sprintf("%s has no port %d", d.GetHost(), d.GetPort().GetNumber()), "Name a port of the service, not of its workloads")
	}
	if s := d.GetSubset(); s != "" && !l.subsets[host][s] {
		p.at(".subset").bad(SubsetMissing, fmt.Sprintf("no DestinationRule for %s has a subset %s: calls fail", d.GetHost(), s), "Add it to the subsets of the host's DestinationRule")
	}
}

// portsOf are the ports of a host, nil if it is not known.
func (l *linter) portsOf(host string) []uint32 {
	var ports []uint32
	for _, s := range l.resources.Services {
		if s.Name+"."+s.Namespace+".svc."+l.options.ClusterDomain == host {
			for i := range s.Spec.Ports {
				ports = append(ports, uint32(s.Spec.Ports[i].Port&0xffff))
			}
		}
	}
	for _, e := range l.resources.ServiceEntries {
		if slices.Contains(e.Spec.GetHosts(), host) {
			for _, port := range e.Spec.GetPorts() {
				ports = append(ports, port.GetNumber())
			}
		}
	}
	return ports
}

// gatewayHosts judges the hosts of routes for bound gateways, and returns those gateways'
// ports. The host of calls there is the address that the client dialed, unless the binding
// says another for their service.
func (l *linter) gatewayHosts(p place, vs *v1alpha3.VirtualService) []boundPort {
	var ports []boundPort
	for i, name := range vs.GetGateways() {
		if !strings.Contains(name, "/") {
			name = p.object.Meta.GetNamespace() + "/" + name
		}
		for _, b := range l.bound {
			if b.kind != v1alpha1.KindGateway || b.namespace+"/"+b.name != name {
				continue
			}
			ports = append(ports, b)
			if !l.reaches(&b, vs.GetHosts(), p.object.Meta.GetNamespace()) {
				p.at("spec.hosts").bad(GatewayHost, fmt.Sprintf("calls through gateways[%d] have the address that the client dialed as their host, or what hosts of CodecBinding %s/%s says", i, b.binding.Namespace, b.binding.Name), "Use the host *, with match.port, or say in hosts of the binding which services belong to this host")
			}
			l.serverHosts(p, &b, vs.GetHosts())
		}
	}
	return ports
}

// reaches tells whether calls through a gateway can have one of some hosts.
func (l *linter) reaches(b *boundPort, hosts []string, namespace string) bool {
	for _, host := range hosts {
		if host == "*" {
			return true
		}
		for _, said := range b.binding.Spec.Hosts {
			if l.qualify(string(said), b.namespace) == l.qualify(host, namespace) {
				return true
			}
		}
	}
	return false
}

// serverHosts judges hosts by those that the Gateway takes.
func (l *linter) serverHosts(p place, b *boundPort, hosts []string) {
	at := slices.IndexFunc(l.resources.Gateways, func(g *networkingv1.Gateway) bool { return g.Namespace == b.namespace && g.Name == b.name })
	if at < 0 {
		return
	}
	for _, s := range l.resources.Gateways[at].Spec.GetServers() {
		if s.GetPort().GetNumber() != b.number {
			continue
		}
		takes := slices.ContainsFunc(s.GetHosts(), func(pattern string) bool {
			pattern = pattern[strings.IndexByte(pattern, '/')+1:] // after the namespace
			return slices.ContainsFunc(hosts, func(host string) bool {
				return pattern == "*" || host == "*" || pattern == host || strings.HasPrefix(pattern, "*.") && strings.HasSuffix(host, pattern[1:])
			})
		})
		if !takes {
			p.at("spec.hosts").bad(GatewayHost, fmt.Sprintf("Gateway %s/%s takes only %s on port %d", b.namespace, b.name, strings.Join(s.GetHosts(), ", "), b.number), "Add a host to the server of the Gateway")
		}
	}
}
