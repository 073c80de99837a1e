package migrate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// codecName is how codecs may be called.
var codecName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// learnProtocol takes the codec of a protocol: aeraki.meta_protocol.codec.qza is qza.
func (m *migration) learnProtocol(d *document) {
	var spec applicationProtocol
	if errs := d.strict(&spec); errs != nil {
		m.fail(errs...)
		return
	}
	if spec.Protocol == "" {
		m.fail(d.errorf("spec.protocol", "is missing"))
		return
	}
	codec := spec.Codec[strings.LastIndexByte(spec.Codec, '.')+1:]
	codec = strings.ToLower(strings.ReplaceAll(codec, "_", "-"))
	if !codecName.MatchString(codec) {
		m.fail(d.errorf("spec.codec", "%q does not end in the name of a codec", spec.Codec))
		return
	}
	m.apps[spec.Protocol] = codec
	if m.lacks(codec) {
		m.note(d, ToDo, "spec.codec", "the library has no codec %q: write one (meltemi new codec), with entries of metadata that are called as the attributes were", codec)
	}
}

// lacks tells whether the library is known not to have a codec.
func (m *migration) lacks(codec string) bool {
	return m.options.Codecs != nil && !slices.Contains(m.options.Codecs, codec)
}

// codecOf is the codec of an application protocol.
func (m *migration) codecOf(app string) string {
	if codec, ok := m.apps[app]; ok {
		return codec
	}
	return strings.ToLower(strings.ReplaceAll(app, "_", "-"))
}

// bindService renames the ports of a Service or ServiceEntry and binds them.
func (m *migration) bindService(d *document) {
	at := slices.IndexFunc(m.services, func(s *service) bool { return s.doc == d })
	if at < 0 {
		return // it could not be read
	}
	s := m.services[at]
	for _, p := range s.ports {
		m.renamePort(s, &p)
	}
	m.emitChanged(d)
	m.bind(d, s.kind, s.rpcPorts(), m.hostsOf(s))
	m.redis(s)
	m.counted(s)
}

// hostsOf tells whose calls are a ServiceEntry's, which may have no address of its own:
// Aeraki gives it one, in the cluster.
func (m *migration) hostsOf(s *service) map[string]v1alpha1.Host {
	if s.kind != v1alpha1.KindServiceEntry || len(s.rpcPorts()) == 0 || len(s.hosts) == 0 {
		return nil
	}
	if i := s.annotations["interface"]; i != "" {
		return map[string]v1alpha1.Host{i: v1alpha1.Host(s.hosts[0])}
	}
	if len(s.addresses) == 0 {
		m.note(s.doc, ToDo, "spec.addresses", "Aeraki gives it an address, in the cluster alone: take what the cluster has (kubectl get), or say with hosts of the binding which services of the protocol are this one's")
	}
	return nil
}

// renamePort declares a port to Istio as HTTP/2.
func (m *migration) renamePort(s *service, p *port) {
	field := fmt.Sprintf("spec.ports[%d].name", p.index)
	switch {
	case p.protocol == protocolMeta && p.app == "":
		m.note(s.doc, Dropped, field, "%q names no application protocol, with which Aeraki cannot go on: nothing was done", p.name)
		return
	case p.app == "" && (p.protocol == protocolDubbo || p.protocol == protocolThrift):
		m.note(s.doc, Dropped, field, "Aeraki reads native %s on the first port alone; so this one stays TCP. To have its calls read, call it %s and bind it", p.protocol, p.newName())
		return
	case p.app == "":
		return
	}
	node := at(s.doc.node, "spec", "ports", p.index)
	s.doc.set(node, "name", p.newName())
	if s.kind == v1alpha1.KindServiceEntry {
		s.doc.set(node, "protocol", "HTTP2")
		m.renameAtEndpoints(s, p)
	} else if child(node, "appProtocol") != nil {
		s.doc.set(node, "appProtocol", "http2")
	}
	if _, known := m.apps[p.app]; !known {
		m.note(s.doc, ToDo, field, "no ApplicationProtocol tells the codec of %q: the binding takes one of that name", p.app)
	}
}

// bind makes a binding for each codec of a document's ports.
func (m *migration) bind(d *document, kind v1alpha1.TargetKind, ports []port, hosts map[string]v1alpha1.Host) {
	var codecs []string
	byCodec := map[string][]v1alpha1.TargetRef{}
	for i := range ports {
		codec := m.codecOf(ports[i].app)
		if !codecName.MatchString(codec) {
			m.fail(d.errorf(fmt.Sprintf("spec.ports[%d].name", ports[i].index), "%q is no name for a codec", codec))
			continue
		}
		if byCodec[codec] == nil {
			codecs = append(codecs, codec)
		}
		byCodec[codec] = append(byCodec[codec], target(kind, d.name, ports[i].number))
	}
	for i, codec := range codecs {
		name := d.name
		if i > 0 {
			name += "-" + codec
		}
		spec := v1alpha1.CodecBindingSpec{TargetRefs: byCodec[codec], Codec: v1alpha1.Codec{Name: codec}, Hosts: hosts}
		m.emit(d, meltemiV1, "CodecBinding", m.freeName(d.namespace, name, kind), d.written, &spec)
	}
}

// freeName is a name that no binding of a namespace has yet.
func (m *migration) freeName(namespace, name string, kind v1alpha1.TargetKind) string {
	for m.names[namespace+"/"+name] {
		name += "-" + strings.ToLower(string(kind))
	}
	m.names[namespace+"/"+name] = true
	return name
}

func target(kind v1alpha1.TargetKind, name string, number uint32) v1alpha1.TargetRef {
	return v1alpha1.TargetRef{Kind: kind, Name: name, Port: intstr.FromInt32(int32(number & 0xffff))}
}

// bindGateway renames the ports of a Gateway and binds them.
func (m *migration) bindGateway(d *document) {
	var g networkingv1.Gateway
	if err := d.decode(&g); err != nil {
		m.fail(err)
		return
	}
	var ports []port
	for i, server := range g.Spec.GetServers() {
		p := port{index: i, number: server.GetPort().GetNumber(), name: server.GetPort().GetName()}
		p.readName()
		if p.protocol != protocolMeta {
			continue
		}
		if p.app == "" {
			m.note(d, Dropped, fmt.Sprintf("spec.servers[%d].port.name", i), "%q names no application protocol, with which Aeraki cannot go on: nothing was done", p.name)
			continue
		}
		node := at(d.node, "spec", "servers", i, "port")
		d.set(node, "name", p.newName())
		d.set(node, "protocol", "HTTP2")
		ports = append(ports, p)
	}
	m.emitChanged(d)
	m.bind(d, v1alpha1.KindGateway, ports, nil)
}
