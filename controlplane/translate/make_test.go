package translate_test

import (
	"slices"
	"strings"
	"time"

	"istio.io/api/networking/v1alpha3"
	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// maker makes resources of decisions. When there are none left, all are the first.
type maker struct{ decisions []byte }

func (m *maker) pick(n int) int {
	if len(m.decisions) == 0 {
		return 0
	}
	d := m.decisions[0]
	m.decisions = m.decisions[1:]
	return int(d) % n
}

func (m *maker) yes() bool { return m.pick(2) == 1 }

func (m *maker) one(of ...string) string { return of[m.pick(len(of))] }

// The words that resources are made of: few, so that they meet, and some that are as long
// as Kubernetes takes, or that together read like others.
var (
	namespaces = []string{"shop", "web", "a", "a-b", "istio-system"}
	labels     = []string{"app", "version", "tier"}
	ports      = []int32{80, 20880, 65535}
	portNames  = []string{"http2-rpc", "grpc", "http2-rpc", "tcp", "rpc"}
)

func (m *maker) name() string {
	return m.one("orders", "stock", "b", "c", "b-c", strings.Repeat("n", 63))
}

// longName is for kinds whose names may have dots.
func (m *maker) longName() string {
	switch m.pick(4) {
	case 1:
		return strings.Repeat("a.", 100) + "z"
	case 2:
		return strings.Repeat("abc-", 50) + "z"
	case 3:
		return strings.Repeat("x", 200) + "." + strings.Repeat("y", 50)
	}
	return m.name()
}

func (m *maker) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: m.one(namespaces...), Name: name, CreationTimestamp: metav1.Unix(int64(m.pick(3)), 0)}
}

func (m *maker) labels() map[string]string {
	all := map[string]string{}
	for range m.pick(4) {
		all[m.one(labels...)] = m.one("x", "y")
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func (m *maker) port() int32 { return ports[m.pick(len(ports))] }

func (m *maker) resources() *translate.Resources {
	r := &translate.Resources{}
	for range m.pick(8) {
		r.Services = append(r.Services, m.service())
	}
	for range m.pick(3) {
		r.ServiceEntries = append(r.ServiceEntries, m.serviceEntry())
	}
	for range m.pick(4) {
		r.Gateways = append(r.Gateways, m.gateway())
	}
	for range m.pick(5) {
		r.Pods = append(r.Pods, m.pod())
	}
	for range m.pick(3) {
		r.EndpointSlices = append(r.EndpointSlices, m.endpoints())
	}
	for range m.pick(8) {
		r.CodecBindings = append(r.CodecBindings, m.binding(r))
	}
	for range m.pick(4) {
		r.RateLimitPolicies = append(r.RateLimitPolicies, m.policy(r))
	}
	for range m.pick(3) {
		w := &networkingv1.WorkloadEntry{ObjectMeta: m.meta(m.name())}
		w.Spec.Labels = m.labels()
		r.WorkloadEntries = append(r.WorkloadEntries, w)
	}
	r.Services = distinct(r.Services, (*corev1.Service).GetNamespace)
	r.ServiceEntries = distinct(r.ServiceEntries, (*networkingv1.ServiceEntry).GetNamespace)
	r.WorkloadEntries = distinct(r.WorkloadEntries, (*networkingv1.WorkloadEntry).GetNamespace)
	r.Gateways = distinct(r.Gateways, (*networkingv1.Gateway).GetNamespace)
	r.Pods = distinct(r.Pods, (*corev1.Pod).GetNamespace)
	r.EndpointSlices = distinct(r.EndpointSlices, (*discoveryv1.EndpointSlice).GetNamespace)
	r.CodecBindings = distinct(r.CodecBindings, (*v1alpha1.CodecBinding).GetNamespace)
	r.RateLimitPolicies = distinct(r.RateLimitPolicies, (*v1alpha1.RateLimitPolicy).GetNamespace)
	return r
}

func (m *maker) service() *corev1.Service {
	s := &corev1.Service{ObjectMeta: m.meta(m.name())}
	s.Spec.Selector = m.labels()
	s.Spec.ClusterIP = m.one("10.0.0.1", corev1.ClusterIPNone, "")
	if m.yes() {
		s.Annotations = map[string]string{"networking.istio.io/exportTo": m.one("*", ".", "~", "web,shop", "Not A Name", "a/b", "web, .")}
	}
	for range m.pick(3) + 1 {
		p := corev1.ServicePort{Name: m.one(portNames...), Port: m.port()}
		switch m.pick(3) {
		case 1:
			p.TargetPort = intstr.FromInt32(m.port())
		case 2:
			p.TargetPort = intstr.FromString(m.one("rpc", "none"))
		}
		s.Spec.Ports = append(s.Spec.Ports, p)
	}
	return s
}

func (m *maker) serviceEntry() *networkingv1.ServiceEntry {
	e := &networkingv1.ServiceEntry{ObjectMeta: m.meta(m.longName())}
	e.Spec.Hosts = []string{m.one("orders.example", "*.example", "stock.example"), "more.example"}[:m.pick(3)]
	e.Spec.ExportTo = []string{m.one(".", "*", "web", "~", "?")}[:m.pick(2)]
	if m.yes() {
		e.Spec.Addresses = []string{m.one("10.1.1.1", "2001:db8::1")}
	}
	for range m.pick(3) {
		e.Spec.Ports = append(e.Spec.Ports, &v1alpha3.ServicePort{Name: m.one(portNames...), Number: uint32(m.port()), Protocol: m.one("HTTP2", "TCP", ""), TargetPort: uint32(m.port())})
	}
	if m.yes() {
		e.Spec.WorkloadSelector = &v1alpha3.WorkloadSelector{Labels: m.labels()}
	}
	return e
}

func (m *maker) gateway() *networkingv1.Gateway {
	g := &networkingv1.Gateway{ObjectMeta: m.meta(m.longName())}
	g.Spec.Selector = m.labels()
	for range m.pick(3) {
		g.Spec.Servers = append(g.Spec.Servers, &v1alpha3.Server{Port: &v1alpha3.Port{Name: m.one(portNames...), Number: uint32(m.port()), Protocol: m.one("HTTP2", "HTTPS", "TCP")}})
	}
	return g
}

func (m *maker) pod() *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: m.meta(m.name())}
	p.Labels = m.labels()
	p.Spec.Containers = []corev1.Container{
		{Name: "app", Ports: []corev1.ContainerPort{{Name: "rpc", ContainerPort: m.port()}}},
		{Name: m.one("istio-proxy", "none"), Image: m.one("r/proxyv2:1.31.0", "r/proxyv2:1.30.2", "r/proxyv2@sha256:0", "")},
	}
	return p
}

