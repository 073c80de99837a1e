package lint

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// boundPort is a port whose calls a binding has made readable.
type boundPort struct {
	binding   *v1alpha1.CodecBinding
	kind      v1alpha1.TargetKind
	namespace string
	name      string
	hosts     []string
	number    uint32
	workload  uint32 // the workloads' port, 0 if it is not known
	selector  map[string]string
}

// findBound finds the ports of bindings that are accepted.
func (l *linter) findBound(verdicts map[translate.Key]*translate.Verdict) {
	for _, b := range l.resources.CodecBindings {
		v := verdicts[translate.Key{Kind: translate.KindBinding, Namespace: b.Namespace, Name: b.Name}]
		if v == nil {
			continue
		}
		for _, t := range v.Targets {
			if t.Port > 0 {
				l.bound = append(l.bound, l.describe(b, t))
			}
		}
	}
}

func (l *linter) describe(b *v1alpha1.CodecBinding, t v1alpha1.TargetStatus) boundPort {
	p := boundPort{binding: b, kind: t.Kind, namespace: b.Namespace, name: t.Name, number: uint32(t.Port & 0xffff)}
	switch t.Kind {
	case v1alpha1.KindService:
		p.hosts = []string{t.Name + "." + b.Namespace + ".svc." + l.options.ClusterDomain}
		for _, s := range l.resources.Services {
			if s.Namespace == b.Namespace && s.Name == t.Name {
				p.selector, p.workload = s.Spec.Selector, workloadPort(s, t.Port)
			}
		}
	case v1alpha1.KindServiceEntry:
		for _, e := range l.resources.ServiceEntries {
			if e.Namespace != b.Namespace || e.Name != t.Name {
				continue
			}
			p.hosts, p.selector, p.workload = e.Spec.GetHosts(), e.Spec.GetWorkloadSelector().GetLabels(), p.number
			for _, port := range e.Spec.GetPorts() {
				if port.GetNumber() == p.number && port.GetTargetPort() > 0 {
					p.workload = port.GetTargetPort()
				}
			}
		}
	case v1alpha1.KindGateway:
	}
	return p
}

func workloadPort(s *corev1.Service, number int32) uint32 {
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		switch {
		case p.Port != number:
		case p.TargetPort.Type == intstr.String:
			return 0
		case p.TargetPort.IntVal > 0:
			return uint32(p.TargetPort.IntVal & 0xffff)
		default:
			return uint32(number & 0xffff)
		}
	}
	return 0
}

// boundTo are the bound ports of a host, as a resource of a namespace writes it.
func (l *linter) boundTo(host, namespace string) []boundPort {
	host = l.qualify(host, namespace)
	var found []boundPort
	for _, p := range l.bound {
		if slices.Contains(p.hosts, host) {
			found = append(found, p)
		}
	}
	return found
}

// qualify completes a host as Istio does.
func (l *linter) qualify(host, namespace string) string {
	parts := strings.Split(host, ".")
	switch {
	case len(parts) == 1:
		host = host + "." + namespace + ".svc." + l.options.ClusterDomain
	case len(parts) == 2 && l.hasService(parts[0], parts[1]):
		host += ".svc." + l.options.ClusterDomain
	case len(parts) == 3 && parts[2] == "svc":
		host += "." + l.options.ClusterDomain
	}
	return host
}

func (l *linter) hasService(name, namespace string) bool {
	return slices.ContainsFunc(l.resources.Services, func(s *corev1.Service) bool { return s.Name == name && s.Namespace == namespace })
}

// transport is the only one that a binding of Thrift takes, "" for any.
func (p *boundPort) transport() string {
	c := &p.binding.Spec.Codec
	var config struct {
		Transport string `json:"transport"`
	}
	if c.Name == "thrift" && c.Config != nil {
		_ = json.Unmarshal(c.Config.Raw, &config) // the verdict tells what is wrong with it
	}
	return config.Transport
}
