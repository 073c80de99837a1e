package deploy

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// cluster is a Kubernetes API with Istio's definitions, and Helm for it.
type cluster struct {
	*kube.Cluster
	*helm
	t       *testing.T
	running []*kube.Process // controllers
	audit   string          // a file with what was asked of the API server
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	audit := filepath.Join(t.TempDir(), "audit.log")
	k := kube.StartWith(t, kube.Options{Audit: audit})
	k.DefineIstio()
	for _, name := range []string{"istio-system", "shop", "web"} {
		k.Apply("{apiVersion: v1, kind: Namespace, metadata: {name: " + name + "}}")
	}
	return &cluster{Cluster: k, helm: newHelm(t, k.Kubeconfig("admin")), t: t, audit: audit}
}

// starts runs what the Deployment in the cluster says, as its ServiceAccount: as many as
// there are replicas, with its arguments and the files of its ConfigMaps. Only the
// addresses are others, on loopback.
func (c *cluster) starts(replicas int) {
	c.t.Helper()
	var d appsv1.Deployment
	c.get(namespace+"/meltemi-controller", &d)
	pod := &d.Spec.Template.Spec
	container := &pod.Containers[0]
	args := slices.Clone(container.Args)
	for _, m := range container.VolumeMounts {
		dir := c.files(pod.Volumes, m.Name)
		for i := range args {
			args[i] = strings.Replace(args[i], "="+m.MountPath+"/", "="+dir+"/", 1)
		}
	}
	for _, p := range container.Ports {
		if flag := fmt.Sprintf("-bind-address=:%d", p.ContainerPort); !slices.ContainsFunc(args, func(arg string) bool { return strings.HasSuffix(arg, flag) }) {
			c.t.Errorf("the controller does not listen at its port %s, %d: %q", p.Name, p.ContainerPort, args)
		}
	}
	kubeconfig := c.tokenOf(pod.ServiceAccountName)
	if int(*d.Spec.Replicas) != replicas {
		c.t.Errorf("the Deployment has %d replicas, want %d", *d.Spec.Replicas, replicas)
	}
	for range replicas {
		probes := fmt.Sprintf("127.0.0.1:%d", machine.FreePort(c.t))
		cmd := exec.Command(built(c.t, "meltemi-controller"), slices.Concat(args,
			[]string{fmt.Sprintf("--metrics-bind-address=127.0.0.1:%d", machine.FreePort(c.t)), "--health-probe-bind-address=" + probes})...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
		p := kube.Begin(c.t, cmd)
		c.running = append(c.running, p)
		for _, probe := range []*corev1.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
			kube.Eventually(c.t, kube.Patience, func() string {
				if p.Ended() {
					c.t.Fatal("the controller ended")
				}
				if probe.HTTPGet.Port.StrVal != "probes" {
					c.t.Fatalf("a probe asks port %s", probe.HTTPGet.Port.StrVal)
				}
				answer, err := kube.HTTP.Get("http://" + probes + probe.HTTPGet.Path)
				if err != nil {
					return err.Error()
				}
				_ = answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					return probe.HTTPGet.Path + ": " + answer.Status
				}
				return ""
			})
		}
	}
}

// stops ends the controllers, and sees to it that they were never refused anything.
func (c *cluster) stops() {
	c.t.Helper()
	for _, p := range c.running {
		p.Stop()
		for line := range strings.Lines(p.Output()) {
			if strings.Contains(line, "forbidden") {
				c.t.Errorf("the controller says %s", line)
			}
		}
	}
	c.running = nil
}

// files writes the files of a volume that is a ConfigMap.
func (c *cluster) files(volumes []corev1.Volume, name string) string {
	c.t.Helper()
	at := slices.IndexFunc(volumes, func(v corev1.Volume) bool { return v.Name == name })
	if at < 0 || volumes[at].ConfigMap == nil {
		c.t.Fatalf("the pod has no ConfigMap as volume %s", name)
	}
	var config corev1.ConfigMap
	c.get(namespace+"/"+volumes[at].ConfigMap.Name, &config)
	dir := c.t.TempDir()
	for file, text := range config.Data {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	return dir
}

// tokenOf is a kubeconfig with a token of a ServiceAccount, as a pod of it has one.
func (c *cluster) tokenOf(account string) string {
	c.t.Helper()
	var request authenticationv1.TokenRequest
	of := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: account}}
	if err := c.Client.SubResource("token").Create(c.t.Context(), of, &request); err != nil {
		c.t.Fatal(err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: c.Config.Host, InsecureSkipTLSVerify: true}
	config.AuthInfos["pod"] = &clientcmdapi.AuthInfo{Token: request.Status.Token}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "pod"}
	config.CurrentContext = "test"
	path := filepath.Join(c.t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// get reads an object by namespace/name.
func (c *cluster) get(key string, o client.Object) {
	c.t.Helper()
	in, name, _ := strings.Cut(key, "/")
	if err := c.Client.Get(c.t.Context(), client.ObjectKey{Namespace: in, Name: name}, o); err != nil {
		c.t.Fatal(err)
	}
}

// orders is the CodecBinding of shop/orders, nil if there is none.
func (c *cluster) orders() *v1alpha1.CodecBinding {
	c.t.Helper()
	var b v1alpha1.CodecBinding
	err := c.Client.Get(c.t.Context(), client.ObjectKey{Namespace: "shop", Name: "orders"}, &b)
	if client.IgnoreNotFound(err) != nil {
		c.t.Fatal(err)
	}
	if err != nil {
		return nil
	}
	return &b
}

// becomes waits until a condition of the binding of shop/orders has a reason and a message
// that begins with some text.
func (c *cluster) becomes(kind, reason, message string) {
	c.t.Helper()
	kube.Eventually(c.t, kube.Patience, func() string {
		b := c.orders()
		if b == nil {
			return "there is no CodecBinding"
		}
		is := meta.FindStatusCondition(b.Status.Conditions, kind)
		if is == nil || is.Reason != reason || !strings.HasPrefix(is.Message, message) || is.ObservedGeneration != b.Generation {
			return fmt.Sprintf("the CodecBinding has %+v, want %s, %s %q", b.Status.Conditions, kind, reason, message)
		}
		return ""
	})
}

// filters waits until the EnvoyFilters with the controller's label are those, by
// namespace/name, and returns them.
func (c *cluster) filters(want ...string) map[string]*networkingv1alpha3.EnvoyFilter {
	c.t.Helper()
	all := map[string]*networkingv1alpha3.EnvoyFilter{}
	kube.Eventually(c.t, kube.Patience, func() string {
		var list networkingv1alpha3.EnvoyFilterList
		if err := c.Client.List(c.t.Context(), &list, client.MatchingLabels{render.ManagedBy: render.Manager}); err != nil {
			return err.Error()
		}
		clear(all)
		for _, f := range list.Items {
			all[f.Namespace+"/"+f.Name] = f
		}
		if have := slices.Sorted(maps.Keys(all)); !slices.Equal(have, slices.Sorted(slices.Values(want))) {
			return fmt.Sprintf("there are the EnvoyFilters %q, want %q", have, want)
		}
		return ""
	})
	return all
}

// built is the path of a program that `make build` makes.
func built(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(machine.Root(t), "bin", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v (make build makes it)", err)
	}
	return path
}
