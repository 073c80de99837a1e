package migrate

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/meltemi-mesh/meltemi/controlplane/spelling"
)

// hash gives the hash policies of a DestinationRule the headers of the entries that they
// name. All else in it is Istio's business already.
func (m *migration) hash(d *document) {
	host := at(d.node, "spec", "host")
	if host == nil {
		return
	}
	native := false
	var rpc []port
	for _, s := range m.servicesOf(host.Value, d.namespace) {
		rpc = append(rpc, s.rpcPorts()...)
		native = native || s.nativePort() != nil
	}
	if len(rpc) == 0 {
		return
	}
	m.hashPolicy(d, at(d.node, "spec", "trafficPolicy"), "spec.trafficPolicy", native)
	for i := range items(at(d.node, "spec", "subsets")) {
		m.hashPolicy(d, at(d.node, "spec", "subsets", i, "trafficPolicy"), fmt.Sprintf("spec.subsets[%d].trafficPolicy", i), native)
	}
	m.emitChanged(d)
}

// hashPolicy changes a traffic policy, with those of its ports.
func (m *migration) hashPolicy(d *document, policy *yaml.Node, field string, native bool) {
	for i := range items(at(policy, "portLevelSettings")) {
		m.hashPolicy(d, at(policy, "portLevelSettings", i), fmt.Sprintf("%s.portLevelSettings[%d]", field, i), native)
	}
	hash := at(policy, "loadBalancer", "consistentHash")
	name := child(hash, "httpHeaderName")
	if name == nil || name.Kind != yaml.ScalarNode {
		return
	}
	field += ".loadBalancer.consistentHash.httpHeaderName"
	key := strings.ToLower(name.Value)
	header := spelling.Header(key)
	if strings.HasPrefix(key, spelling.Prefix) || key == ":path" {
		return // it was migrated before
	}
	switch {
	case native:
		m.note(d, Changed, field, "Aeraki does it on ports tcp-metaprotocol-... alone; now it is done")
	case key == "method", key == "interface":
		m.note(d, Changed, field, "the hash is that of /service/method")
	default:
		m.note(d, Changed, field, "calls without the entry go to any server, not all to one")
	}
	if key == "method" || key == "interface" {
		header = ":path"
	}
	d.set(hash, "httpHeaderName", header)
}

// items are those of a list, none if it is no list.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}
