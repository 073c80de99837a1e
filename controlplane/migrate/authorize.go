package migrate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"istio.io/api/security/v1beta1"
	typev1beta1 "istio.io/api/type/v1beta1"

	"github.com/meltemi-mesh/meltemi/controlplane/spelling"
)

// authorize turns a DubboAuthorizationPolicy, which is for all services of its namespace with
// a port tcp-dubbo, into an AuthorizationPolicy for each of them.
func (m *migration) authorize(d *document) {
	var spec dubboAuthorizationPolicy
	if errs := d.strict(&spec); errs != nil {
		m.fail(errs...)
		return
	}
	deny := spec.Action == "DENY"
	if !deny && spec.Action != "ALLOW" && spec.Action != "" {
		m.fail(d.errorf("spec.action", "%q is neither ALLOW nor DENY", spec.Action))
		return
	}
	found := false
	for _, s := range m.services {
		p := s.nativePort()
		if p == nil || p.protocol != protocolDubbo || s.doc.namespace != d.namespace {
			continue
		}
		found = true
		field := fmt.Sprintf("spec (for %s %s)", s.kind, s.doc.name)
		switch {
		case len(s.selector) == 0:
			m.note(d, Dropped, field, "it selects no workloads, so there is nothing that a policy could be for")
			continue
		case p.target == 0:
			m.note(d, ToDo, field, "its targetPort is a name: put the workloads' number into ports of the policy, where 0 stands")
		}
		m.emit(d, securityV1, "AuthorizationPolicy", d.name+"-"+s.doc.name, d.written, m.policyFor(d, &spec, deny, s, p))
	}
	if !found {
		m.note(d, Dropped, "spec", "no Service or ServiceEntry in namespace %s of the input has tcp-dubbo as its first port, which are the ports that Aeraki applies it to", d.namespace)
		return
	}
	m.note(d, Changed, "spec", "stock proxies lack the filter that Aeraki configures for it, so it may never have been enforced; now it is")
}

// policyFor is the policy for the workloads of a service.
func (m *migration) policyFor(d *document, spec *dubboAuthorizationPolicy, deny bool, s *service, p *port) *v1beta1.AuthorizationPolicy {
	number := strconv.FormatUint(uint64(p.target), 10)
	out := &v1beta1.AuthorizationPolicy{Selector: &typev1beta1.WorkloadSelector{MatchLabels: s.selector}}
	if deny {
		out.Action = v1beta1.AuthorizationPolicy_DENY
	} else {
		// A policy that allows forbids all else on all ports of the workload.
		out.Rules = append(out.Rules, &v1beta1.Rule{To: []*v1beta1.Rule_To{{Operation: &v1beta1.Operation{NotPorts: []string{number}}}}})
	}
	for i := range spec.Rules {
		if rule := m.rule(d, fmt.Sprintf("spec.rules[%d]", i), &spec.Rules[i], deny, number); rule != nil {
			out.Rules = append(out.Rules, rule)
		}
	}
	return out
}

// rule turns a rule, nil if nothing of it is left.
func (m *migration) rule(d *document, field string, from *dubboRule, deny bool, number string) *v1beta1.Rule {
	out := &v1beta1.Rule{}
	for _, f := range from.From {
		if f.Source == nil || len(f.Source.Principals)+len(f.Source.NotPrincipals)+len(f.Source.Namespaces)+len(f.Source.NotNamespaces) == 0 {
			out.From = nil // anybody
			break
		}
		out.From = append(out.From, &v1beta1.Rule_From{Source: &v1beta1.Source{
			Principals: f.Source.Principals, NotPrincipals: f.Source.NotPrincipals,
			Namespaces: f.Source.Namespaces, NotNamespaces: f.Source.NotNamespaces,
		}})
	}
	if len(from.To) == 0 {
		out.To = []*v1beta1.Rule_To{{Operation: &v1beta1.Operation{Ports: []string{number}}}}
		return out
	}
	for i, to := range from.To {
		if operation := m.operation(d, fmt.Sprintf("%s.to[%d].operation", field, i), to.Operation, deny); operation != nil {
			operation.Ports = []string{number}
			out.To = append(out.To, &v1beta1.Rule_To{Operation: operation})
		}
	}
	if len(out.To) == 0 {
		return nil
	}
	return out
}

// operation turns interfaces and methods into paths, nil if none of it can be said. What
// cannot be said forbids more, never less.
func (m *migration) operation(d *document, field string, o *dubboOperation, deny bool) *v1beta1.Operation {
	out := &v1beta1.Operation{}
	if o == nil {
		return out
	}
	for _, i := range orAny(o.Interfaces) {
		for _, method := range orAny(o.Methods) {
			path, ok := pathPattern(i, method)
			if !ok && deny {
				if path, ok = pathPattern(i, "*"); !ok {
					path = "*"
				}
				m.note(d, Changed, field, "no path can say interface %s with method %s: %s is denied instead, which is more", i, method, path)
			} else if !ok {
				m.note(d, Dropped, field, "no path can say interface %s with method %s: it is allowed no longer", i, method)
				continue
			}
			out.Paths = append(out.Paths, path)
		}
	}
	if len(out.Paths) == 0 {
		return nil
	}
	out.Paths = compactPaths(out.Paths)
	for _, not := range []struct {
		patterns []string
		path     func(string) (string, bool)
	}{
		{o.NotInterfaces, func(s string) (string, bool) { return pathPattern(s, "*") }},
		{o.NotMethods, func(s string) (string, bool) { return pathPattern("*", s) }},
	} {
		for _, pattern := range not.patterns {
			path, ok := not.path(pattern)
			switch {
			case ok:
				out.NotPaths = append(out.NotPaths, path)
			case deny:
				m.note(d, Changed, field, "no path can say all but %s: it is denied too", pattern)
			default:
				m.note(d, Dropped, field, "no path can say all but %s: nothing of it is allowed", pattern)
				return nil
			}
		}
	}
	return out
}

func orAny(patterns []string) []string {
	if len(patterns) == 0 {
		return []string{"*"}
	}
	return patterns
}

// compactPaths leaves out paths that come again; any path makes others needless.
func compactPaths(paths []string) []string {
	if slices.Contains(paths, "*") {
		return nil
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// pathPattern is a path of an AuthorizationPolicy for an interface and a method, each a
// text, abc*, *abc or *. A path can have one * at one end.
func pathPattern(service, method string) (string, bool) {
	anyService, anyMethod := service == "*", method == "*"
	wildService := strings.HasPrefix(service, "*") || strings.HasSuffix(service, "*")
	switch {
	case anyService && anyMethod:
		return "*", true
	case anyService && !strings.HasPrefix(method, "*") && strings.HasSuffix(method, "*"):
		return "", false
	case anyService && strings.HasPrefix(method, "*"):
		return "*" + spelling.SegmentPart(method[1:]), true
	case anyService:
		return "*/" + spelling.Segment(method), true
	case anyMethod && !wildService:
		return "/" + spelling.Segment(service) + "/*", true
	case anyMethod && !strings.HasPrefix(service, "*"):
		return "/" + spelling.SegmentPart(strings.TrimSuffix(service, "*")) + "*", true
	case wildService, strings.HasPrefix(method, "*"):
		return "", false
	case strings.HasSuffix(method, "*"):
		return "/" + spelling.Segment(service) + "/" + spelling.SegmentPart(strings.TrimSuffix(method, "*")) + "*", true
	}
	return spelling.Path(service, method), true
}
