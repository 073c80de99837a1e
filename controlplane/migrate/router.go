package migrate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"istio.io/api/networking/v1alpha3"
	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/spelling"
)

// router turns a MetaRouter into a VirtualService and a RateLimitPolicy.
func (m *migration) router(d *document) {
	var spec metaRouter
	if errs := d.strict(&spec); errs != nil {
		m.fail(errs...)
		return
	}
	if len(spec.Hosts) != 1 || spec.Hosts[0] == "" || strings.Contains(spec.Hosts[0], "*") {
		m.fail(d.errorf("spec.hosts", "exactly one full host is needed"))
		return
	}
	host := spec.Hosts[0]
	if first := m.routers[host]; first != nil {
		m.note(d, Changed, "spec.hosts[0]", "MetaRouter %s/%s (%s, document %d) has the same host; Aeraki took one of them, no matter which, Istio takes the older VirtualService", first.namespace, first.name, first.file, first.number)
	} else {
		m.routers[host] = d
	}
	services := m.servicesOf(host, d.namespace)
	codec := ""
	for _, s := range services {
		if ports := s.rpcPorts(); len(ports) > 0 {
			codec = m.codecOf(ports[0].app)
			break
		}
	}
	if codec == "" {
		m.note(d, ToDo, "spec.hosts[0]", "no Service or ServiceEntry with this host and a port tcp-metaprotocol-... is in the input: it needs a CodecBinding, and what its codec shows of calls is not known")
	}
	if routes, ok := m.routes(d, spec.Routes, codec); ok && len(routes) > 0 {
		m.emitRoutes(d, &spec, routes)
	}
	m.limits(d, &spec, codec, services)
}

// emitRoutes writes the routes for sidecars, and for gateways.
func (m *migration) emitRoutes(d *document, spec *metaRouter, routes []*v1alpha3.HTTPRoute) {
	if len(spec.ExportTo) > 0 {
		m.note(d, Changed, "spec.exportTo", "it tells who gets the routes; whose calls are read at all is told by the exportTo of the service")
	}
	m.emit(d, networkingV1, "VirtualService", d.name, d.written, &v1alpha3.VirtualService{
		Hosts: spec.Hosts, Http: routes, ExportTo: spec.ExportTo,
	})
	for i, name := range spec.Gateways {
		field := fmt.Sprintf("spec.gateways[%d]", i)
		port := m.gatewayPort(d, field, name, routes)
		m.emit(d, networkingV1, "VirtualService", gatewayName(d.name, i), d.written, &v1alpha3.VirtualService{
			// A gateway's calls have the address that the client dialed as their host.
			Hosts: []string{"*"}, Gateways: []string{name}, Http: onPort(routes, port),
		})
	}
}

func gatewayName(name string, i int) string {
	if i == 0 {
		return name + "-gateway"
	}
	return fmt.Sprintf("%s-gateway-%d", name, i+1)
}

// gatewayPort is the port of a gateway whose calls take the routes, 0 if that is not known:
// the one of Aeraki's with the number of a destination's port.
func (m *migration) gatewayPort(d *document, field, name string, routes []*v1alpha3.HTTPRoute) uint32 {
	var wanted []uint32
	for _, r := range routes {
		for _, to := range r.GetRoute() {
			if n := to.GetDestination().GetPort().GetNumber(); n > 0 {
				wanted = append(wanted, n)
			}
		}
	}
	if !strings.Contains(name, "/") {
		name = d.namespace + "/" + name
	}
	g := m.gateways[name]
	if g == nil {
		m.note(d, ToDo, field, "Gateway %s is not in the input: its port has to be HTTP2, and needs a CodecBinding", name)
		if len(wanted) > 0 {
			return wanted[0]
		}
		return 0
	}
	var gateway networkingv1.Gateway
	if err := g.decode(&gateway); err != nil {
		return 0 // it is an error of its own already
	}
	for _, server := range gateway.Spec.GetServers() {
		p := port{number: server.GetPort().GetNumber(), name: server.GetPort().GetName()}
		if p.readName(); p.protocol == protocolMeta && (len(wanted) == 0 || slices.Contains(wanted, p.number)) {
			return p.number
		}
	}
	m.note(d, Changed, field, "Gateway %s has no port tcp-metaprotocol-... with the number of a destination's port: Aeraki did nothing there; now the routes are for all its HTTP ports", name)
	return 0
}

