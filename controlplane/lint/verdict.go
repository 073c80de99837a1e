package lint

import (
	"strings"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// remedies are what to do about the reasons of verdicts.
var remedies = map[string]struct {
	code Code
	do   string
}{
	v1alpha1.ReasonInvalid:         {Invalid, "Correct the field"},
	v1alpha1.ReasonTargetNotFound:  {TargetNotFound, "Name a resource of the same namespace and one of its ports"},
	v1alpha1.ReasonPortNotDeclared: {PortNotDeclared, "Declare the port as HTTP/2 in the Service or ServiceEntry"},
	v1alpha1.ReasonConflicted:      {Conflict, "Change one of the two resources"},
	v1alpha1.ReasonUnsupported:     {Unsupported, "Do it as the message says"},
	v1alpha1.ReasonProxiesTooOld:   {ProxiesTooOld, "Restart these workloads with proxies of Istio 1.31 or later"},
	v1alpha1.ReasonProxiesUnknown:  {ProxiesUnknown, "Give the proxies an image whose tag has Istio's version"},
	v1alpha1.ReasonLibraryNotShown: {LibraryNotShown, "Give the pods the library by annotations or image, and show it with the label meltemi.dev/library"},
	v1alpha1.ReasonNoProxies:       {NoProxies, "Inject proxies into the workloads"},
}

// verdict turns what became of a binding or policy into findings.
func (l *linter) verdict(p place, refs []v1alpha1.TargetRef, verdicts map[translate.Key]*translate.Verdict) {
	v := verdicts[translate.Key{Kind: p.kind, Namespace: p.object.Meta.GetNamespace(), Name: p.object.Meta.GetName()}]
	if v == nil {
		return
	}
	if !v.Accepted() {
		l.refusal(p, refs, v)
	}
	if len(l.resources.Pods) == 0 {
		return // what proxies are like is not known
	}
	switch r, known := remedies[v.Proxies]; {
	case !known:
	case v.Proxies == v1alpha1.ReasonProxiesTooOld:
		p.at("spec.targetRefs").bad(r.code, v.ProxiesMessage, r.do)
	default:
		p.at("spec.targetRefs").odd(r.code, v.ProxiesMessage, r.do)
	}
}

// refusal tells each target's own message; what is about none of them is about the whole.
func (l *linter) refusal(p place, refs []v1alpha1.TargetRef, v *translate.Verdict) {
	told := false
	for i, t := range v.Targets {
		reason, refused := v.TargetReasons[i]
		if !refused {
			continue
		}
		told = true
		r := remedies[reason]
		if strings.HasPrefix(t.Message, "no CodecBinding") {
			r.code, r.do = NoBinding, "Make a CodecBinding for "+string(t.Kind)+" "+t.Name+", port "+refs[i].Port.String()
		}
		p.at("spec.targetRefs[%d]", i).bad(r.code, t.Message, r.do)
	}
	if !told {
		r := remedies[v.Reason]
		p.at("spec").bad(r.code, v.Message, r.do)
	}
}

// limits judges what a policy waits for.
func (l *linter) limits(p place, policy *v1alpha1.RateLimitPolicy) {
	for _, ref := range policy.Spec.TargetRefs {
		for _, b := range l.bound {
			if b.kind != ref.Kind || b.name != ref.Name || b.namespace != policy.Namespace {
				continue
			}
			for i := range policy.Spec.Rules {
				if m := policy.Spec.Rules[i].Match; m != nil {
					for j := range m.Metadata {
						b.entry(p.at("spec.rules[%d].match.metadata[%d].key", i, j), m.Metadata[j].Key)
					}
				}
			}
		}
	}
}
