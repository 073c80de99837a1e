package translate

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
	"github.com/meltemi-mesh/meltemi/controlplane/spelling"
)

// defaultServiceTimeout is how long a rate limit service may take unless a policy says.
const defaultServiceTimeout = 50 * time.Millisecond

// sourceKey is the key that Envoy gives the address of the caller.
const sourceKey = "remote_address"

// limit puts the limits of a policy on the edges of its targets.
func (t *translator) limit(p *v1alpha1.RateLimitPolicy) {
	v := newVerdict(p.Spec.TargetRefs)
	t.verdicts[Key{KindPolicy, p.Namespace, p.Name}] = v
	l := limits{policy: p, name: p.Namespace + "." + p.Name}
	if !l.read(v, t) {
		return
	}
	done := map[limitedEdge]bool{}
	for i := range p.Spec.TargetRefs {
		found, wrong := t.find(p.Namespace, &p.Spec.TargetRefs[i])
		if wrong != nil {
			v.refuseTarget(i, wrong.reason, "%s", wrong.message)
			continue
		}
		v.Targets[i].Port = statusPort(found.number)
		edges, wrong := t.edgesOf(found, p.Spec.Side)
		if wrong == nil && !l.canSelect() && slices.ContainsFunc(edges, func(e limitedEdge) bool { return e.only != nil }) {
			wrong = problemf(v1alpha1.ReasonUnsupported, "other services are on port %d of proxies of clients: each global rule needs an entry with a fixed value in its descriptor, which their calls lack", found.number)
		}
		if wrong != nil {
			v.refuseTarget(i, wrong.reason, "%s", wrong.message)
			continue
		}
		v.Targets[i].Message = l.warning
		for _, e := range edges {
			if !done[e] { // two targets may be the same workloads
				l.addTo(e)
			}
			done[e] = true
		}
	}
}

// limitedEdge is an edge, and, if others are on it too, the claim whose calls are limited.
type limitedEdge struct {
	*ir.Edge

	only *claim
}

// edgesOf are the edges that calls to a target pass on a side, or why there are none.
func (t *translator) edgesOf(of *target, side v1alpha1.Side) ([]limitedEdge, *problem) {
	at := slices.IndexFunc(t.claims, func(c *claim) bool {
		return !c.refused && c.kind == of.kind && c.namespace == of.namespace && c.target.name == of.name && c.number == of.number
	})
	if at < 0 {
		return nil, problemf(v1alpha1.ReasonTargetNotFound, "no CodecBinding makes its port %d readable", of.number)
	}
	if side == "" {
		side = v1alpha1.SideServer
	}
	c := t.claims[at]
	var edges []limitedEdge
	for _, e := range c.edges {
		switch {
		case c.kind == v1alpha1.KindGateway:
			edges = append(edges, limitedEdge{Edge: &t.mesh.gateways[e.at].Edge})
		case e.side != side:
		case side == v1alpha1.SideServer:
			edges = append(edges, limitedEdge{Edge: &t.mesh.inbound[e.at].Edge})
		default:
			only := c
			if t.isAlone(c, e) {
				only = nil
			} else if wide := c.wideAddress(); wide != "" {
				return nil, problemf(v1alpha1.ReasonUnsupported, "clients dial any address of %s, by which its calls cannot be told from those of others on the port number: use side: server, or a port number of its own", wide)
			}
			edges = append(edges, limitedEdge{&t.mesh.outbound[e.at].Edge, only})
		}
	}
	switch {
	case len(edges) > 0:
		return edges, nil
	case side == v1alpha1.SideClient:
		return nil, problemf(v1alpha1.ReasonUnsupported, "no proxies of clients read its calls: no namespace may know it")
	}
	return nil, problemf(v1alpha1.ReasonUnsupported, "no workloads with proxies are known behind it: use side: client")
}

// isAlone tells whether no other service is behind a claim's edge.
func (t *translator) isAlone(c *claim, e edge) bool {
	return !slices.ContainsFunc(t.claims, func(o *claim) bool { return o != c && slices.Contains(o.edges, e) && o.kind != v1alpha1.KindGateway })
}

// wideAddress is a range of several addresses that clients may dial, "" if there is none.
func (of *target) wideAddress() string {
	for _, a := range of.addresses {
		if p, err := netip.ParsePrefix(a); err == nil && !p.IsSingleIP() {
			return a
		}
	}
	return ""
}

// authorities matches the hosts that calls to a target have in proxies beside clients.
func (of *target) authorities() ir.Header {
	var all []string
	for _, host := range of.hosts {
		all = append(all, regexp.QuoteMeta(host))
	}
	if of.kind == v1alpha1.KindService {
		all = append(all, regexp.QuoteMeta(of.name), regexp.QuoteMeta(of.name+"."+of.namespace), regexp.QuoteMeta(of.name+"."+of.namespace+".svc"))
	}
	for _, a := range of.addresses {
		if single, err := netip.ParsePrefix(a); err == nil {
			a = single.Addr().String()
		}
		if strings.Contains(a, ":") {
			a = "[" + a + "]"
		}
		all = append(all, regexp.QuoteMeta(a))
	}
	return ir.Header{Name: ":authority", Match: ir.Match{Kind: ir.MatchRegex, Value: fmt.Sprintf("(?:%s)(?::%d)?", strings.Join(all, "|"), of.number)}}
}

// limits are those of a policy, read.
type limits struct {
	policy *v1alpha1.RateLimitPolicy
	name   string // unique among policies
	local  []ir.LocalLimit
	global []ir.GlobalLimit
	asked  ir.RateLimitService
	// warning is what is odd about who is asked, "" if nothing.
	warning string
}

