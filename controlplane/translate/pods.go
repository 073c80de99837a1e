package translate

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// podIndex finds pods without looking at all of them: a mesh has tens of thousands.
type podIndex struct {
	namespaces []string                 // that have pods, sorted
	byName     map[string]*corev1.Pod   // by namespace/name
	byLabel    map[string][]*corev1.Pod // by namespace/key=value
}

func indexPods(all []*corev1.Pod) podIndex {
	index := podIndex{byName: map[string]*corev1.Pod{}, byLabel: map[string][]*corev1.Pod{}}
	namespaces := map[string]bool{}
	for _, p := range all {
		namespaces[p.Namespace] = true
		index.byName[p.Namespace+"/"+p.Name] = p
		for key, value := range p.Labels {
			label := labelKey(p.Namespace, key, value)
			index.byLabel[label] = append(index.byLabel[label], p)
		}
	}
	index.namespaces = slices.Sorted(maps.Keys(namespaces))
	return index
}

func labelKey(namespace, key, value string) string { return namespace + "/" + key + "=" + value }

// labelled are the pods of a namespace with all of some labels, but none without labels.
// Those that have ended are not among them.
func (i *podIndex) labelled(namespace string, labels map[string]string) []*corev1.Pod {
	var fewest []*corev1.Pod
	first := true
	for key, value := range labels {
		if having := i.byLabel[labelKey(namespace, key, value)]; first || len(having) < len(fewest) {
			fewest, first = having, false
		}
	}
	var pods []*corev1.Pod
	for _, p := range fewest {
		if isSubset(labels, p.Labels) && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			pods = append(pods, p)
		}
	}
	return pods
}
