package controller

import (
	"errors"
	"slices"

	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/controlplane/render"
)

// outcome is what became of the EnvoyFilters of a piece of work.
type outcome struct {
	everything error            // kept all of them from being written
	problems   []error          // of single ones
	byOwner    map[string]error // the first problem of what follows from kind/namespace/name
}

// fail notes a problem of a filter: of what is wanted, and of what there is.
func (o *outcome) fail(err error, filters ...*networkingv1alpha3.EnvoyFilter) {
	o.problems = append(o.problems, err)
	for _, f := range filters {
		o.blame(err, f)
	}
}

// blame has what a filter follows from wait for a problem to go.
func (o *outcome) blame(err error, f *networkingv1alpha3.EnvoyFilter) {
	if f == nil {
		return
	}
	for _, owner := range render.OwnersOf(f) {
		if o.byOwner[owner] == nil {
			o.byOwner[owner] = err
		}
	}
}

// keeps tells whether a filter has to stay, since another one that follows from the same
// could not be written: it may have been meant to take its place.
func (o *outcome) keeps(f *networkingv1alpha3.EnvoyFilter) bool {
	for _, owner := range render.OwnersOf(f) {
		if err := o.byOwner[owner]; err != nil {
			o.blame(err, f)
			return true
		}
	}
	return false
}

// of is the problem of what follows from a resource, nil if there is none.
func (o *outcome) of(kind string, resource client.Object) error {
	if o.everything != nil {
		return o.everything
	}
	return o.byOwner[kind+"/"+resource.GetNamespace()+"/"+resource.GetName()]
}

// isStale tells that what was read was older than what there is.
func (o *outcome) isStale() bool { return isConflict(o.err()) }

func (o *outcome) err() error { return errors.Join(append(o.problems, o.everything)...) }

// isConflict tells whether everything that went wrong is that something else was written
// in the meantime: then it is done again at once, and is no failure.
func isConflict(err error) bool {
	joined, ok := err.(interface{ Unwrap() []error }) // errors.As would look into the parts
	if !ok {
		return apierrors.IsConflict(err)
	}
	return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !isConflict(err) })
}
