package mesh

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/test/kube"
)

const (
	// proxyName and initName are the containers that istiod's webhook injects.
	proxyName = "istio-proxy"
	initName  = "istio-init"

	// libraryVolume is where proxies have the library.
	libraryVolume = "/var/lib/meltemi"
)

// create makes the pod's object, which istiod's webhook changes on its way in.
func (p *Pod) create() {
	p.t().Helper()
	n := p.Namespace
	if p.Account != "" {
		n.cluster.Apply(fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: %s, namespace: %s}}", p.Account, n.Name))
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: n.Name, Labels: p.labels(), Annotations: p.annotations()},
		Spec:       corev1.PodSpec{NodeName: "node", ServiceAccountName: p.Account},
	}
	if p.Gateway {
		pod.Spec.Containers = []corev1.Container{{Name: proxyName, Image: "auto", VolumeMounts: []corev1.VolumeMount{{Name: "meltemi", MountPath: libraryVolume}}}}
		pod.Spec.Volumes = []corev1.Volume{{Name: "meltemi", VolumeSource: libraryFolder()}}
	} else {
		app := corev1.Container{Name: "app", Image: "test/app"}
		for _, port := range p.Ports {
			app.Ports = append(app.Ports, corev1.ContainerPort{ContainerPort: int32(port)})
		}
		pod.Spec.Containers = []corev1.Container{app}
	}
	if err := n.cluster.Client.Create(p.t().Context(), pod); err != nil {
		p.t().Fatalf("pod %s: %v", p.Name, err)
	}
	n.Mesh.report(p.t(), n.Name, p.Name, p.IP, false)
}

// libraryFolder is the volume with the library.
func libraryFolder() corev1.VolumeSource {
	return corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: filepath.Dir(Built("libmeltemi.so"))}}
}

// annotations deliver the library into the sidecar, as the documentation tells users to.
func (p *Pod) annotations() map[string]string {
	all := map[string]string{}
	environment := maps.Clone(p.Environment)
	if !p.NoLibrary {
		if environment == nil {
			environment = map[string]string{}
		}
		environment["ENVOY_DYNAMIC_MODULES_SEARCH_PATH"] = libraryVolume
		environment["ISTIO_META_"+render.ProxyMark] = "true"
		all["sidecar.istio.io/userVolume"] = fmt.Sprintf(`[{"name": "meltemi", "hostPath": {"path": %q}}]`, libraryFolder().HostPath.Path)
		all["sidecar.istio.io/userVolumeMount"] = fmt.Sprintf(`[{"name": "meltemi", "mountPath": %q, "readOnly": true}]`, libraryVolume)
	}
	if len(environment) > 0 {
		config, err := yaml.Marshal(map[string]any{"proxyMetadata": environment})
		if err != nil {
			p.t().Fatal(err)
		}
		all["proxy.istio.io/config"] = string(config)
	}
	if p.Gateway {
		all["inject.istio.io/templates"] = "gateway"
	}
	maps.Copy(all, p.Annotations)
	return all
}

// report writes the status of a pod.
func (m *Mesh) report(tb testing.TB, namespace, name, ip string, ready bool) {
	tb.Helper()
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	is := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	patch := fmt.Sprintf(`{"status": {"phase": "Running", "hostIP": %q, "podIP": %q, "podIPs": [{"ip": %q}],
		"conditions": [{"type": "Ready", "status": %q}, {"type": "ContainersReady", "status": %q}]}}`, nodeIP, ip, ip, status, status)
	err := m.Client.Status().Patch(tb.Context(), is, client.RawPatch("application/strategic-merge-patch+json", []byte(patch)))
	if err != nil {
		tb.Fatalf("the status of pod %s/%s: %v", namespace, name, err)
	}
}

