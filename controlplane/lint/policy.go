package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"istio.io/api/networking/v1alpha3"
	"istio.io/api/security/v1beta1"
	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	networkingv1beta1 "istio.io/client-go/pkg/apis/networking/v1beta1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
)

// learnSubsets takes the subsets that a DestinationRule declares.
func (l *linter) learnSubsets(o *manifest.Object) {
	var spec *v1alpha3.DestinationRule
	switch v := o.Object.(type) {
	case *networkingv1.DestinationRule:
		spec = &v.Spec
	case *networkingv1beta1.DestinationRule:
		spec = &v.Spec
	case *networkingv1alpha3.DestinationRule:
		spec = &v.Spec
	default:
		return
	}
	host := l.qualify(spec.GetHost(), o.Meta.GetNamespace())
	if l.subsets[host] == nil {
		l.subsets[host] = map[string]bool{}
	}
	for _, s := range spec.GetSubsets() {
		l.subsets[host][s.GetName()] = true
	}
}

// destinationRule judges what calls of bound ports are hashed by.
func (l *linter) destinationRule(p place, spec *v1alpha3.DestinationRule) {
	p.kind = "DestinationRule"
	for _, b := range l.boundTo(spec.GetHost(), p.object.Meta.GetNamespace()) {
		b.hash(p.at("spec.trafficPolicy"), spec.GetTrafficPolicy().GetLoadBalancer())
		for i, s := range spec.GetSubsets() {
			b.hash(p.at("spec.subsets[%d].trafficPolicy", i), s.GetTrafficPolicy().GetLoadBalancer())
		}
		for i, s := range spec.GetTrafficPolicy().GetPortLevelSettings() {
			if s.GetPort().GetNumber() == b.number {
				b.hash(p.at("spec.trafficPolicy.portLevelSettings[%d]", i), s.GetLoadBalancer())
			}
		}
	}
}

func (b *boundPort) hash(p place, lb *v1alpha3.LoadBalancerSettings) {
	p = p.at(".loadBalancer.consistentHash")
	hash := lb.GetConsistentHash()
	if name := hash.GetHttpHeaderName(); name != "" {
		b.header(p.at(".httpHeaderName"), name)
	}
	if hash.GetHttpCookie() != nil {
		p.at(".httpCookie").bad(HTTPOnly, "calls have no cookies", "Use httpHeaderName: x-rpc-...")
	}
	if hash.GetHttpQueryParameterName() != "" {
		p.at(".httpQueryParameterName").bad(MatchNever, "paths of calls have no query", "Use httpHeaderName: x-rpc-...")
	}
}

// authorization judges a policy for workloads with bound ports. One that also is for others
// may have rules for those, and is left alone.
func (l *linter) authorization(p place, spec *v1beta1.AuthorizationPolicy) {
	p.kind = "AuthorizationPolicy"
	labels := spec.GetSelector().GetMatchLabels()
	for i := range l.bound {
		b := &l.bound[i]
		if b.namespace != p.object.Meta.GetNamespace() || b.workload == 0 || b.kind == v1alpha1.KindGateway || !contains(b.selector, labels) {
			continue
		}
		for j, r := range spec.GetRules() {
			l.authorizationRule(p.at("spec.rules[%d]", j), r, b, len(labels) > 0 && l.isAlone(b))
		}
	}
}

// isAlone tells whether the workloads of a bound port have no other ports.
func (l *linter) isAlone(b *boundPort) bool {
	return !slices.ContainsFunc(l.bound, func(o boundPort) bool { return o.kind == b.kind && o.name == b.name && o.number != b.number }) &&
		len(l.portsOf(b.hosts[0])) == 1
}

func (l *linter) authorizationRule(p place, r *v1beta1.Rule, b *boundPort, alone bool) {
	number, service := strconv.FormatUint(uint64(b.workload), 10), strconv.FormatUint(uint64(b.number), 10)
	concerned := len(r.GetTo()) == 0 && alone
	for i, to := range r.GetTo() {
		at, o := p.at(".to[%d].operation", i), to.GetOperation()
		if number != service && slices.Contains(o.GetPorts(), service) && !slices.Contains(o.GetPorts(), number) && !slices.Contains(l.workloadPorts(b), service) {
			at.at(".ports").bad(ServicePort, fmt.Sprintf("policies go by the workloads' port, which is %s; %s is the service's", number, service), "Write "+number)
			continue
		}
		if !slices.Contains(o.GetPorts(), number) && (len(o.GetPorts()) > 0 || !alone) {
			continue // it may be for another port
		}
		concerned = true
		for j, text := range o.GetPaths() {
			pattern(at.at(".paths[%d]", j), text)
		}
		for j, text := range o.GetNotPaths() {
			pattern(at.at(".notPaths[%d]", j), text)
		}
		if methods := o.GetMethods(); len(methods) > 0 && !slices.Contains(methods, "POST") && !slices.Contains(methods, "*") {
			at.at(".methods").bad(MatchNever, "the HTTP method of calls is always POST; the method of the protocol is in the path", "Write it into paths: /service/method")
		}
	}
	if !concerned {
		return
	}
	for i, c := range r.GetWhen() {
		if name, ok := strings.CutPrefix(c.GetKey(), "request.headers["); ok {
			b.header(p.at(".when[%d].key", i), strings.ToLower(strings.TrimSuffix(name, "]")))
		}
	}
}

// workloadPorts are all ports that are known of a bound port's workloads.
func (l *linter) workloadPorts(b *boundPort) []string {
	var ports []string
	for _, s := range l.resources.Services {
		if s.Namespace == b.namespace && s.Name == b.name && b.kind == v1alpha1.KindService {
			for i := range s.Spec.Ports {
				ports = append(ports, strconv.FormatUint(uint64(workloadPort(s, s.Spec.Ports[i].Port)), 10))
			}
		}
	}
	return ports
}

// contains tells whether labels have all that a selector asks for.
func contains(labels, selector map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}
