package translate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
	"github.com/meltemi-mesh/meltemi/controlplane/spelling"
)

// defaultServiceTimeout is how long a rate limit service may take unless a policy says.
const defaultServiceTimeout = 50 * time.Millisecond

// limit puts the limits of a policy on the edges of its targets.
func (t *translator) limit(p *v1alpha1.RateLimitPolicy) {
	v := newVerdict(p.Spec.TargetRefs)
	t.verdicts[Key{KindPolicy, p.Namespace, p.Name}] = v
	l := limits{policy: p, name: p.Namespace + "." + p.Name}
	if !l.read(v, &t.options) {
		return
	}
	for i := range p.Spec.TargetRefs {
		found, wrong := t.find(p.Namespace, &p.Spec.TargetRefs[i])
		if wrong != nil {
			v.refuseTarget(i, wrong.reason, "%s", wrong.message)
			continue
		}
		v.Targets[i].Port = statusPort(found.number)
		edges := t.edgesOf(found, p.Spec.Side)
		if len(edges) == 0 {
			v.refuseTarget(i, v1alpha1.ReasonTargetNotFound, "no CodecBinding makes its port %d readable", found.number)
			continue
		}
		for _, e := range edges {
			if len(e.only) > 0 && !l.canSelect() {
				v.refuseTarget(i, v1alpha1.ReasonUnsupported, "other services are on port %d of proxies of clients: each global rule needs an entry with a fixed value in its descriptor, which their calls lack", found.number)
				break
			}
			l.addTo(e.Edge, e.only)
		}
	}
}

// limitedEdge is an edge, with the headers that tell the target's calls from others.
type limitedEdge struct {
	*ir.Edge

	only []ir.Header
}

// edgesOf are the edges that calls to a target pass on a side.
func (t *translator) edgesOf(of *target, side v1alpha1.Side) (edges []limitedEdge) {
	for i := range t.mesh.gateways {
		g := &t.mesh.gateways[i]
		if of.kind == v1alpha1.KindGateway && slices.Contains(of.ports, g.Port) && maps.Equal(g.Selector, of.selector) {
			edges = append(edges, limitedEdge{Edge: &g.Edge})
		}
	}
	for i := range t.mesh.inbound {
		in := &t.mesh.inbound[i]
		if of.kind != v1alpha1.KindGateway && side != v1alpha1.SideClient && in.Namespace == of.namespace &&
			slices.Contains(of.ports, in.Port) && isSubset(in.Selector, of.selector) {
			edges = append(edges, limitedEdge{Edge: &in.Edge})
		}
	}
	for i := range t.mesh.outbound {
		o := &t.mesh.outbound[i]
		if of.kind != v1alpha1.KindGateway && side == v1alpha1.SideClient && o.Port == of.number && t.serves(o, of) {
			edge := limitedEdge{Edge: &o.Edge}
			if t.isShared(o) {
				edge.only = []ir.Header{of.authorities()}
			}
			edges = append(edges, edge)
		}
	}
	return edges
}

// serves tells whether a binding of a target is behind a port of proxies beside clients.
func (t *translator) serves(o *ir.Outbound, of *target) bool {
	return slices.ContainsFunc(t.claims, func(c *claim) bool {
		return !c.refused && c.kind == of.kind && c.namespace == of.namespace && c.target.name == of.name &&
			c.number == of.number && slices.Contains(o.Owners, c.owner())
	})
}

// isShared tells whether several services are behind a port of proxies beside clients.
func (t *translator) isShared(o *ir.Outbound) bool {
	services := 0
	for _, c := range t.claims {
		if !c.refused && c.kind != v1alpha1.KindGateway && c.number == o.Port && slices.Contains(o.Owners, c.owner()) {
			services++
		}
	}
	return services > 1
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
}

// read reads the rules of a policy.
func (l *limits) read(v *Verdict, o *Options) bool {
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
		l.readService(v, o)
	}
	return v.Accepted()
}

func (l *limits) readService(v *Verdict, o *Options) {
	s := l.policy.Spec.Service
	if s == nil {
		v.refuse(v1alpha1.ReasonInvalid, "service: needed for global limits")
		return
	}
	host := s.Host
	if !strings.Contains(host, ".") {
		host += "." + l.policy.Namespace + ".svc." + o.clusterDomain()
	}
	l.asked = ir.RateLimitService{
		Cluster: fmt.Sprintf("outbound|%d||%s", s.Port, host),
		Domain:  s.Domain, Timeout: defaultServiceTimeout, Deny: s.OnFailure == "deny",
	}
	if s.Timeout != nil && s.Timeout.Duration > 0 {
		l.asked.Timeout = s.Timeout.Duration
	}
}

// addTo puts the limits on an edge, for calls with certain headers.
func (l *limits) addTo(e *ir.Edge, only []ir.Header) {
	e.Owners = append(e.Owners, ir.Owner{Kind: KindPolicy, Namespace: l.policy.Namespace, Name: l.policy.Name})
	for _, limit := range l.local {
		limit.Headers = slices.Concat(only, limit.Headers)
		e.Local = append(e.Local, limit)
	}
	if len(l.global) == 0 {
		return
	}
	g := ir.GlobalLimits{Name: l.name, Service: l.asked}
	for _, limit := range l.global {
		limit.Headers = slices.Concat(only, limit.Headers)
		g.Limits = append(g.Limits, limit)
	}
	e.Global = append(e.Global, g)
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
