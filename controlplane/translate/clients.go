package translate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// silent are the proxies that a version gate leaves out: what is beside them makes calls
// that Istio's own listener takes for broken HTTP.
type silent struct {
	old, unknown []string // pods, as namespace/name
}

// silentIn are those of each namespace with pods.
func silentIn(pods []*corev1.Pod, stateOf func(*corev1.Pod) proxyState) map[string]*silent {
	all := map[string]*silent{}
	for _, p := range pods {
		in := all[p.Namespace]
		if in == nil {
			in = &silent{}
			all[p.Namespace] = in
		}
		switch name := p.Namespace + "/" + p.Name; stateOf(p) {
		case proxyOld:
			in.old = append(in.old, name)
		case proxyUnknown:
			in.unknown = append(in.unknown, name)
		case proxyReady, proxyNone, proxyBare: // left out by nobody, or on purpose
		}
	}
	return all
}

// silentClients says which proxies of possible clients are left out, "" if none is. Who
// calls is not known, so it is no reason to call a binding not ready.
func (t *translator) silentClients(claims []*claim, told *proxyReport) string {
	namespaces := t.clientNamespaces(claims)
	if len(told.old) > 0 || len(told.unknown) > 0 {
		return t.leftOut(namespaces, told)
	}
	key := strings.Join(namespaces, ",") // the same for most of a mesh's thousands
	if _, known := t.silentTexts[key]; !known {
		t.silentTexts[key] = t.leftOut(namespaces, told)
	}
	return t.silentTexts[key]
}

// leftOut names the proxies of namespaces that are left out, but for those that were told
// of already.
func (t *translator) leftOut(namespaces []string, told *proxyReport) string {
	var found silent
	for _, namespace := range namespaces {
		if in := t.silent[namespace]; in != nil {
			found.old = append(found.old, in.old...)
			found.unknown = append(found.unknown, in.unknown...)
		}
	}
	untold := func(names, told []string) []string {
		return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(told, name) })
	}
	var old, unknown string
	if names := untold(found.old, told.old); len(names) > 0 {
		old = "should they call it, their calls fail, since these proxies are older than Istio 1.31: " + few(names)
	}
	if names := untold(found.unknown, told.unknown); len(names) > 0 {
		unknown = "should they call it, the images of these proxies do not tell their version, without which their calls fail: " + few(names)
	}
	return sentences(old, unknown)
}

// clientNamespaces are the namespaces whose clients may call targets, sorted.
func (t *translator) clientNamespaces(claims []*claim) []string {
	var all []string
	for _, namespace := range t.pods.namespaces {
		isExported := slices.ContainsFunc(claims, func(c *claim) bool {
			return c.kind != v1alpha1.KindGateway && (c.exportTo == nil || slices.Contains(c.exportTo, namespace))
		})
		if isExported && t.mayServe(namespace) {
			all = append(all, namespace)
		}
	}
	return all
}

// sentences puts two sentences into one text; each may be empty.
func sentences(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
