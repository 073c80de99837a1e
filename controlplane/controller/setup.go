package controller

import (
	"context"
	"time"

	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

const (
	// lead is how long changes are collected before they are worked on. istiod waits 100ms
	// after a change for more: what follows from one is to reach proxies together with it.
	// A port that is declared HTTP/2 without its filters refuses calls until they come.
	lead = 20 * time.Millisecond
	// settle is the pause between two pieces of work, in which changes are collected too.
	settle = 200 * time.Millisecond
	// longestPause is the longest one before work that failed is repeated.
	longestPause = time.Minute
)

// NewScheme knows all kinds that the controller handles.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		v1alpha1.AddToScheme, corev1.AddToScheme, discoveryv1.AddToScheme, networkingv1.AddToScheme, networkingv1alpha3.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return scheme, nil
}

// Setup has a manager run the reconciler.
func (r *Reconciler) Setup(m ctrl.Manager) error {
	all := enqueue{}
	return ctrl.NewControllerManagedBy(m).Named("meltemi").
		Watches(&v1alpha1.CodecBinding{}, all).
		Watches(&v1alpha1.RateLimitPolicy{}, all).
		Watches(&corev1.Service{}, all).
		Watches(&corev1.Pod{}, all).
		Watches(&discoveryv1.EndpointSlice{}, all).
		Watches(&networkingv1.ServiceEntry{}, all).
		Watches(&networkingv1.WorkloadEntry{}, all).
		Watches(&networkingv1.Gateway{}, all).
		Watches(&networkingv1alpha3.EnvoyFilter{}, all).
		WatchesMetadata(&corev1.Namespace{}, all). // a filter may have waited for one
		WithOptions(ctrlcontroller.Options{
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](settle, longestPause),
		}).
		Complete(paced{r})
}

// paced pauses after each piece of work, so that a stream of changes does not keep the
// machine busy.
type paced struct{ reconcile.Reconciler }

// Reconcile implements reconcile.Reconciler.
func (p paced) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	result, err := p.Reconciler.Reconcile(ctx, request)
	pause := time.NewTimer(settle)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
	return result, err
}

// enqueue turns every change into the one piece of work, after a moment in which others
// join it.
type enqueue struct{}

var _ handler.EventHandler = enqueue{}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// Create implements handler.EventHandler.
func (enqueue) Create(_ context.Context, _ event.CreateEvent, q queue) { add(q) }

// Update implements handler.EventHandler. A status that was written is no change.
func (enqueue) Update(_ context.Context, e event.UpdateEvent, q queue) {
	switch e.ObjectNew.(type) {
	case *v1alpha1.CodecBinding, *v1alpha1.RateLimitPolicy:
		if e.ObjectNew.GetGeneration() == e.ObjectOld.GetGeneration() &&
			e.ObjectNew.GetDeletionTimestamp().Equal(e.ObjectOld.GetDeletionTimestamp()) &&
			e.ObjectNew.GetAnnotations()[ForceRemoval] == e.ObjectOld.GetAnnotations()[ForceRemoval] &&
			len(e.ObjectNew.GetFinalizers()) == len(e.ObjectOld.GetFinalizers()) {
			return
		}
	}
	add(q)
}

// Delete implements handler.EventHandler.
func (enqueue) Delete(_ context.Context, _ event.DeleteEvent, q queue) { add(q) }

// Generic implements handler.EventHandler.
func (enqueue) Generic(_ context.Context, _ event.GenericEvent, q queue) { add(q) }

func add(q queue) {
	q.AddAfter(reconcile.Request{NamespacedName: client.ObjectKey{Name: "mesh"}}, lead)
}
