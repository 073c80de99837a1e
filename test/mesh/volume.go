package mesh

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// proxyUser is the user of istio-proxy, to whom its files belong.
const proxyUser = 1337

// makeRoot makes what Istio's image has, as far as a proxy needs it: the programs, Envoy's
// bootstrap template, and the system's libraries.
func (p *Pod) makeRoot(agent string) string {
	p.t().Helper()
	root := filepath.Join(os.Getenv(workDir), "pods", p.netns) // nobody removes it, with what is shown in it
	p.folder(root)
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if target, err := os.Readlink("/" + name); err == nil {
			p.must(os.Symlink(target, filepath.Join(root, name)))
		} else if _, err := os.Stat("/" + name); err == nil {
			p.bind("/"+name, filepath.Join(root, name))
		}
	}
	for _, name := range []string{"usr", "dev", "proc"} {
		p.bind("/"+name, filepath.Join(root, name))
	}
	p.bind(agent, filepath.Join(root, "opt", "pilot-agent"))
	p.bind(envoy(p.t(), p.Envoy), filepath.Join(root, "opt", "envoy"))
	p.write(filepath.Join(root, "etc", "hosts"), fmt.Sprintf("127.0.0.1 localhost\n%s istiod.istio-system.svc\n", p.Namespace.Mesh.istiodIP))
	template, err := os.ReadFile(kube.Part(p.t(), "istio-bootstrap.json"))
	p.must(err)
	p.write(filepath.Join(root, "var", "lib", "istio", "envoy", "envoy_bootstrap_tmpl.json"), string(template))
	p.folder(filepath.Join(root, "tmp"))
	return root
}

// makeVolume makes what a container has mounted.
func (p *Pod) makeVolume(pod *corev1.Pod, target string, mount corev1.VolumeMount) {
	p.t().Helper()
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.Name != mount.Name {
			continue
		}
		switch {
		case v.HostPath != nil:
			p.bind(v.HostPath.Path, target)
		case v.EmptyDir != nil:
			p.folder(target)
		case v.ConfigMap != nil:
			p.configMap(v.ConfigMap.Name, target, v.ConfigMap.Optional != nil && *v.ConfigMap.Optional)
		case v.DownwardAPI != nil:
			p.downward(pod, target, v.DownwardAPI.Items)
		case v.Projected != nil:
			for i := range v.Projected.Sources {
				p.projection(pod, target, &v.Projected.Sources[i])
			}
		default:
			p.t().Fatalf("pod %s: volume %s is of a kind that is not made here", p.Name, v.Name)
		}
		return
	}
	p.t().Fatalf("pod %s has no volume %s", p.Name, mount.Name)
}

func (p *Pod) projection(pod *corev1.Pod, target string, source *corev1.VolumeProjection) {
	p.t().Helper()
	switch {
	case source.ServiceAccountToken != nil:
		p.write(filepath.Join(target, source.ServiceAccountToken.Path), p.token(pod, source.ServiceAccountToken))
	case source.ConfigMap != nil:
		p.configMap(source.ConfigMap.Name, target, false)
	case source.DownwardAPI != nil:
		p.downward(pod, target, source.DownwardAPI.Items)
	default:
		p.t().Fatalf("pod %s: a projected volume has a source that is not made here", p.Name)
	}
}

// token is one of the pod's service account, which ends with the pod.
func (p *Pod) token(pod *corev1.Pod, source *corev1.ServiceAccountTokenProjection) string {
	p.t().Helper()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: source.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
	}}
	if source.Audience != "" {
		request.Spec.Audiences = []string{source.Audience}
	}
	answer, err := p.Namespace.Mesh.clients.CoreV1().ServiceAccounts(pod.Namespace).
		CreateToken(p.t().Context(), pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	p.must(err)
	return answer.Status.Token
}

func (p *Pod) downward(pod *corev1.Pod, target string, items []corev1.DownwardAPIVolumeFile) {
	p.t().Helper()
	for i := range items {
		if items[i].FieldRef == nil {
			p.t().Fatalf("pod %s: file %s is no field", p.Name, items[i].Path)
		}
		p.write(filepath.Join(target, items[i].Path), p.field(pod, items[i].FieldRef.FieldPath))
	}
}

// configMap writes the files of a ConfigMap, which istiod may be about to make.
func (p *Pod) configMap(name, target string, optional bool) {
	p.t().Helper()
	p.folder(target)
	var c corev1.ConfigMap
	kube.Eventually(p.t(), kube.Patience, func() string {
		err := p.Namespace.cluster.Client.Get(p.t().Context(), client.ObjectKey{Namespace: p.Namespace.Name, Name: name}, &c)
		if err != nil && (!optional || !apierrors.IsNotFound(err)) {
			return err.Error()
		}
		return ""
	})
	for file, text := range c.Data {
		p.write(filepath.Join(target, file), text)
	}
}

// bind shows a file or folder in another place, to be read only, until the pod is removed.
func (p *Pod) bind(source, target string) {
	p.t().Helper()
	source, err := filepath.EvalSymlinks(source)
	p.must(err)
	info, err := os.Stat(source)
	p.must(err)
	if info.IsDir() {
		p.folder(target)
	} else {
		p.write(target, "")
	}
	p.must(syscall.Mount(source, target, "", syscall.MS_BIND, ""))
	p.must(syscall.Mount("", target, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	p.t().Cleanup(func() { p.must(syscall.Unmount(target, syscall.MNT_DETACH)) })
}

// folder makes a folder of the proxy's, and those above it.
func (p *Pod) folder(path string) {
	p.t().Helper()
	p.must(os.MkdirAll(path, 0o755))
	p.must(os.Chown(path, proxyUser, proxyUser))
}

func (p *Pod) write(path, text string) {
	p.t().Helper()
	p.folder(filepath.Dir(path))
	p.must(os.WriteFile(path, []byte(text), 0o644))
	p.must(os.Chown(path, proxyUser, proxyUser))
}

func (p *Pod) must(err error) {
	p.t().Helper()
	if err != nil {
		p.t().Fatalf("pod %s: %v", p.Name, err)
	}
}

// envoy is the path of an Envoy that `make envoy` has fetched: the newest without a version.
func envoy(tb testing.TB, version string) string {
	tb.Helper()
	all, err := filepath.Glob(filepath.Join(machine.Root(tb), ".cache", "envoy", cmp.Or(version, "*"), "envoy"))
	if err != nil || len(all) == 0 {
		tb.Fatalf("there is no Envoy %s: run `make envoy`", version)
	}
	return all[len(all)-1] // their versions sort as texts do
}
