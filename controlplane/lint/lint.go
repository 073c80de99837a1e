package lint

import (
	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	networkingv1beta1 "istio.io/client-go/pkg/apis/networking/v1beta1"
	securityv1 "istio.io/client-go/pkg/apis/security/v1"
	securityv1beta1 "istio.io/client-go/pkg/apis/security/v1beta1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// linter is one run.
type linter struct {
	options   translate.Options
	resources *translate.Resources
	objects   []manifest.Object
	bound     []boundPort
	subsets   map[string]map[string]bool // those that are declared, by host
	findings  []Finding
}

// Lint judges the resources that were read, in the order of the input.
func Lint(r *manifest.Reader, o translate.Options) []Finding {
	if o.ClusterDomain == "" {
		o.ClusterDomain = "cluster.local"
	}
	l := &linter{options: o, resources: r.Resources(), objects: r.Objects, subsets: map[string]map[string]bool{}}
	files := map[string]int{}
	for i := range l.objects {
		if _, known := files[l.objects[i].File]; !known {
			files[l.objects[i].File] = len(files)
		}
	}
	_, verdicts := translate.Translate(l.resources, o)
	l.findBound(verdicts)
	for i := range l.objects {
		l.learnSubsets(&l.objects[i])
	}
	for i := range l.objects {
		l.object(&l.objects[i], verdicts)
	}
	return sorted(l.findings, files)
}

// object judges a resource. Istio's versions of a kind have the same fields.
func (l *linter) object(o *manifest.Object, verdicts map[translate.Key]*translate.Verdict) {
	p := place{linter: l, object: o}
	switch v := o.Object.(type) {
	case *v1alpha1.CodecBinding:
		p.kind = translate.KindBinding
		l.verdict(p, v.Spec.TargetRefs, verdicts)
	case *v1alpha1.RateLimitPolicy:
		p.kind = translate.KindPolicy
		l.verdict(p, v.Spec.TargetRefs, verdicts)
		l.limits(p, v)
	case *networkingv1.VirtualService:
		l.virtualService(p, &v.Spec)
	case *networkingv1beta1.VirtualService:
		l.virtualService(p, &v.Spec)
	case *networkingv1alpha3.VirtualService:
		l.virtualService(p, &v.Spec)
	case *networkingv1.DestinationRule:
		l.destinationRule(p, &v.Spec)
	case *networkingv1beta1.DestinationRule:
		l.destinationRule(p, &v.Spec)
	case *networkingv1alpha3.DestinationRule:
		l.destinationRule(p, &v.Spec)
	case *securityv1.AuthorizationPolicy:
		l.authorization(p, &v.Spec)
	case *securityv1beta1.AuthorizationPolicy:
		l.authorization(p, &v.Spec)
	}
}