// onPort are routes for the calls of one port.
func onPort(routes []*v1alpha3.HTTPRoute, port uint32) []*v1alpha3.HTTPRoute {
	out := make([]*v1alpha3.HTTPRoute, 0, len(routes))
	for _, r := range routes {
		copied := r.DeepCopy()
		if len(copied.Match) == 0 && port > 0 {
			copied.Match = []*v1alpha3.HTTPMatchRequest{{}}
		}
		for _, match := range copied.Match {
			match.Port = port
		}
		out = append(out, copied)
	}
	return out
}

// routes turns the routes of a MetaRouter into those of a VirtualService, in their order.
func (m *migration) routes(d *document, all []metaRoute, codec string) ([]*v1alpha3.HTTPRoute, bool) {
	out := make([]*v1alpha3.HTTPRoute, 0, len(all))
	good := true
	for i := range all {
		route, errs := m.route(d, fmt.Sprintf("spec.routes[%d]", i), &all[i], codec)
		m.fail(errs...)
		good = good && len(errs) == 0
		out = append(out, route)
	}
	return out, good
}

func (m *migration) route(d *document, field string, r *metaRoute, codec string) (*v1alpha3.HTTPRoute, []error) {
	var problems []error
	match, err := m.attributes(d, field+".match", r.Match, codec)
	if err != nil {
		return nil, []error{err}
	}
	out := &v1alpha3.HTTPRoute{Name: r.Name, Match: match.http(0)}
	if len(r.Route) == 0 {
		problems = append(problems, d.errorf(field+".route", "is missing"))
	}
	for i, to := range r.Route {
		at := fmt.Sprintf("%s.route[%d]", field, i)
		destination, err := d.destination(at+".destination", to.Destination)
		if err == nil && to.Weight > math.MaxInt32 {
			err = d.errorf(at+".weight", "is too great")
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		out.Route = append(out.Route, &v1alpha3.HTTPRouteDestination{Destination: destination, Weight: int32(to.Weight & math.MaxInt32)})
	}
	if r.Mirror != nil {
		if out.Mirror, err = d.destination(field+".mirror", r.Mirror); err != nil {
			problems = append(problems, err)
		}
	}
	if p := r.MirrorPercentage; p != nil {
		switch {
		case p.Value < 0 || p.Value > 100:
			problems = append(problems, d.errorf(field+".mirrorPercentage.value", "is not from 0 to 100"))
		case p.Value > 0 && out.Mirror != nil: // 0 is all, as without it
			out.MirrorPercentage = &v1alpha3.Percent{Value: p.Value}
		}
	}
	problems = append(problems, m.mutate(d, field, r, codec, out)...)
	return out, problems
}

func (d *document) destination(field string, to *destination) (*v1alpha3.Destination, error) {
	if to == nil || to.Host == "" {
		return nil, d.errorf(field+".host", "is missing")
	}
	out := &v1alpha3.Destination{Host: to.Host, Subset: to.Subset}
	if to.Port != nil && to.Port.Number > 0 {
		if to.Port.Number > math.MaxUint16 {
			return nil, d.errorf(field+".port.number", "is no port")
		}
		out.Port = &v1alpha3.PortSelector{Number: to.Port.Number}
	}
	return out, nil
}

// mutate turns changes of messages into those of headers, which the library writes back
// into the message.
func (m *migration) mutate(d *document, field string, r *metaRoute, codec string, out *v1alpha3.HTTPRoute) []error {
	var problems []error
	set := map[string]string{}
	for i, kv := range r.RequestMutation {
		at := fmt.Sprintf("%s.requestMutation[%d]", field, i)
		switch {
		case kv.Key == "":
			problems = append(problems, d.errorf(at+".key", "is missing"))
		case strings.ContainsFunc(kv.Value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			problems = append(problems, d.errorf(at+".value", "has a character that no header can have"))
		case codec == "thrift":
			m.note(d, Dropped, at, "Aeraki's Thrift writes no metadata, so it did nothing; where calls use THeader or TTHeader, headers.request.set of the VirtualService would do it")
		default:
			if codec == "brpc" {
				m.note(d, Changed, at, "Aeraki's bRPC writes no metadata, so it did nothing; now the server gets it")
			}
			set[spelling.Header(kv.Key)] = strings.ReplaceAll(kv.Value, "%", "%%") // else a command to Envoy
		}
	}
	if len(set) > 0 {
		out.Headers = &v1alpha3.Headers{Request: &v1alpha3.Headers_HeaderOperations{Set: set}}
	}
	for i := range r.ResponseMutation {
		m.note(d, Dropped, fmt.Sprintf("%s.responseMutation[%d]", field, i), "Aeraki never does it; headers.response.set of the VirtualService would")
	}
	return problems
}
