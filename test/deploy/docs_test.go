package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/test/kube"
)

// block is the example of a file in docs/istio.md, which begins with its name.
func block(t *testing.T, file string) string {
	t.Helper()
	_, text, found := strings.Cut(read(t, "docs/istio.md"), "\n```yaml\n# "+file+"\n")
	text, _, closed := strings.Cut(text, "\n```\n")
	if !found || !closed {
		t.Fatalf("docs/istio.md has no example %s", file)
	}
	return text
}

// command is the line of docs/istio.md that begins with some words, without its comment.
func command(t *testing.T, words string) string {
	t.Helper()
	_, text, found := strings.Cut(read(t, "docs/istio.md"), "\n"+words)
	line, _, _ := strings.Cut(text, "\n")
	if !found {
		t.Fatalf("docs/istio.md has no command %s", words)
	}
	line, _, _ = strings.Cut(line, " #")
	return words + line
}

// helmFor is a command of docs/istio.md for Helm, with the chart of another folder.
func helmFor(t *testing.T, words, chart string) []string {
	t.Helper()
	args := strings.Fields(command(t, words))[1:]
	args[slices.Index(args, "deploy/helm/meltemi")] = chart
	return args
}

// before is the service of docs/istio.md as it is without Meltemi.
const before = `
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop}
spec:
  selector: {app: orders}
  ports: [{name: rpc, port: 20880}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec: {containers: [{name: orders, image: orders}]}
`

// documented does what docs/istio.md says. What it says of Helm is done elsewhere.
func (c *cluster) documented() {
	c.t.Helper()
	c.Apply(before)
	for _, file := range []string{"route.yaml", "edge.yaml", "gateway.yaml"} {
		for _, u := range c.Documents(block(c.t, file)) {
			if err := c.Client.Create(c.t.Context(), u, client.DryRunAll); err != nil {
				c.t.Errorf("%s: %v", file, err)
			}
		}
	}
	c.injected()

	c.starts(2)
	c.Apply(block(c.t, "binding.yaml"))
	c.becomes(v1alpha1.ConditionAccepted, v1alpha1.ReasonPortNotDeclared, "")
	patch := regexp.MustCompile(`'(\[.*\])'`).FindStringSubmatch(command(c.t, "kubectl -n shop patch service"))
	orders := &corev1.Service{}
	orders.Namespace, orders.Name = "shop", "orders"
	if err := c.Client.Patch(c.t.Context(), orders, client.RawPatch(types.JSONPatchType, []byte(patch[1]))); err != nil {
		c.t.Fatal(err)
	}
	c.becomes(v1alpha1.ConditionProgrammed, v1alpha1.ReasonProgrammed, "")
	c.filters(follows("istio-system")...)
	c.stops()
}

