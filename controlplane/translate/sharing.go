package translate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// sharing are the claims that share a port number of proxies beside clients. There may be
// thousands: the usual port of a protocol is that of all its services.
type sharing struct {
	kept    []*claim          // the oldest first
	targets map[string]*claim // by target
	codecs  map[string]*claim // the first one with a codec
}

// joins adds a claim to those before it, or tells why it cannot share the port with them.
// Those before it agree with each other, so one of them speaks for all.
func (t *translator) joins(s *sharing, c *claim) *problem {
	if wrong := t.disagrees(s, c); wrong != nil {
		return wrong
	}
	if s.kept == nil {
		s.targets, s.codecs = map[string]*claim{}, map[string]*claim{}
	}
	s.kept = append(s.kept, c)
	s.targets[c.key()] = c
	for _, own := range c.module.codecs() {
		if s.codecs[own.Name] == nil {
			s.codecs[own.Name] = c
		}
	}
	return nil
}

func (t *translator) disagrees(s *sharing, c *claim) *problem {
	if same := s.targets[c.key()]; same != nil && same.binding == c.binding {
		return problemf(v1alpha1.ReasonInvalid, "targetRefs[%d] is the same port as targetRefs[%d]", c.index, same.index)
	} else if same != nil {
		return problemf(v1alpha1.ReasonConflicted, "%s has the same port", who(same))
	}
	if wrong := t.notForPlain(c); wrong != nil || len(s.kept) == 0 {
		return wrong
	}
	first := s.kept[0]
	if first.settings != c.settings {
		return problemf(v1alpha1.ReasonConflicted, "%s treats calls in another way; proxies of clients have one listener for a port number, so use the same settings or another port", who(first))
	}
	for _, own := range c.module.codecs() {
		o := s.codecs[own.Name]
		if o == nil {
			continue
		}
		for _, other := range o.module.codecs() {
			if own.Name == other.Name && string(own.Config) != string(other.Config) {
				return problemf(v1alpha1.ReasonConflicted, "%s has another config for %s; proxies of clients have one listener for a port number, so use the same or another port", who(o), own.Name)
			}
		}
	}
	if slices.Equal(first.module.names(), c.module.names()) {
		return nil
	}
	for _, o := range []*claim{first, c} {
		if name := t.unsniffed(&o.module); name != "" {
			return problemf(v1alpha1.ReasonConflicted, "%s speaks another protocol, and %s cannot be told from others by its first bytes; use another port", who(first), name)
		}
	}
	return nil
}

// who names a claim to one that came later.
func who(c *claim) string {
	return fmt.Sprintf("CodecBinding %s/%s, which is older and has %s %s on port %d,", c.binding.Namespace, c.binding.Name, c.kind, c.name, c.number)
}

// key names the target of a claim; the port is that of all who share it.
func (c *claim) key() string {
	return string(c.kind) + "/" + c.namespace + "/" + c.target.name
}

// unsniffed is a codec that cannot recognise its protocol, "" if all can.
func (t *translator) unsniffed(m *moduleConfig) string {
	for _, name := range m.names() {
		if info := t.options.codec(name); info == nil || !info.Sniffs {
			return name
		}
	}
	return ""
}

// notForPlain refuses a codec that cannot be told from plain HTTP/1 on a port number that
// an older Service has for that: its clients would get no answer any more. A younger one
// is told of.
func (t *translator) notForPlain(c *claim) *problem {
	name := t.unsniffed(&c.module)
	if name == "" {
		return nil
	}
	for _, o := range t.plainOn(c.number) {
		what := fmt.Sprintf("Service %s/%s is plain HTTP on port %d, from which %s cannot be told by its first bytes", o.Namespace, o.Name, c.number, name)
		if o.CreationTimestamp.Compare(c.binding.CreationTimestamp.Time) <= 0 {
			return problemf(v1alpha1.ReasonConflicted, "%s: use another port", what)
		}
		c.verdict.Targets[c.index].Message = what + ": its clients get no answer"
	}
	return nil
}

// plainOn are the Services that are declared plain HTTP on a port number, in one order.
func (t *translator) plainOn(number uint32) []*corev1.Service {
	return slices.DeleteFunc(slices.Clone(t.onPort[number]), func(s *corev1.Service) bool {
		return !slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool {
			protocol := servicePortProtocol(&p)
			return portOf(p.Port) == number && (protocol == "http" || protocol == "grpc-web")
		})
	})
}

// servicePortProtocol is what a port of a Service is to Istio, in lower case.
func servicePortProtocol(p *corev1.ServicePort) string {
	if p.Protocol == corev1.ProtocolUDP {
		return "udp"
	}
	if p.AppProtocol == nil {
		return protocolOf(p.Name)
	}
	switch protocol := strings.ToLower(*p.AppProtocol); protocol {
	case "kubernetes.io/ws":
		return "http"
	case "kubernetes.io/h2c":
		return "http2"
	default:
		return protocolOf(protocol)
	}
}
