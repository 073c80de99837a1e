package translate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// What a pod shows of its proxy.
const (
	proxyContainer  = "istio-proxy"
	libraryVariable = "ENVOY_DYNAMIC_MODULES_SEARCH_PATH"
	// libraryLabel is for pods whose proxy has the library in its image.
	libraryLabel = "meltemi.dev/library"
	// oldestMinor is the first Istio 1.x whose proxies have the extensions.
	oldestMinor = 31
)

// chooseUpstream decides what proxies of clients send to a target.
func (t *translator) chooseUpstream(c *claim, report *proxyReport) {
	if c.kind == v1alpha1.KindGateway {
		for _, namespace := range t.pods.namespaces { // a Gateway is for gateways of all namespaces
			for _, p := range t.pods.labelled(namespace, c.selector) {
				report.add(p, t.stateOf(p))
			}
		}
		return
	}
	endpoints, without := t.endpoints(c)
	known := len(endpoints) + len(without)
	for _, p := range endpoints {
		if state := t.stateOf(p); report.add(p, state) != proxyReady {
			without = append(without, fmt.Sprintf("%s (%s)", p.Name, state))
		}
	}
	status := &c.verdict.Targets[c.index]
	switch c.binding.Spec.Upstream {
	case v1alpha1.UpstreamMesh:
		c.direct = false
		if len(without) > 0 {
			status.Message = "these servers cannot take mesh: " + few(without)
		}
	case v1alpha1.UpstreamDirect:
		c.direct = true
	case v1alpha1.UpstreamAuto, "":
		c.direct = known == 0 || len(without) > 0
		switch {
		case known == 0:
			status.Message = "direct, since no server is known"
		case len(without) > 0:
			status.Message = "direct, since these servers cannot take mesh: " + few(without)
		}
	}
	status.Upstream = v1alpha1.UpstreamMesh
	if c.direct {
		status.Upstream = v1alpha1.UpstreamDirect
	}
}

// endpoints are the pods behind a target, and what else is behind it, in words: nothing is
// known of a proxy there.
func (t *translator) endpoints(c *claim) (pods []*corev1.Pod, others []string) {
	backing := t.slices[c.namespace+"/"+c.target.name]
	if c.kind != v1alpha1.KindService || backing == nil {
		pods = t.pods.labelled(c.namespace, c.selector)
	} else {
		for _, name := range slices.Sorted(maps.Keys(backing.pods)) {
			// One that is not there is gone, and its endpoint about to go.
			if p := t.pods.byName[c.namespace+"/"+name]; p != nil {
				pods = append(pods, p)
			}
		}
		for _, address := range backing.addresses {
			others = append(others, address+" (no pod)")
		}
	}
	for _, w := range t.workloads[c.namespace] {
		if len(c.selector) > 0 && isSubset(c.selector, w.Spec.GetLabels()) {
			others = append(others, w.Name+" (a WorkloadEntry)")
		}
	}
	return pods, others
}

// endpointIndex are the endpoints of services, by namespace/name.
type endpointIndex map[string]*backing

// backing is what is behind a service.
type backing struct {
	pods      map[string]bool // by name
	addresses []string        // of those that are no pods
}

func indexEndpoints(all []*discoveryv1.EndpointSlice) endpointIndex {
	index := endpointIndex{}
	for _, s := range all {
		key := s.Namespace + "/" + s.Labels[discoveryv1.LabelServiceName]
		if index[key] == nil {
			index[key] = &backing{pods: map[string]bool{}}
		}
		for i := range s.Endpoints {
			e := &s.Endpoints[i]
			if ref := e.TargetRef; ref != nil && ref.Kind == "Pod" {
				index[key].pods[ref.Name] = true
			} else {
				index[key].addresses = append(index[key].addresses, e.Addresses...)
			}
		}
	}
	return index
}

// proxyState is what is known of a pod's proxy.
type proxyState string

const (
	proxyReady   proxyState = "ready"
	proxyNone    proxyState = "no proxy"
	proxyOld     proxyState = "proxy older than Istio 1.31"
	proxyUnknown proxyState = "proxy of unknown version"
	proxyBare    proxyState = "proxy without the library"
)

var imageVersion = regexp.MustCompile(`[:-]v?(\d+)\.(\d+)\b`)

// stateOf tells what a pod shows of its proxy.
func (t *translator) stateOf(p *corev1.Pod) proxyState {
	c := proxyOf(p)
	if c == nil {
		return proxyNone
	}
	image := c.Image[strings.LastIndexByte(c.Image, '/')+1:]
	version := imageVersion.FindStringSubmatch(image)
	if version == nil {
		return proxyUnknown
	}
	major, minor := number(version[1]), number(version[2])
	switch hasLibrary := t.options.ProxiesHaveLibrary || p.Labels[libraryLabel] == "true" ||
		slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == libraryVariable }); {
	case major < 1, major == 1 && minor < oldestMinor:
		return proxyOld
	case !hasLibrary:
		return proxyBare
	}
	return proxyReady
}

// proxyOf is the container of a pod's proxy, which is a sidecar of either kind.
func proxyOf(p *corev1.Pod) *corev1.Container {
	for _, list := range [][]corev1.Container{p.Spec.Containers, p.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == proxyContainer {
				return &list[i]
			}
		}
	}
	return nil
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0 // more digits than any version has
	}
	return n
}

// proxyReport collects what pods show.
type proxyReport struct {
	ready        int
	old, unknown []string
	bare, none   []string
}

func (r *proxyReport) add(p *corev1.Pod, state proxyState) proxyState {
	switch name := p.Namespace + "/" + p.Name; state {
	case proxyReady:
		r.ready++
	case proxyOld:
		r.old = append(r.old, name)
	case proxyUnknown:
		r.unknown = append(r.unknown, name)
	case proxyBare:
		r.bare = append(r.bare, name)
	case proxyNone:
		r.none = append(r.none, name)
	}
	return state
}

// verdict is the condition ProxiesReady.
func (r *proxyReport) verdict() (reason, message string) {
	switch {
	case len(r.old) > 0:
		return v1alpha1.ReasonProxiesTooOld, "these proxies are older than Istio 1.31 and get no filters, so calls through them fail: " + few(r.old)
	case len(r.unknown) > 0:
		return v1alpha1.ReasonProxiesUnknown, "the images of these proxies do not tell their version; without one they get no filters, and calls through them fail: " + few(r.unknown)
	case len(r.bare) > 0:
		return v1alpha1.ReasonLibraryNotShown, "these proxies do not show that they have the library: " + few(r.bare)
	case r.ready == 0:
		return v1alpha1.ReasonNoProxies, "no workload of the targets has a proxy"
	}
	return v1alpha1.ReasonReady, ""
}
