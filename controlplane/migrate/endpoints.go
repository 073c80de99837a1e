package migrate

import (
	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// renameAtEndpoints has the endpoints of a ServiceEntry, which tell their ports by the
// names of its ports, follow a new name.
func (m *migration) renameAtEndpoints(s *service, p *port) {
	for i := 0; ; i++ {
		endpoint := at(s.doc.node, "spec", "endpoints", i)
		if endpoint == nil {
			return
		}
		s.doc.rename(child(endpoint, "ports"), p.name, p.newName())
	}
}

// workloadEntry has a WorkloadEntry, which tells its ports by the names that services have
// for them, follow their new names.
func (m *migration) workloadEntry(d *document) {
	var w networkingv1.WorkloadEntry
	if err := d.decode(&w); err != nil {
		m.fail(err)
		return
	}
	ports := at(d.node, "spec", "ports")
	for _, s := range m.services {
		if s.doc.namespace != d.namespace || len(s.selector) == 0 || !labels.SelectorFromSet(s.selector).Matches(labels.Set(w.Spec.GetLabels())) {
			continue
		}
		for _, p := range s.rpcPorts() {
			d.rename(ports, p.name, p.newName())
		}
	}
	m.emitChanged(d)
}