// read reads the rules of a policy.
func (l *limits) read(v *Verdict, t *translator) bool {
	for i := range l.policy.Spec.Rules {
		r := &l.policy.Spec.Rules[i]
		rule := ir.Rule{Name: l.name + "." + r.Name}
		if err := readMatch(&rule, r.Match); err != nil {
			v.refuse(v1alpha1.ReasonInvalid, "rules[%d].%v", i, err)
			continue
		}
		switch {
		case r.Local != nil:
			limit := ir.LocalLimit{Rule: rule, Tokens: uint32(max(r.Local.Requests, 0)), Interval: r.Local.Per.Duration}
			limit.Burst = limit.Tokens
			if r.Local.Burst != nil {
				limit.Burst = uint32(max(*r.Local.Burst, 0))
			}
			if limit.Tokens == 0 || limit.Burst == 0 || limit.Interval < 50*time.Millisecond {
				v.refuse(v1alpha1.ReasonInvalid, "rules[%d].local: requests and burst are at least 1, per at least 50ms", i)
			}
			l.local = append(l.local, limit)
		case r.Global != nil:
			limit := ir.GlobalLimit{Rule: rule}
			for _, e := range r.Global.Descriptor {
				if e.Call != nil && *e.Call == "source" && e.Key != sourceKey {
					v.refuse(v1alpha1.ReasonInvalid, "rules[%d].global.descriptor: the key of call: source is %s, which Envoy gives it", i, sourceKey)
				}
				limit.Descriptor = append(limit.Descriptor, entryOf(e))
			}
			if len(rule.Headers) > 0 && !hasFixed(&limit) {
				v.refuse(v1alpha1.ReasonInvalid, "rules[%d].global: with a match, an entry of the descriptor needs a fixed value", i)
			}
			l.global = append(l.global, limit)
		default:
			v.refuse(v1alpha1.ReasonInvalid, "rules[%d]: local or global is needed", i)
		}
	}
	if len(l.global) > 0 {
		l.readService(v, t)
	}
	return v.Accepted()
}

// readService reads who is asked for global limits. One that is not gRPC to Istio never
// answers, and calls would pass as if there were no limit; one that is not there yet may
// come.
func (l *limits) readService(v *Verdict, t *translator) {
	s := l.policy.Spec.Service
	if s == nil {
		v.refuse(v1alpha1.ReasonInvalid, "service: needed for global limits")
		return
	}
	host := t.qualify(v1alpha1.Host(s.Host), l.policy.Namespace)
	if name, ok := strings.CutSuffix(host, ".svc."+t.options.clusterDomain()); ok {
		service, namespace, _ := strings.Cut(name, ".")
		_, wrong := t.find(namespace, &v1alpha1.TargetRef{Kind: v1alpha1.KindService, Name: service, Port: intstr.FromInt32(s.Port)})
		switch {
		case wrong == nil:
		case t.services[namespace+"/"+service] == nil:
			l.warning = fmt.Sprintf("there is no Service %s in namespace %s to ask", service, namespace)
		default:
			v.refuse(wrong.reason, "service: Service %s of namespace %s: %s", service, namespace, wrong.message)
			return
		}
	}
	l.asked = ir.RateLimitService{
		Cluster: fmt.Sprintf("outbound|%d||%s", s.Port, host),
		Domain:  s.Domain, Timeout: defaultServiceTimeout, Deny: s.OnFailure == "deny",
	}
	if s.Timeout != nil && s.Timeout.Duration > 0 {
		l.asked.Timeout = s.Timeout.Duration
	}
}

// addTo puts the limits on an edge. Where it is shared, they are for the calls of the one
// claim, and called after its target, since those of another target may be there too.
func (l *limits) addTo(e limitedEdge) {
	var only []ir.Header
	suffix := ""
	if e.only != nil {
		only, suffix = []ir.Header{e.only.authorities()}, fmt.Sprintf("@%s/%s", e.only.kind, e.only.target.name)
	}
	e.Owners = append(e.Owners, ir.Owner{Kind: KindPolicy, Namespace: l.policy.Namespace, Name: l.policy.Name})
	for _, limit := range l.local {
		limit.Name += suffix
		limit.Headers = slices.Concat(only, limit.Headers)
		e.Local = append(e.Local, limit)
	}
	if len(l.global) == 0 {
		return
	}
	at := slices.IndexFunc(e.Global, func(g ir.GlobalLimits) bool { return g.Name == l.name })
	if at < 0 {
		at = len(e.Global)
		e.Global = append(e.Global, ir.GlobalLimits{Name: l.name, Service: l.asked})
	}
	for _, limit := range l.global {
		limit.Name += suffix
		limit.Headers = slices.Concat(only, limit.Headers)
		e.Global[at].Limits = append(e.Global[at].Limits, limit)
	}
}

// canSelect tells whether all limits can be for calls with certain headers.
func (l *limits) canSelect() bool {
	return !slices.ContainsFunc(l.global, func(g ir.GlobalLimit) bool { return !hasFixed(&g) })
}

// hasFixed tells whether a descriptor has an entry with a fixed value, which is what
// Envoy can leave away where headers do not match, and with it the descriptor.
func hasFixed(g *ir.GlobalLimit) bool {
	return slices.ContainsFunc(g.Descriptor, func(e ir.Entry) bool { return !e.Source && e.Header == "" })
}

func entryOf(e v1alpha1.DescriptorEntry) ir.Entry {
	out := ir.Entry{Key: e.Key}
	switch {
	case e.Value != nil:
		out.Value = *e.Value
	case e.Metadata != nil:
		out.Header = spelling.Header(*e.Metadata)
	case e.Call != nil && *e.Call == "source":
		out.Source = true
	default:
		out.Header = ":path"
	}
	return out
}
