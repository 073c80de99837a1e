package migrate

import (
	"errors"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// Groups of resources.
const (
	groupMetaProtocol = "metaprotocol.aeraki.io"
	groupDubbo        = "dubbo.aeraki.io"
	groupRedis        = "redis.aeraki.io"
	groupNetworking   = "networking.istio.io"
	groupSecurity     = "security.istio.io"
)

// Options are what is known of the mesh.
type Options struct {
	// ClusterDomain is that of Kubernetes' DNS, "cluster.local" if empty.
	ClusterDomain string
	// RootNamespace is Istio's, "istio-system" if empty: EnvoyFilters for clients in all
	// namespaces are there.
	RootNamespace string
	// Codecs are the names of the codecs that the library carries; nil: it is not known.
	Codecs []string
}

// Result is what follows from the input.
type Result struct {
	// Manifests are new and changed resources, in the order of the input.
	Manifests []Manifest
	// Notes are what did not become the same, in that order too.
	Notes []Note
}

// Manifest is a document in YAML.
type Manifest struct {
	// File is that of the resource that it follows from.
	File string
	Text []byte
}

// migration is one migration.
type migration struct {
	options  Options
	input    *Input
	services []*service
	apps     map[string]string // codecs by application protocol
	gateways map[string]*document
	routers  map[string]*document // the first MetaRouter of a host
	names    map[string]bool      // CodecBindings that there are, by namespace/name
	// What is said of Redis, by namespace/host.
	redisServices  map[string]*redisOf[redisService]
	redisUpstreams map[string]*redisOf[redisUpstream]
	redisRead      map[*document]bool
	result         Result
	problems       []error
}

// Migrate makes new resources of what was read. An error tells of all resources that are
// wrong; the others are migrated nevertheless.
func Migrate(in *Input, o Options) (*Result, error) {
	if o.ClusterDomain == "" {
		o.ClusterDomain = "cluster.local"
	}
	if o.RootNamespace == "" {
		o.RootNamespace = "istio-system"
	}
	m := &migration{
		options: o, input: in, apps: map[string]string{"dubbo": "dubbo", "thrift": "thrift"},
		gateways: map[string]*document{}, routers: map[string]*document{}, names: map[string]bool{},
		redisServices: map[string]*redisOf[redisService]{}, redisUpstreams: map[string]*redisOf[redisUpstream]{},
		redisRead: map[*document]bool{},
	}
	for _, d := range in.documents {
		m.learn(d)
	}
	for _, d := range in.documents {
		m.migrate(d)
	}
	return &m.result, errors.Join(m.problems...)
}

// fail notes an error.
func (m *migration) fail(errs ...error) {
	for _, err := range errs {
		if err != nil {
			m.problems = append(m.problems, err)
		}
	}
}

// learn takes what other resources are judged by.
func (m *migration) learn(d *document) {
	switch {
	case d.is("", "Service"):
		m.learnService(d)
	case d.is(groupNetworking, "ServiceEntry"):
		m.learnServiceEntry(d)
	case d.is(groupNetworking, "Gateway"):
		m.gateways[d.namespace+"/"+d.name] = d
	case d.is(groupMetaProtocol, "ApplicationProtocol"):
		m.learnProtocol(d)
	case d.is(groupRedis, "RedisService"), d.is(groupRedis, "RedisDestination"):
		m.learnRedis(d)
	}
}

// migrate makes what follows from a document.
func (m *migration) migrate(d *document) {
	switch {
	case d.is("", "Service"), d.is(groupNetworking, "ServiceEntry"):
		m.bindService(d)
	case d.is(groupNetworking, "WorkloadEntry"):
		m.workloadEntry(d)
	case d.is(groupNetworking, "Gateway"):
		m.bindGateway(d)
	case d.is(groupNetworking, "DestinationRule"):
		m.hash(d)
	case d.is(groupNetworking, "VirtualService"):
		m.native(d)
	case d.is(groupNetworking, "EnvoyFilter"):
		if d.labels["manager"] == "Aeraki" {
			m.note(d, ToDo, "metadata", "Aeraki made it: delete it together with Aeraki")
		}
	case d.is(groupMetaProtocol, "MetaRouter"):
		m.router(d)
	case d.is(groupDubbo, "DubboAuthorizationPolicy"):
		m.authorize(d)
	case d.is(groupRedis, "RedisService"), d.is(groupRedis, "RedisDestination"):
		m.redisUnused(d)
	}
}

// metadata of a new resource.
type metadata struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
}

// resource is a new resource.
type resource struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       any      `json:"spec"`
}

// Versions of new resources.
var (
	networkingV1       = groupNetworking + "/v1"
	networkingV1alpha3 = groupNetworking + "/v1alpha3" // of EnvoyFilters
	securityV1         = groupSecurity + "/v1"
	meltemiV1          = v1alpha1.GroupVersion.String()
)

// emit adds a new resource that follows from a document.
func (m *migration) emit(d *document, apiVersion, kind, name, namespace string, spec any) {
	text, err := yaml.Marshal(resource{apiVersion, kind, metadata{name, namespace, d.labels}, spec})
	if err != nil {
		m.fail(d.errorf("spec", "%w", err))
		return
	}
	m.result.Manifests = append(m.result.Manifests, Manifest{d.file, text})
}

// emitChanged adds a document of the input, if it was changed.
func (m *migration) emitChanged(d *document) {
	if !d.changed {
		return
	}
	text, err := d.text()
	if err != nil {
		m.fail(err)
		return
	}
	m.result.Manifests = append(m.result.Manifests, Manifest{d.file, text})
}

// serviceOf finds the services of a host, as a resource of a namespace writes it.
func (m *migration) servicesOf(host, namespace string) []*service {
	var found []*service
	for _, s := range m.services {
		if slices.Contains(s.hosts, host) || s.kind == v1alpha1.KindService && m.matches(s, host, namespace) {
			found = append(found, s)
		}
	}
	return found
}
