package migrate

import (
	"slices"
	"strings"

	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// Protocols that Aeraki knows by the second word of a port's name.
const (
	protocolMeta      = "metaprotocol"
	protocolDubbo     = "dubbo"
	protocolThrift    = "thrift"
	protocolRedis     = "redis"
	protocolZooKeeper = "zookeeper"
	protocolKafka     = "kafka"
)

// service is a Service or a ServiceEntry.
type service struct {
	doc         *document
	kind        v1alpha1.TargetKind
	hosts       []string
	selector    map[string]string
	annotations map[string]string
	addresses   []string
	ports       []port
}

// port is a port of a service, as Aeraki sees it.
type port struct {
	index    int // in the resource
	number   uint32
	target   uint32 // of the workloads, 0 if a name tells it
	name     string
	protocol string // the second word of the name
	app      string // the application protocol, "" if the port is none of Aeraki's RPC ports
}

// words splits the name of a port: tcp-metaprotocol-dubbo-9090.
func words(name string) []string { return strings.Split(name, "-") }

// readName takes what the name of a port tells.
func (p *port) readName() {
	w := words(p.name)
	if first := strings.ToLower(w[0]); len(w) < 2 || first == "http2" || first == "grpc" {
		return // Aeraki does not look at the first word; but what is HTTP/2 already is none of its ports
	}
	switch p.protocol = strings.ToLower(w[1]); p.protocol {
	case protocolMeta:
		if len(w) > 2 {
			p.app = w[2]
		}
	case protocolDubbo, protocolThrift:
		if p.index == 0 { // Aeraki's native plugins look at the first port alone
			p.app = p.protocol
		}
	}
}

// newName is the name of the port once it speaks HTTP/2 to Istio.
func (p *port) newName() string {
	w := words(p.name)
	if p.protocol == protocolMeta {
		w = w[1:]
	}
	return "http2-" + strings.Join(w[1:], "-")
}

func (m *migration) learnService(d *document) {
	var s corev1.Service
	if err := d.decode(&s); err != nil {
		m.fail(err)
		return
	}
	found := &service{
		doc: d, kind: v1alpha1.KindService, hosts: []string{d.name + "." + d.namespace + ".svc." + m.options.ClusterDomain},
		selector: s.Spec.Selector, annotations: s.Annotations,
	}
	for _, address := range append(s.Spec.ClusterIPs, s.Spec.ClusterIP) {
		if address != "" && address != corev1.ClusterIPNone && !slices.Contains(found.addresses, address) {
			found.addresses = append(found.addresses, address)
		}
	}
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		target := p.Port
		if p.TargetPort.Type == intstr.Int && p.TargetPort.IntVal > 0 {
			target = p.TargetPort.IntVal
		} else if p.TargetPort.Type == intstr.String {
			target = 0
		}
		found.add(port{index: i, number: portOf(p.Port), target: portOf(target), name: p.Name})
	}
	m.services = append(m.services, found)
}

func (m *migration) learnServiceEntry(d *document) {
	var e networkingv1.ServiceEntry
	if err := d.decode(&e); err != nil {
		m.fail(err)
		return
	}
	found := &service{
		doc: d, kind: v1alpha1.KindServiceEntry, hosts: e.Spec.GetHosts(), selector: e.Spec.GetWorkloadSelector().GetLabels(),
		annotations: e.Annotations, addresses: e.Spec.GetAddresses(),
	}
	for i, p := range e.Spec.GetPorts() {
		target := p.GetTargetPort()
		if target == 0 {
			target = p.GetNumber()
		}
		found.add(port{index: i, number: p.GetNumber(), target: target, name: p.GetName()})
	}
	m.services = append(m.services, found)
}

func (s *service) add(p port) {
	p.readName()
	s.ports = append(s.ports, p)
}

// rpcPorts are those whose calls Aeraki reads.
func (s *service) rpcPorts() []port {
	var found []port
	for _, p := range s.ports {
		if p.app != "" {
			found = append(found, p)
		}
	}
	return found
}

// nativePort is the port of a native protocol, nil if it has none.
func (s *service) nativePort() *port {
	if len(s.ports) > 0 && s.ports[0].app != "" && s.ports[0].protocol != protocolMeta {
		return &s.ports[0]
	}
	return nil
}

// matches tells whether a host, as Istio completes it, is that of a Service.
func (m *migration) matches(s *service, host, namespace string) bool {
	name, rest, dotted := strings.Cut(host, ".")
	if name != s.doc.name {
		return false
	}
	if !dotted {
		return namespace == s.doc.namespace
	}
	return rest == s.doc.namespace || rest == s.doc.namespace+".svc" || rest == s.doc.namespace+".svc."+m.options.ClusterDomain
}

// portOf is a port number, 0 if it is none.
func portOf(n int32) uint32 {
	if n < 0 || n > 65535 {
		return 0
	}
	return uint32(n)
}
