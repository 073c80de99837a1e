package translate

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// Kinds of this API, in keys and owners.
const (
	KindBinding = "CodecBinding"
	KindPolicy  = "RateLimitPolicy"
)

// Translate works out what bindings and policies ask of proxies, and what becomes of each
// of them.
func Translate(r *Resources, o Options) (*ir.Mesh, map[Key]*Verdict) {
	t := newTranslator(r, o)
	for _, b := range byAge(r.CodecBindings) {
		t.bind(b)
	}
	t.settle()
	for _, c := range t.claims {
		c.verdict.Serves = c.verdict.Serves || !c.refused
	}
	for _, p := range byAge(r.RateLimitPolicies) {
		t.limit(p)
	}
	return t.mesh.finish(), t.verdicts
}

// settle works out the ports. A claim that is refused at one of them is refused at all, so
// they are worked out again without it, until no other one is.
func (t *translator) settle() {
	for refused := -1; refused != t.refused(); {
		refused = t.refused()
		t.mesh = draft{}
		for _, c := range t.claims {
			c.edges = nil
		}
		t.hostConflicts = nil
		// Conflicts at servers and gateways are within a namespace, or with whoever shares
		// the gateways. They come first, so that who is refused there keeps no port number
		// of clients from others.
		t.inbound()
		t.gatewayPorts()
		t.outbound()
	}
	for _, h := range t.hostConflicts {
		h.of.verdict.refuse(v1alpha1.ReasonConflicted, "%s", h.message)
	}
}

// refused counts the claims that are.
func (t *translator) refused() int {
	n := 0
	for _, c := range t.claims {
		if c.refused {
			n++
		}
	}
	return n
}

// translator is one translation.
type translator struct {
	options  Options
	services map[string]*corev1.Service   // by namespace/name, as all of these
	onPort   map[uint32][]*corev1.Service // sorted by namespace and name
	entries  map[string]*networkingv1.ServiceEntry
	gateways map[string]*networkingv1.Gateway
	pods     podIndex
	silent   map[string]*silent // by namespace

	silentTexts map[string]string // see silentClients
	slices      endpointIndex

	workloads map[string][]*networkingv1.WorkloadEntry // by namespace

	claims        []*claim // older bindings first
	hostConflicts []hostConflict
	mesh          draft
	verdicts      map[Key]*Verdict
}

func newTranslator(r *Resources, o Options) *translator {
	t := &translator{
		options: o, services: map[string]*corev1.Service{}, onPort: map[uint32][]*corev1.Service{}, entries: map[string]*networkingv1.ServiceEntry{},
		gateways: map[string]*networkingv1.Gateway{}, silentTexts: map[string]string{}, verdicts: map[Key]*Verdict{},
		workloads: map[string][]*networkingv1.WorkloadEntry{},
	}
	for _, s := range r.Services {
		t.services[s.Namespace+"/"+s.Name] = s
		for i := range s.Spec.Ports {
			port := portOf(s.Spec.Ports[i].Port)
			t.onPort[port] = append(t.onPort[port], s)
		}
	}
	for _, services := range t.onPort {
		slices.SortFunc(services, func(a, b *corev1.Service) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		})
	}
	for _, e := range r.ServiceEntries {
		t.entries[e.Namespace+"/"+e.Name] = e
	}
	for _, g := range r.Gateways {
		t.gateways[g.Namespace+"/"+g.Name] = g
	}
	t.pods = indexPods(r.Pods)
	t.silent = silentIn(r.Pods, t.stateOf)
	for _, w := range r.WorkloadEntries {
		t.workloads[w.Namespace] = append(t.workloads[w.Namespace], w)
	}
	t.slices = indexEndpoints(r.EndpointSlices)
	return t
}

// claim is a binding's wish for one of its targets.
type claim struct {
	*target

	binding *v1alpha1.CodecBinding
	verdict *Verdict
	index   int // in targetRefs
	module  moduleConfig
	// settings is how calls are treated, whatever the codec.
	settings string

	direct  bool // clients' proxies speak the protocol itself
	refused bool
	order   int    // among all claims
	edges   []edge // that calls to it pass
}

// edge is a place in the mesh that is being made: in its ports beside clients, beside
// servers, or, for a claim of a Gateway, of gateways.
type edge struct {
	side v1alpha1.Side
	at   int
}

