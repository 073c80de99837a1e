package ir

// Mesh is everything.
type Mesh struct {
	// Outbound are ports that proxies beside clients read, by namespace and number.
	Outbound []Outbound
	// Inbound are ports that proxies beside servers read, by namespace, owner and number.
	Inbound []Inbound
	// Gateways are ports that gateways read, by namespace, owner and number.
	Gateways []Gateway
	// Direct are the services to which the proxies of Outbound and Gateways speak the
	// protocol itself, by namespace and name.
	Direct []Direct
}

// Owner is the resource that something follows from.
type Owner struct {
	Kind, Namespace, Name string
}

// Edge is a port number at which proxies read a protocol.
type Edge struct {
	// Name is unique among the edges of a namespace, and stays the same while the port
	// does.
	Name string
	// Namespace is where what follows is written. In Istio's root namespace it is for
	// proxies of all namespaces.
	Namespace string
	// Selector is which workloads; nil is all.
	Selector map[string]string
	// Port is the number of the port: that of the service beside clients, that of the
	// workload beside servers.
	Port uint32
	// Codec is the configuration of the library's network filter, in JSON, and Codecs are
	// the names of the codecs in it.
	Codec  string
	Codecs []string
	// Filters run on calls before they are routed, in this order.
	Filters []Filter
	// Local and Global are limits of calls.
	Local  []LocalLimit
	Global []GlobalLimits
	// Owners are whose wish it is, sorted.
	Owners []Owner
}

// Outbound is a port that proxies beside clients read.
type Outbound struct {
	Edge
}

// Inbound is a port that proxies beside servers read. Behind them is the application,
// which is spoken to in its protocol.
type Inbound struct {
	Edge

	// Bridge is the configuration of the library's bridge to the application, in JSON;
	// empty if several codecs share the port: a bridge speaks one.
	Bridge string
}

// Gateway is a port that gateways read.
type Gateway struct {
	Edge
}

// Direct are the services of a namespace to which the proxies of an edge speak the
// protocol itself. They are apart from the edge and by namespace, since the API server
// takes no object that has all of a mesh.
type Direct struct {
	// Name, Namespace and Selector are as those of an Edge.
	Name, Namespace string
	Selector        map[string]string
	// IsGateway tells gateways from proxies beside clients.
	IsGateway bool
	// Services are sorted by host and port.
	Services []Upstream
	// Owners are whose wish it is, sorted.
	Owners []Owner
}

// Upstream is a port of a service to which the protocol itself is spoken.
type Upstream struct {
	Host string
	Port uint32
	// Bridge is the configuration of the library's bridge, in JSON.
	Bridge string
}

// Filter is a layer-7 filter of the library.
type Filter struct {
	Name   string // of its place
	Filter string // in the library
	Config string // for the library, in JSON
}