func (m *maker) endpoints() *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{ObjectMeta: m.meta(m.name())}
	s.Labels = map[string]string{discoveryv1.LabelServiceName: m.name()}
	s.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{"10.2.2.2"}}, {TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: m.name()}}}
	return s
}

// targets are ports of what there is in a namespace, which is that of the first one, and
// now and then of nothing.
func (m *maker) targets(r *translate.Resources) (namespace string, refs []v1alpha1.TargetRef) {
	type thing struct{ kind, namespace, name string }
	var all []thing
	for _, s := range r.Services {
		all = append(all, thing{"Service", s.Namespace, s.Name})
	}
	for _, e := range r.ServiceEntries {
		all = append(all, thing{"ServiceEntry", e.Namespace, e.Name})
	}
	for _, g := range r.Gateways {
		all = append(all, thing{"Gateway", g.Namespace, g.Name})
	}
	all = append(all, thing{"Service", m.one(namespaces...), "none"})
	first := all[m.pick(len(all))]
	all = slices.DeleteFunc(all, func(o thing) bool { return o.namespace != first.namespace })
	for range m.pick(3) + 1 {
		o := all[m.pick(len(all))]
		ref := v1alpha1.TargetRef{Kind: v1alpha1.TargetKind(o.kind), Name: o.name, Port: intstr.FromInt32(m.port())}
		if m.yes() {
			ref.Port = intstr.FromString(m.one("http2-rpc", "http2-rpc", "grpc", "rpc"))
		}
		refs = append(refs, ref)
	}
	return first.namespace, refs
}

func (m *maker) binding(r *translate.Resources) *v1alpha1.CodecBinding {
	b := &v1alpha1.CodecBinding{ObjectMeta: m.meta(m.longName())}
	b.Namespace, b.Spec.TargetRefs = m.targets(r)
	if m.pick(8) == 1 {
		b.Spec.Codec.Auto = []v1alpha1.AutoCodec{{Name: m.one("thrift", "parley")}, {Name: m.one("dubbo", "brpc")}}
	} else {
		b.Spec.Codec.Name = m.one("dubbo", "dubbo", "dubbo", "dubbo", "thrift", "thrift", "parley", "none")
	}
	if m.pick(4) == 1 {
		b.Spec.Codec.Config = &apiextensionsv1.JSON{Raw: []byte(m.one(`{"a":[1,null,"é"]}`, `{}`, `{`, `{"b":1e999}`))}
	}
	b.Spec.Upstream = v1alpha1.Upstream(m.one("", "auto", "mesh", "direct"))
	if m.pick(4) == 1 {
		b.Spec.Hosts = map[string]v1alpha1.Host{m.one("com.Orders", "com.Stock"): v1alpha1.Host(m.one("orders", "stock.example", "orders.shop.svc.cluster.local"))}
	}
	if m.pick(4) == 1 {
		b.Spec.Filters = []v1alpha1.Filter{{Name: m.one("stats", "arguments", "arguments", "none"), Side: v1alpha1.Side(m.one("", "client", "server"))}}
	}
	return b
}

func (m *maker) policy(r *translate.Resources) *v1alpha1.RateLimitPolicy {
	p := &v1alpha1.RateLimitPolicy{ObjectMeta: m.meta(m.name())}
	p.Namespace, p.Spec.TargetRefs = m.targets(r)
	p.Spec.Side = v1alpha1.Side(m.one("", "client", "server"))
	text := m.one("pay", "", "/", "(", "é")
	rule := v1alpha1.RateLimitRule{Name: "r"}
	if m.yes() {
		rule.Match = &v1alpha1.CallMatch{Service: &v1alpha1.StringMatch{Prefix: &text}, Method: &v1alpha1.StringMatch{Regex: &text}}
	}
	if m.yes() {
		rule.Local = &v1alpha1.LocalLimit{Requests: m.port(), Per: metav1.Duration{Duration: time.Second}}
	} else {
		rule.Global = &v1alpha1.GlobalLimit{Descriptor: []v1alpha1.DescriptorEntry{{Key: "k", Value: &text}, {Key: "l", Metadata: &text}}}
		p.Spec.Service = &v1alpha1.RateLimitService{Host: m.one("limits", "limits.example"), Port: m.port(), Domain: "d"}
	}
	p.Spec.Rules = []v1alpha1.RateLimitRule{rule}
	return p
}