// owner is the binding.
func (c *claim) owner() ir.Owner {
	return ir.Owner{Kind: KindBinding, Namespace: c.binding.Namespace, Name: c.binding.Name}
}

// refuse notes why the target is not served.
func (c *claim) refuse(reason, format string, args ...any) {
	c.refused = true
	c.verdict.Targets[c.index].Upstream = ""
	c.verdict.refuseTarget(c.index, reason, format, args...)
}

// bind finds the targets of a binding.
func (t *translator) bind(b *v1alpha1.CodecBinding) {
	v := newVerdict(b.Spec.TargetRefs)
	t.verdicts[Key{KindBinding, b.Namespace, b.Name}] = v
	module := moduleOf(&b.Spec.Codec)
	if !t.checkCodec(v, &module, b.Spec.Hosts) || !t.checkFilters(v, b.Spec.Filters, &module) {
		return
	}
	settings := module.settings()
	var proxies proxyReport
	before := len(t.claims)
	for i := range b.Spec.TargetRefs {
		found, p := t.find(b.Namespace, &b.Spec.TargetRefs[i])
		if p != nil {
			v.refuseTarget(i, p.reason, "%s", p.message)
			continue
		}
		c := &claim{target: found, binding: b, verdict: v, index: i, module: module, settings: settings, order: len(t.claims)}
		v.Targets[i].Port = statusPort(found.number)
		t.chooseUpstream(c, &proxies)
		t.checkWorkloads(c)
		t.claims = append(t.claims, c)
	}
	v.Proxies, v.ProxiesMessage = proxies.verdict()
	v.ProxiesMessage = sentences(v.ProxiesMessage, t.silentClients(t.claims[before:], &proxies))
}

// hostName is what the definition of CodecBinding takes for a host.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?$`)

// checkCodec checks what a binding says of its codec against what the library has.
func (t *translator) checkCodec(v *Verdict, m *moduleConfig, hosts map[string]v1alpha1.Host) bool {
	for _, service := range slices.Sorted(maps.Keys(hosts)) {
		if host := string(hosts[service]); !hostName.MatchString(host) {
			v.refuse(v1alpha1.ReasonInvalid, "hosts: %q, for service %q, is not the name of a host", host, service)
			break
		}
	}
	for _, c := range m.codecs() {
		switch info := t.options.codec(c.Name); {
		case info == nil:
			v.refuse(v1alpha1.ReasonInvalid, "codec: the library has no codec %q", c.Name)
		case m.Auto != nil && !info.Sniffs:
			v.refuse(v1alpha1.ReasonInvalid, "codec.auto: codec %q cannot recognise its protocol, so it cannot share a port", c.Name)
		}
	}
	if len(m.codecs()) == 0 {
		v.refuse(v1alpha1.ReasonInvalid, "codec: name or auto is needed")
	}
	if v.Accepted() && t.options.CheckCodec != nil {
		if err := t.options.CheckCodec([]byte(m.text())); err != nil {
			v.refuse(v1alpha1.ReasonInvalid, "codec: %s", oneLine(err))
		}
	}
	return v.Accepted()
}

// checkFilters checks what a binding says of its filters likewise.
func (t *translator) checkFilters(v *Verdict, filters []v1alpha1.Filter, m *moduleConfig) bool {
	for i := range filters {
		name := filterName(&filters[i])
		if !slices.Contains(t.options.Filters, name) {
			v.refuse(v1alpha1.ReasonInvalid, "filters: the library has no filter %q", name)
			continue
		}
		if t.options.CheckFilter == nil {
			continue
		}
		if err := t.options.CheckFilter(name, []byte(filterConfig(&filters[i], m.text()))); err != nil {
			v.refuse(v1alpha1.ReasonInvalid, "filters[%d]: %s", i, oneLine(err))
		}
	}
	return v.Accepted()
}

// oneLine is the text of an error, which may be that of several.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// byAge sorts resources: of two that want the same, the older one gets it.
func byAge[T metav1.Object](all []T) []T {
	return slices.SortedStableFunc(slices.Values(all), func(a, b T) int {
		return cmp.Or(
			a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time),
			cmp.Compare(a.GetNamespace(), b.GetNamespace()),
			cmp.Compare(a.GetName(), b.GetName()),
		)
	})
}
