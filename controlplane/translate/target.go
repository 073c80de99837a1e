package translate

import (
	"fmt"
	"slices"
	"strings"

	"istio.io/api/networking/v1alpha3"
	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// target is a port that a binding names, found.
type target struct {
	kind      v1alpha1.TargetKind
	namespace string
	name      string
	number    uint32 // of the port, beside clients
	// hosts are Istio's names of the service; the first one is the one.
	hosts []string
	// addressed tells that clients dial an address that Istio knows as the service's, and
	// addresses are those, where they are known.
	addressed bool
	addresses []string
	// selector and ports are the workloads and their ports, beside servers; those where
	// gateways listen, of a Gateway.
	selector map[string]string
	ports    []uint32
	// exportTo are the namespaces that may know the service; nil: all.
	exportTo []string
}

// problem is why a target cannot be served.
type problem struct{ reason, message string }

func problemf(reason, format string, args ...any) *problem {
	return &problem{reason, fmt.Sprintf(format, args...)}
}

// find finds what a reference names.
func (t *translator) find(namespace string, ref *v1alpha1.TargetRef) (*target, *problem) {
	key := namespace + "/" + ref.Name
	switch ref.Kind {
	case v1alpha1.KindService:
		if s := t.services[key]; s != nil {
			return t.service(s, ref)
		}
	case v1alpha1.KindServiceEntry:
		if e := t.entries[key]; e != nil {
			return t.serviceEntry(e, ref)
		}
	case v1alpha1.KindGateway:
		if g := t.gateways[key]; g != nil {
			return t.gateway(g, ref)
		}
	default:
		return nil, problemf(v1alpha1.ReasonInvalid, "no kind %q: there are Service, ServiceEntry and Gateway", ref.Kind)
	}
	return nil, problemf(v1alpha1.ReasonTargetNotFound, "there is none in namespace %s", namespace)
}

func (t *translator) service(s *corev1.Service, ref *v1alpha1.TargetRef) (*target, *problem) {
	isNamed := func(p corev1.ServicePort) bool { return names(&ref.Port, p.Name, portOf(p.Port)) }
	at := slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return isNamed(p) && p.Protocol != corev1.ProtocolUDP })
	switch {
	case at < 0 && !slices.ContainsFunc(s.Spec.Ports, isNamed):
		return nil, noPort(ref)
	case at < 0:
		return nil, problemf(v1alpha1.ReasonUnsupported, "port %s is one of UDP", ref.Port.String())
	case s.Spec.Type == corev1.ServiceTypeExternalName:
		return nil, problemf(v1alpha1.ReasonUnsupported, "an ExternalName service has no proxies of its own: bind a ServiceEntry for the host")
	}
	port := &s.Spec.Ports[at]
	if !isHTTP2(servicePortProtocol(port)) {
		return nil, notDeclared(portOf(port.Port), "appProtocol: http2, or a name like http2-"+nameOr(port.Name, "rpc"))
	}
	return &target{
		kind: v1alpha1.KindService, namespace: s.Namespace, name: s.Name, number: portOf(port.Port),
		hosts:     []string{s.Name + "." + s.Namespace + ".svc." + t.options.clusterDomain()},
		addressed: s.Spec.ClusterIP != corev1.ClusterIPNone, addresses: s.Spec.ClusterIPs,
		selector: s.Spec.Selector,
		ports:    t.targetPorts(s, port),
		exportTo: exportTo(s.Annotations["networking.istio.io/exportTo"], s.Namespace),
	}, nil
}