// startProxy runs the containers that were injected. The proxy's root is a folder of its
// own, so that its paths are those of Istio's image.
func (p *Pod) startProxy() {
	p.t().Helper()
	var pod corev1.Pod
	if err := p.Namespace.cluster.Client.Get(p.t().Context(), client.ObjectKey{Namespace: p.Namespace.Name, Name: p.Name}, &pod); err != nil {
		p.t().Fatal(err)
	}
	containers := slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
	find := func(name string) *corev1.Container {
		if i := slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == name }); i >= 0 {
			return &containers[i]
		}
		return nil
	}
	proxy, setUp := find(proxyName), find(initName)
	if proxy == nil {
		p.t().Fatalf("istiod did not inject %s into pod %s: it has %v", proxyName, p.Name, pod.Annotations)
	}
	agent := kube.Part(p.t(), "pilot-agent")
	if setUp != nil {
		if out, problems, err := p.Output(append([]string{agent}, setUp.Args...)...); err != nil {
			p.t().Fatalf("%s of pod %s: %v\n%s%s", initName, p.Name, err, out, problems)
		}
	}
	root := p.makeRoot(agent)
	for _, mount := range proxy.VolumeMounts {
		p.makeVolume(&pod, filepath.Join(root, mount.MountPath), mount)
	}
	user := int64(1337)
	if s := proxy.SecurityContext; s != nil && s.RunAsUser != nil {
		user = *s.RunAsUser
	}
	id := strconv.FormatInt(user, 10)
	environment := p.environment(&pod, proxy)
	args := []string{
		"--net=/run/netns/" + p.netns, "--root=" + root, "--wd=" + root,
		"setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "/opt/pilot-agent",
	}
	for _, arg := range proxy.Args {
		args = append(args, os.Expand(strings.NewReplacer("$(", "${", ")", "}").Replace(arg), func(name string) string { return environment[name] }))
	}
	cmd := exec.Command("nsenter", args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/"}
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	p.Proxy = kube.Begin(p.files("proxy"), cmd)
}

// environment is a container's.
func (p *Pod) environment(pod *corev1.Pod, c *corev1.Container) map[string]string {
	p.t().Helper()
	all := map[string]string{}
	for _, e := range c.Env {
		switch from := e.ValueFrom; {
		case from == nil:
			all[e.Name] = e.Value
		case from.FieldRef != nil:
			all[e.Name] = p.field(pod, from.FieldRef.FieldPath)
		case from.ResourceFieldRef != nil:
			if limit := limitOf(c, from.ResourceFieldRef.Resource); limit != nil {
				all[e.Name] = strconv.FormatInt(limit.Value(), 10)
			}
		default:
			p.t().Fatalf("pod %s: variable %s comes from what is not read here", p.Name, e.Name)
		}
	}
	return all
}

// limitOf is a limit of a container, such as limits.cpu.
func limitOf(c *corev1.Container, name string) *resource.Quantity {
	kind, what, _ := strings.Cut(name, ".")
	list := c.Resources.Limits
	if kind == "requests" {
		list = c.Resources.Requests
	}
	if q, ok := list[corev1.ResourceName(what)]; ok {
		return &q
	}
	return nil
}

// field is what Kubernetes' downward API tells of a pod.
func (p *Pod) field(pod *corev1.Pod, path string) string {
	p.t().Helper()
	lines := func(m map[string]string) string {
		var b strings.Builder
		for _, key := range slices.Sorted(maps.Keys(m)) {
			fmt.Fprintf(&b, "%s=%q\n", key, m[key])
		}
		return b.String()
	}
	switch path {
	case "metadata.name":
		return pod.Name
	case "metadata.namespace":
		return pod.Namespace
	case "metadata.labels":
		return lines(pod.Labels)
	case "metadata.annotations":
		return lines(pod.Annotations)
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName
	case "spec.nodeName":
		return pod.Spec.NodeName
	case "status.podIP":
		return pod.Status.PodIP
	case "status.hostIP":
		return pod.Status.HostIP
	}
	p.t().Fatalf("pod %s: field %s is not read here", p.Name, path)
	return ""
}

// Retire ends a pod as a roll-out does: its Service loses the endpoint, after a pause (the
// sleep before a container's end, which users of Istio set) its programs are asked to
// end, and then it is gone. The pause ends when left, a condition as Eventually has it,
// holds: that clients have left the pod. Without one there is no pause.
func (p *Pod) Retire(left func() string) {
	p.t().Helper()
	if err := p.delete(30); err != nil {
		p.t().Fatal(err)
	}
	if left != nil {
		p.Namespace.Eventually(left)
	}
	programs := p.programs()
	for _, program := range programs { // all at a time
		program.Signal(syscall.SIGTERM)
	}
	for _, program := range programs {
		program.Stop()
	}
	p.remove()
}

// programs are those that the pod has.
func (p *Pod) programs() []*kube.Process {
	return slices.DeleteFunc([]*kube.Process{p.App, p.Proxy}, func(program *kube.Process) bool { return program == nil })
}

// remove ends the pod at once.
func (p *Pod) remove() {
	if p.gone {
		return
	}
	p.gone = true
	for _, program := range p.programs() {
		program.Kill()
	}
	if err := p.delete(0); err != nil {
		p.t().Error(err)
	}
	if err := commands("ip netns delete " + p.netns); err != nil {
		p.t().Error(err)
	}
}

// delete has the pod's object deleted after some seconds of grace.
func (p *Pod) delete(grace int64) error {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace.Name, Name: p.Name}}
	return client.IgnoreNotFound(p.Namespace.cluster.Client.Delete(context.WithoutCancel(p.t().Context()), pod, client.GracePeriodSeconds(grace)))
}
