package translate

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestStateOfImages has images as envoy-build/image names them, among others.
func TestStateOfImages(t *testing.T) {
	for image, want := range map[string]proxyState{
		"istio/proxyv2:1.31.0": proxyReady,
		"registry.example:5000/team/meltemi-proxyv2:1.31.0-meltemi-v0.3.0":  proxyReady,
		"registry.example:5000/team/meltemi-proxyv2:1.31.0-meltemi-0123abc": proxyReady,
		"team/meltemi-proxyv2:1.31-alpha.0123-distroless-meltemi-v0.3.0":    proxyReady,
		"team/meltemi-proxyv2:1.30.2-meltemi-v1.31.0":                       proxyOld,
		"team/meltemi-proxyv2@sha256:" + "0123456789abcdef0123456789abcdef": proxyUnknown,
	} {
		p := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{libraryLabel: "true"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: proxyContainer, Image: image}}},
		}
		if got := newTranslator(&Resources{}, Options{}).stateOf(p); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
}