// targetPorts are the ports of a service's workloads: what its port says, or, if it says
// a name, what the workloads have under it.
func (t *translator) targetPorts(s *corev1.Service, port *corev1.ServicePort) []uint32 {
	if port.TargetPort.Type == intstr.Int {
		return []uint32{targetPort(port, nil)}
	}
	var ports []uint32
	for _, p := range t.pods.labelled(s.Namespace, s.Spec.Selector) {
		if number := targetPort(port, p); number > 0 {
			ports = append(ports, number)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

func (t *translator) serviceEntry(e *networkingv1.ServiceEntry, ref *v1alpha1.TargetRef) (*target, *problem) {
	at := slices.IndexFunc(e.Spec.Ports, func(p *v1alpha3.ServicePort) bool { return names(&ref.Port, p.GetName(), p.GetNumber()) })
	switch {
	case at < 0:
		return nil, noPort(ref)
	case len(e.Spec.Hosts) == 0:
		return nil, problemf(v1alpha1.ReasonInvalid, "the ServiceEntry has no hosts")
	case strings.HasPrefix(e.Spec.Hosts[0], "*"):
		return nil, problemf(v1alpha1.ReasonUnsupported, "a wildcard host names no service to route to")
	}
	port := e.Spec.Ports[at]
	protocol := strings.ToLower(port.GetProtocol())
	if protocol == "" {
		protocol = protocolOf(port.GetName())
	}
	if !isHTTP2(protocol) {
		return nil, notDeclared(port.GetNumber(), "protocol: HTTP2")
	}
	workload := port.GetTargetPort()
	if workload == 0 {
		workload = port.GetNumber()
	}
	out := &target{
		kind: v1alpha1.KindServiceEntry, namespace: e.Namespace, name: e.Name, number: port.GetNumber(),
		hosts: e.Spec.Hosts, addressed: len(e.Spec.Addresses) > 0, addresses: e.Spec.Addresses,
		exportTo: exportTo(strings.Join(e.Spec.ExportTo, ","), e.Namespace),
	}
	if s := e.Spec.GetWorkloadSelector(); s != nil && len(s.GetLabels()) > 0 {
		out.selector, out.ports = s.GetLabels(), []uint32{workload}
	}
	return out, nil
}

func (t *translator) gateway(g *networkingv1.Gateway, ref *v1alpha1.TargetRef) (*target, *problem) {
	at := slices.IndexFunc(g.Spec.Servers, func(s *v1alpha3.Server) bool {
		return names(&ref.Port, s.GetPort().GetName(), s.GetPort().GetNumber())
	})
	if at < 0 {
		return nil, noPort(ref)
	}
	port, tls := g.Spec.Servers[at].GetPort(), g.Spec.Servers[at].GetTls()
	switch p := strings.ToLower(port.GetProtocol()); {
	case !isHTTP2(p) && p != "http" && p != "https":
		return nil, notDeclared(port.GetNumber(), "protocol: HTTP2, or HTTPS with tls")
	case p == "https" && (tls.GetMode() == v1alpha3.ServerTLSSettings_PASSTHROUGH || tls.GetMode() == v1alpha3.ServerTLSSettings_AUTO_PASSTHROUGH):
		return nil, problemf(v1alpha1.ReasonUnsupported, "tls.mode %s: the gateways see no calls in what they pass on; let them end TLS", tls.GetMode())
	case tls.GetHttpsRedirect():
		return nil, problemf(v1alpha1.ReasonUnsupported, "tls.httpsRedirect: all calls would be answered with a redirect of HTTP")
	case len(g.Spec.Selector) == 0:
		return nil, problemf(v1alpha1.ReasonUnsupported, "the Gateway has no selector: its ports would be those of every proxy")
	}
	return &target{
		kind: v1alpha1.KindGateway, namespace: g.Namespace, name: g.Name, number: port.GetNumber(),
		selector: g.Spec.Selector, ports: t.listeningPorts(g.Spec.Selector, port.GetNumber()),
	}, nil
}

// names tells whether a reference names a port.
func names(ref *intstr.IntOrString, name string, number uint32) bool {
	if ref.Type == intstr.String {
		return ref.StrVal == name && name != ""
	}
	return portOf(ref.IntVal) == number && number > 0
}

// portOf is a port number, 0 if it is none.
func portOf(n int32) uint32 {
	if n < 0 || n > maxPort {
		return 0
	}
	return uint32(n)
}

// statusPort is a port number in a status.
func statusPort(n uint32) int32 {
	if n > maxPort {
		return 0
	}
	return int32(n)
}

const maxPort = 65535

func noPort(ref *v1alpha1.TargetRef) *problem {
	return problemf(v1alpha1.ReasonTargetNotFound, "it has no port %s", ref.Port.String())
}

func notDeclared(port uint32, remedy string) *problem {
	return problemf(v1alpha1.ReasonPortNotDeclared, "port %d is not HTTP/2 to Istio, which would give it no routes: declare it (%s)", port, remedy)
}

// protocolOf is what a port's name declares to Istio: the part before the first dash.
func protocolOf(name string) string {
	protocol, _, _ := strings.Cut(strings.ToLower(name), "-")
	if strings.HasPrefix(strings.ToLower(name), "grpc-web") {
		return "grpc-web"
	}
	return protocol
}

// isHTTP2 tells whether Istio speaks HTTP/2 to servers of a protocol.
func isHTTP2(protocol string) bool {
	switch protocol {
	case "http2", "grpc":
		return true
	}
	return false
}

func nameOr(name, or string) string {
	if name == "" {
		return or
	}
	return name
}

// exportTo are the namespaces of Istio's exportTo, nil for all.
func exportTo(text, namespace string) []string {
	var all []string
	for n := range strings.SplitSeq(text, ",") {
		switch n = strings.TrimSpace(n); n {
		case "":
		case "*":
			return nil
		case ".":
			all = append(all, namespace)
		case "~":
			all = append(all, "") // nobody
		default:
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
