package controller

import (
	"testing"

	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// With --cascade=foreground the garbage collector deletes what a binding that is held
// owns, and the controller would write it again.
func TestWhatIsAboutToGoOwnsNothing(t *testing.T) {
	binding := &v1alpha1.CodecBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders", UID: "1"}}
	all := &translate.Resources{CodecBindings: []*v1alpha1.CodecBinding{binding}}
	filter := &networkingv1alpha3.EnvoyFilter{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Annotations: map[string]string{render.OwnersAnnotation: "CodecBinding/shop/orders"},
	}}
	if refs := ownersOf(filter, uidsOf(all)); len(refs) != 1 || refs[0].UID != "1" {
		t.Errorf("owners are %v", refs)
	}
	now := metav1.Now()
	binding.DeletionTimestamp = &now
	if refs := ownersOf(filter, uidsOf(all)); len(refs) != 0 {
		t.Errorf("owners are %v, while the binding is deleted", refs)
	}
}
