package translate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// Key names a resource of this API.
type Key struct {
	Kind, Namespace, Name string
}

// Verdict is what became of a binding or policy.
type Verdict struct {
	// Reason is ReasonAccepted, or why it is not accepted; Message says it in words.
	Reason, Message string
	// Serves tells that proxies read a target by this binding: calls to it need it.
	Serves bool
	// Proxies is the reason of the condition ProxiesReady, "" for a policy, and
	// ProxiesMessage its words.
	Proxies, ProxiesMessage string
	// Targets are in the order of targetRefs.
	Targets []v1alpha1.TargetStatus
	// TargetReasons are why targets are not served, by their place in targetRefs.
	TargetReasons map[int]string `json:"-"`
}

// Accepted tells whether all of it will be done.
func (v *Verdict) Accepted() bool { return v.Reason == v1alpha1.ReasonAccepted }

// newVerdict is a verdict that nothing speaks against yet.
func newVerdict(refs []v1alpha1.TargetRef) *Verdict {
	v := &Verdict{Reason: v1alpha1.ReasonAccepted}
	for _, r := range refs {
		v.Targets = append(v.Targets, v1alpha1.TargetStatus{Kind: r.Kind, Name: r.Name})
	}
	return v
}

// refuse notes why something is not accepted. The first reason stays, all are told.
func (v *Verdict) refuse(reason, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if v.Accepted() {
		v.Reason, v.Message = reason, message
	} else if !strings.Contains(v.Message, message) {
		v.Message += "; " + message
	}
}

// refuseTarget notes why a target is not served.
func (v *Verdict) refuseTarget(i int, reason, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	t := &v.Targets[i]
	t.Message = message
	if v.TargetReasons == nil {
		v.TargetReasons = map[int]string{}
	}
	v.TargetReasons[i] = reason
	v.refuse(reason, "%s %s: %s", t.Kind, t.Name, message)
}

// few lists names in words, and how many more there are.
func few(names []string) string {
	const most = 3
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
