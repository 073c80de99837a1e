package migrate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"istio.io/api/networking/v1alpha3"
	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
)

// madeForGateway begins the names of VirtualServices that Aeraki makes for gateways.
const madeForGateway = "aeraki-vs-"

// native turns a VirtualService for a service with a port tcp-dubbo or tcp-thrift, whose
// HTTP routes Aeraki's native plugins read in their own way, into one for HTTP.
func (m *migration) native(d *document) {
	if strings.HasPrefix(d.name, madeForGateway) {
		m.note(d, ToDo, "metadata", "Aeraki made it: delete it together with Aeraki")
		return
	}
	var vs networkingv1.VirtualService
	if err := d.decode(&vs); err != nil {
		m.fail(err)
		return
	}
	s, p := m.nativeService(vs.Spec.GetHosts(), d.namespace)
	if s == nil {
		return
	}
	service := textMatch{}
	if p.protocol == protocolDubbo {
		if name := s.annotations["interface"]; name != "" {
			service = textMatch{textExact, name}
		} else {
			m.note(d, Changed, "spec.hosts", "%s %s has no annotation interface, without which Aeraki does nothing; now the routes are for the calls of all interfaces", s.kind, s.doc.name)
		}
	}
	if len(vs.Spec.GetHosts()) > 1 {
		m.note(d, Changed, "spec.hosts", "the routes are for all hosts now, as Istio has it")
	}
	spec := &v1alpha3.VirtualService{Hosts: vs.Spec.GetHosts(), Gateways: vs.Spec.GetGateways(), ExportTo: vs.Spec.GetExportTo()}
	m.dropOthers(d, "spec", vs.Spec.ProtoReflect(), "hosts", "gateways", "export_to", "http")
	for i, r := range vs.Spec.GetHttp() {
		route, err := m.nativeRoute(d, fmt.Sprintf("spec.http[%d]", i), r, service, p.protocol)
		if err != nil {
			m.fail(err)
			return
		}
		spec.Http = append(spec.Http, route)
	}
	m.emit(d, networkingV1, "VirtualService", d.name, d.written, spec)
}

// nativeService finds the service that a VirtualService is for, if its port is native.
func (m *migration) nativeService(hosts []string, namespace string) (*service, *port) {
	for _, host := range hosts {
		for _, s := range m.servicesOf(host, namespace) {
			if p := s.nativePort(); p != nil {
				return s, p
			}
		}
	}
	return nil, nil
}

func (m *migration) nativeRoute(d *document, field string, r *v1alpha3.HTTPRoute, service textMatch, protocol string) (*v1alpha3.HTTPRoute, error) {
	out := &v1alpha3.HTTPRoute{Name: r.GetName(), Route: r.GetRoute()}
	if len(r.GetRoute()) == 0 {
		return nil, d.errorf(field+".route", "is missing")
	}
	m.dropOthers(d, field, r.ProtoReflect(), "name", "match", "route")
	for i, to := range r.GetRoute() {
		m.dropOthers(d, fmt.Sprintf("%s.route[%d]", field, i), to.ProtoReflect(), "destination", "weight")
	}
	match := &callMatch{service: service, metadata: map[string]textMatch{}}
	switch {
	case protocol == protocolThrift && len(r.GetMatch()) > 0:
		m.note(d, Dropped, field+".match", "Aeraki's native Thrift does not look at it: the route is for all calls")
	case len(r.GetMatch()) > 0:
		if err := m.nativeMatch(d, field+".match", r.GetMatch(), match); err != nil {
			return nil, err
		}
	}
	out.Match = match.http(0)
	return out, nil
}

// nativeMatch takes method and headers of the first match, as Aeraki does.
func (m *migration) nativeMatch(d *document, field string, all []*v1alpha3.HTTPMatchRequest, into *callMatch) error {
	if len(all) > 1 {
		m.note(d, Dropped, field+"[1]", "Aeraki looks at the first match alone")
	}
	first := all[0]
	m.dropOthers(d, field+"[0]", first.ProtoReflect(), "name", "method", "headers")
	if first.GetMethod() != nil {
		text, err := readIstio(first.GetMethod())
		if err == nil {
			err = into.add("method", text, protocolDubbo)
		}
		if err != nil {
			return d.errorf(field+"[0].method", "%w", err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(first.GetHeaders())) {
		if first.GetHeaders()[key].GetMatchType() == nil {
			m.note(d, Dropped, field+"[0].headers."+key, "Aeraki does not look at headers without exact, prefix or regex")
			continue
		}
		text, err := readIstio(first.GetHeaders()[key])
		if err != nil {
			return d.errorf(field+"[0].headers."+key, "%w", err)
		}
		lower := strings.ToLower(key)
		if before, twice := into.metadata[lower]; twice && before != text {
			return d.errorf(field+"[0].headers."+key, "keys are told apart without regard to case, so this is there twice")
		}
		into.metadata[lower] = text
	}
	return nil
}

// readIstio reads a match of a text in a VirtualService.
func readIstio(s *v1alpha3.StringMatch) (textMatch, error) {
	one := &stringMatch{}
	switch v := s.GetMatchType().(type) {
	case *v1alpha3.StringMatch_Exact:
		one.Exact = &v.Exact
	case *v1alpha3.StringMatch_Prefix:
		one.Prefix = &v.Prefix
	case *v1alpha3.StringMatch_Regex:
		one.Regex = &v.Regex
	}
	return one.read()
}

// dropOthers notes the fields that are set and that Aeraki does not read.
func (m *migration) dropOthers(d *document, field string, from protoreflect.Message, read ...string) {
	var others []string
	from.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if !slices.Contains(read, string(f.Name())) {
			others = append(others, f.JSONName())
		}
		return true
	})
	slices.Sort(others) // Range has no order
	for _, name := range others {
		m.note(d, Dropped, field+"."+name, "Aeraki does not look at it; Istio would: put it back if it is wanted")
	}
}
