package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// Name is the controller's, also as the owner of fields.
const Name = render.Manager

// Reconciler does the work.
type Reconciler struct {
	// Client reads from the cache, and writes.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
	// Events tells users of changes of verdicts.
	Events events.EventRecorder
	// Translate and Render are what the mesh's administrator has said.
	Translate translate.Options
	Render    render.Options
}

// Reconcile does all of the work; the request names nothing. An error is repeated, with
// longer and longer pauses.
func (r *Reconciler) Reconcile(ctx context.Context, _ reconcile.Request) (ctrl.Result, error) {
	begin := time.Now() //nolint:forbidigo // how long the work takes is a metric
	result, err := r.reconcile(ctx)
	duration.Observe(time.Since(begin).Seconds())
	if err != nil {
		failures.Inc()
	}
	return result, err
}

func (r *Reconciler) reconcile(ctx context.Context) (ctrl.Result, error) {
	again := ctrl.Result{RequeueAfter: lead} // after the pause the cache will have caught up
	all, err := r.read(ctx)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading: %w", err)
	}
	held := r.hold(ctx, all) // one that cannot be held is served all the same
	if isConflict(held) {
		return again, nil
	}
	mesh, verdicts := translate.Translate(all, r.Translate)
	// What is released leaves the mesh first, and then the cluster.
	released, mesh := releasedBindings(all, mesh, verdicts, r.Translate)
	filters, err := render.EnvoyFilters(mesh, r.Render)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("rendering: %w", err)
	}
	written := r.write(ctx, filters, all)
	if written.isStale() {
		return again, nil
	}
	let := r.release(ctx, released, written)
	status := r.report(ctx, all, verdicts, written)
	log.FromContext(ctx).V(1).Info("done", "bindings", len(all.CodecBindings), "policies", len(all.RateLimitPolicies), "envoyFilters", len(filters))
	if err := errors.Join(held, written.err(), let, status); !isConflict(err) {
		return ctrl.Result{}, err
	}
	return again, nil
}
