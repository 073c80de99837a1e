package controller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// TestPaced holds that work is followed by a pause, which the end of the program ends.
func TestPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		works := paced{reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) {
			return reconcile.Result{RequeueAfter: lead}, nil
		})}
		ctx, cancel := context.WithCancel(t.Context())
		begin := time.Now()
		if result, err := works.Reconcile(ctx, reconcile.Request{}); err != nil || result.RequeueAfter != lead || time.Since(begin) != settle {
			t.Errorf("the work took %v and gave %+v, %v; want %v, and what the work gave", time.Since(begin), result, err, settle)
		}
		cancel()
		begin = time.Now()
		if _, err := works.Reconcile(ctx, reconcile.Request{}); err != nil || time.Since(begin) != 0 {
			t.Errorf("at the end of the program the work took %v (%v), want no pause", time.Since(begin), err)
		}
	})
}
