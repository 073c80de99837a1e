package translate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// draft is a mesh that is being made.
type draft struct {
	outbound []ir.Outbound
	inbound  []ir.Inbound
	gateways []ir.Gateway
	direct   []ir.Direct
}

// finish puts everything into its one order.
func (d *draft) finish() *ir.Mesh {
	for i := range d.outbound {
		d.outbound[i].Edge.Owners = sorted(d.outbound[i].Owners)
	}
	for i := range d.inbound {
		d.inbound[i].Edge.Owners = sorted(d.inbound[i].Owners)
	}
	for i := range d.gateways {
		d.gateways[i].Edge.Owners = sorted(d.gateways[i].Owners)
	}
	for i := range d.direct {
		d.direct[i].Owners = sorted(d.direct[i].Owners)
		d.direct[i].Services = sortedUpstreams(d.direct[i].Services)
	}
	slices.SortFunc(d.outbound, func(a, b ir.Outbound) int { return compareEdges(&a.Edge, &b.Edge) })
	slices.SortFunc(d.inbound, func(a, b ir.Inbound) int { return compareEdges(&a.Edge, &b.Edge) })
	slices.SortFunc(d.gateways, func(a, b ir.Gateway) int { return compareEdges(&a.Edge, &b.Edge) })
	slices.SortFunc(d.direct, func(a, b ir.Direct) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return &ir.Mesh{Outbound: d.outbound, Inbound: d.inbound, Gateways: d.gateways, Direct: d.direct}
}

func compareEdges(a, b *ir.Edge) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func sorted(owners []ir.Owner) []ir.Owner {
	slices.SortFunc(owners, func(a, b ir.Owner) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(owners)
}

func sortedUpstreams(all []ir.Upstream) []ir.Upstream {
	slices.SortFunc(all, func(a, b ir.Upstream) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
	})
	return slices.Compact(all)
}

// addFilters adds the filters that a binding wants on a side.
func (t *translator) addFilters(e *ir.Edge, c *claim, side v1alpha1.Side) {
	for i := range c.binding.Spec.Filters {
		f := &c.binding.Spec.Filters[i]
		if f.Side != side && (f.Side != "" || side != v1alpha1.SideServer) {
			continue
		}
		e.Filters = append(e.Filters, ir.Filter{Name: f.Name, Filter: filterName(f), Config: filterConfig(f, e.Codec)})
	}
}

// filterConfig is what the library's filter is given, in JSON: its own settings, and the
// configuration of the network filter, since it reads the same calls.
func filterConfig(f *v1alpha1.Filter, codec string) string {
	config, err := json.Marshal(struct {
		Config json.RawMessage `json:"config,omitempty"`
		Codec  json.RawMessage `json:"codec"`
	}{raw(f.Config), json.RawMessage(codec)})
	if err != nil {
		return "{}" // the parts are JSON already
	}
	return string(config)
}

// filterName is the name of a filter in the library.
func filterName(f *v1alpha1.Filter) string {
	if f.Filter != "" {
		return f.Filter
	}
	return f.Name
}

// name is a name for what follows from a port of something. It is the same each time, and
// no longer than Kubernetes takes.
func name(prefix, of string, port uint32) string {
	const most = 200
	full := strings.ToLower(fmt.Sprintf("%s-%s-%d", prefix, of, port))
	if len(full) <= most {
		return full
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(full)) // never fails
	return fmt.Sprintf("%s-%x-%d", strings.TrimRight(full[:most], ".-"), h.Sum64(), port)
}