// injected has Istio's injection make pods of the examples, and the server judge them.
func (c *cluster) injected() {
	c.t.Helper()
	settings := injection(c.t)
	for _, example := range []struct {
		file, environment string
		first             string // that starts before the proxy
		image             string // of the proxy, or of the volume
	}{
		{"library.yaml", "", "", "registry.example/mesh/meltemi-library:v0.1.0"},
		{"library.yaml", "ENABLE_NATIVE_SIDECARS=true", "", "registry.example/mesh/meltemi-library:v0.1.0"},
		{"library-init.yaml", "ENABLE_NATIVE_SIDECARS=true", "meltemi-library", ""},
		{"image.yaml", "", "", "registry.example/mesh/meltemi-proxyv2:1.31.0-meltemi-v0.1.0"},
		{"gateway.yaml", "", "", "registry.example/mesh/meltemi-library:v0.1.0"},
	} {
		input := block(c.t, example.file)
		if !strings.Contains(input, "kind: Deployment") {
			input = c.patched(input)
		}
		pod := c.inject(settings, input, example.environment)
		if err := c.Client.Create(c.t.Context(), pod.DeepCopy(), client.DryRunAll); err != nil {
			c.t.Errorf("%s: %v", example.file, err)
		}
		order := slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
		at := slices.IndexFunc(order, func(c corev1.Container) bool { return c.Name == "istio-proxy" })
		if at < 0 {
			c.t.Fatalf("%s: there is no proxy in %v", example.file, pod.Spec)
		}
		if example.first != "" && !slices.ContainsFunc(order[:at], func(c corev1.Container) bool { return c.Name == example.first }) {
			c.t.Errorf("%s: %s does not start before the proxy", example.file, example.first)
		}
		proxy := &order[at]
		if example.file == "image.yaml" { // which has the variables
			if proxy.Image != example.image || pod.Labels["meltemi.dev/library"] != "true" {
				c.t.Errorf("%s: the proxy's image is %s, the labels are %v", example.file, proxy.Image, pod.Labels)
			}
			continue
		}
		// What is for clients is for proxies that say so; a gateway is selected.
		mark := corev1.EnvVar{Name: "ISTIO_META_" + render.ProxyMark, Value: "true"}
		if example.file != "gateway.yaml" && !slices.Contains(proxy.Env, mark) {
			c.t.Errorf("%s: the proxy does not say that it has the library: %v", example.file, proxy.Env)
		}
		folder := "/var/lib/meltemi"
		if !slices.Contains(proxy.Env, corev1.EnvVar{Name: "ENVOY_DYNAMIC_MODULES_SEARCH_PATH", Value: folder}) ||
			!slices.ContainsFunc(proxy.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "meltemi" && m.MountPath == folder && m.ReadOnly }) {
			c.t.Errorf("%s: the proxy does not find the library: %v %v", example.file, proxy.Env, proxy.VolumeMounts)
		}
		if !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
			return v.Name == "meltemi" && (example.image == "" && v.EmptyDir != nil || v.Image != nil && v.Image.Reference == example.image)
		}) {
			c.t.Errorf("%s: the volumes are %v", example.file, pod.Spec.Volumes)
		}
	}
}

// patched is the Deployment of the service with a patch, as kubectl would do it.
func (c *cluster) patched(patch string) string {
	c.t.Helper()
	text, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		c.t.Fatal(err)
	}
	d := &appsv1.Deployment{}
	d.Namespace, d.Name = "shop", "orders"
	if err := c.Client.Patch(c.t.Context(), d, client.RawPatch(types.StrategicMergePatchType, text), client.DryRunAll); err != nil {
		c.t.Fatalf("%v in\n%s", err, patch)
	}
	d.APIVersion, d.Kind = "apps/v1", "Deployment"
	out, err := yaml.Marshal(d)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(out)
}

// inject is a pod of a Deployment as Istio's injection makes it.
func (c *cluster) inject(settings []string, deployment, environment string) *corev1.Pod {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), kube.Part(c.t, "istioctl"), slices.Concat([]string{"kube-inject", "-f", "-"}, settings)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig("admin"), environment)
	cmd.Stdin = strings.NewReader(deployment)
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("istioctl kube-inject: %v", err)
	}
	var d appsv1.Deployment
	if err := yaml.Unmarshal(marshal(c.t, c.Documents(string(out))[0]), &d); err != nil {
		c.t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: d.Spec.Template.ObjectMeta, Spec: d.Spec.Template.Spec}
	pod.Namespace, pod.Name = "shop", "pod"
	pod.Spec.ServiceAccountName = "default" // as Kubernetes says where nothing is said
	return pod
}

// injection are the flags with which istioctl injects as an Istio does that it installs.
func injection(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), kube.Part(t, "istioctl"), "manifest", "generate", "--set", "profile=minimal").Output()
	if err != nil {
		t.Fatalf("istioctl manifest generate: %v", err)
	}
	var flags []string
	for doc := range strings.SplitSeq(string(out), "\n---") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
			t.Fatal(err)
		}
		for flag, source := range map[string][2]string{
			"--injectConfigFile": {"istio-sidecar-injector", "config"},
			"--valuesFile":       {"istio-sidecar-injector", "values"},
			"--meshConfigFile":   {"istio", "mesh"},
		} {
			text, found, _ := unstructured.NestedString(u.Object, "data", source[1])
			if u.GetKind() != "ConfigMap" || u.GetName() != source[0] || !found {
				continue
			}
			file := filepath.Join(t.TempDir(), "settings")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			flags = append(flags, flag, file)
		}
	}
	if len(flags) != 6 {
		t.Fatalf("istioctl manifest generate gives %q only", flags)
	}
	return flags
}
