package controller

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/library"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// A deleted binding is let go when another one takes its ports, not when another one only
// wants them.
func TestOnlyWhoIsReplacedIsReleased(t *testing.T) {
	known, err := library.Parse(library.Builtin)
	if err != nil {
		t.Fatal(err)
	}
	var options translate.Options
	known.Options(&options)
	now := metav1.Now()
	binding := func(name string, codec v1alpha1.Codec) *v1alpha1.CodecBinding {
		return &v1alpha1.CodecBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: now},
			Spec: v1alpha1.CodecBindingSpec{
				TargetRefs: []v1alpha1.TargetRef{{Kind: v1alpha1.KindService, Name: "orders", Port: intstr.FromInt32(20880)}},
				Codec:      codec,
			},
		}
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"},
		Spec: corev1.ServiceSpec{
			ClusterIP: "10.0.0.1", Selector: map[string]string{"app": "orders"},
			Ports: []corev1.ServicePort{{Name: "http2-rpc", Port: 20880}},
		},
	}
	deleted := binding("a", v1alpha1.Codec{Name: "dubbo"})
	deleted.DeletionTimestamp = &now
	for _, test := range []struct {
		name     string
		others   []*v1alpha1.CodecBinding
		released bool
	}{
		{"nobody else", nil, false},
		{"another one", []*v1alpha1.CodecBinding{binding("b", v1alpha1.Codec{Name: "dubbo"})}, true},
		{"one that is refused anyway", []*v1alpha1.CodecBinding{binding("b", v1alpha1.Codec{Auto: []v1alpha1.AutoCodec{{Name: "dubbo"}, {Name: "thrift"}}})}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			all := &translate.Resources{CodecBindings: append([]*v1alpha1.CodecBinding{deleted}, test.others...), Services: []*corev1.Service{service}}
			mesh, verdicts := translate.Translate(all, options)
			released, then := releasedBindings(all, mesh, verdicts, options)
			if got := len(released) == 1; got != test.released {
				t.Errorf("released: %v, want %v", got, test.released)
			}
			if len(then.Outbound) != 1 {
				t.Errorf("%d ports are read by clients' proxies, want 1", len(then.Outbound))
			}
		})
	}
}
