package mesh

import (
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// Who the programs of the control plane are to the API server.
const (
	istiodUser     = "system:serviceaccount:istio-system:istiod"
	controllerUser = "system:serviceaccount:meltemi-system:meltemi-controller"
)

const (
	probes = nodeIP + ":8091" // of our controller
	webs   = nodeIP + ":8090" // of our controller: its metrics
)

//go:embed operator.yaml
var operator string

// Mesh is the control plane, and what a node of Kubernetes does. All tests of a package
// share it.
type Mesh struct {
	*kube.Cluster

	// Istiod and Controller are the control plane's programs.
	Istiod, Controller *kube.Process

	clients    kubernetes.Interface
	kubeconfig string // the controller's
	istiodIP   string // the ClusterIP of its Service
}

// Shared is the mesh, which the first test starts.
var Shared = sync.OnceValue(start)

// start starts everything that is not a pod.
func start() *Mesh {
	manifest := generate()
	m := &Mesh{Cluster: kube.StartWith(life, kube.Options{
		Users:   []string{istiodUser, controllerUser},
		Address: nodeIP + ":6443", ClusterIPs: clusterIPs, ServiceAccounts: true,
	})}
	var err error
	if m.clients, err = kubernetes.NewForConfig(m.Config); err != nil {
		life.Fatal(err)
	}
	m.Define()
	m.Apply("{apiVersion: v1, kind: Node, metadata: {name: node}}")
	m.namespace(m.Cluster, "istio-system", "")
	m.Apply(manifest)
	m.proxyServices()
	m.startIstiod()
	m.startController()
	return m
}

// generate is what an administrator applies to install Istio.
func generate() string {
	file := filepath.Join(life.TempDir(), "operator.yaml")
	if err := os.WriteFile(file, []byte(operator), 0o600); err != nil {
		life.Fatal(err)
	}
	cmd := exec.CommandContext(life.Context(), kube.Part(life, "istioctl"), "manifest", "generate", "-f", file,
		"-f", filepath.Join(machine.Root(life), "examples", "istio", "mesh-config.yaml"))
	cmd.Env = append(os.Environ(), "KUBECONFIG=/dev/null")
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		life.Fatalf("%v: %v\n%s", cmd.Args, err, problems.String())
	}
	return string(out)
}

// startIstiod starts istiod with its CA and its webhooks. Its Service has it as a pod.
func (m *Mesh) startIstiod() {
	m.Apply(`
apiVersion: v1
kind: Pod
metadata: {name: istiod, namespace: istio-system, labels: {app: istiod, istio: pilot, sidecar.istio.io/inject: "false"}}
spec:
  nodeName: node
  hostNetwork: true
  serviceAccountName: istiod
  containers: [{name: discovery, image: test/pilot:1.31.0}]
`)
	m.report(life, "istio-system", "istiod", nodeIP, true)
	var service corev1.Service
	if err := m.Client.Get(life.Context(), client.ObjectKey{Namespace: "istio-system", Name: "istiod"}, &service); err != nil {
		life.Fatal(err)
	}
	m.istiodIP = service.Spec.ClusterIP
	cmd := exec.Command(kube.Part(life, "pilot-discovery"), "discovery",
		"--kubeconfig", m.Kubeconfig(istiodUser), "--domain", "cluster.local", "--monitoringAddr", ":15014", "--ctrlz_port", "0")
	cmd.Dir = life.TempDir()
	cmd.Env = append(os.Environ(),
		"POD_NAME=istiod", "POD_NAMESPACE=istio-system", "CLUSTER_ID=Kubernetes", "REVISION=default",
		"PILOT_CERT_PROVIDER=istiod", // its own CA
		"PILOT_ENABLE_GATEWAY_API=false",
		"PILOT_ENABLE_METADATA_EXCHANGE=false", "PILOT_ENABLE_ALPN_FILTER=false", // filters of Istio's own Envoy
		"CLOUD_PLATFORM=none", // or it asks an address on the net which cloud this is
	)
	m.Istiod = kube.Begin(life, cmd)
	m.await("istiod", m.Istiod, "http://127.0.0.1:8080/ready")
	kube.Eventually(life, kube.Patience, func() string {
		var hook admissionregistrationv1.MutatingWebhookConfiguration
		if err := m.Client.Get(life.Context(), client.ObjectKey{Name: "istio-sidecar-injector"}, &hook); err != nil {
			return err.Error()
		}
		for i := range hook.Webhooks {
			if len(hook.Webhooks[i].ClientConfig.CABundle) == 0 {
				return "istiod has not signed its injection webhook"
			}
		}
		return ""
	})
}

// startController starts our controller, with the rights that its manifests give it.
func (m *Mesh) startController() {
	rights, err := os.ReadFile(filepath.Join(machine.Root(life), "deploy", "manifests", "rbac.yaml"))
	if err != nil {
		life.Fatal(err)
	}
	m.Apply(string(rights))
	m.kubeconfig = m.Kubeconfig(controllerUser)
	m.RestartController()
}

// RestartController ends our controller, if it runs, and starts it anew with more flags.
// Only a test that is not parallel may do that, and it does it again without flags.
func (m *Mesh) RestartController(flags ...string) {
	if m.Controller != nil {
		m.Controller.Stop()
	}
	cmd := exec.Command(Built("meltemi-controller"), append([]string{
		"--leader-election-namespace=meltemi-system", "--metrics-bind-address=" + webs, "--health-probe-bind-address=" + probes, "--log-json=false",
	}, flags...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+m.kubeconfig)
	m.Controller = kube.Begin(life, cmd)
	m.await("the controller", m.Controller, "http://"+probes+"/readyz")
}

// await waits until a program of the control plane answers that it is ready.
func (m *Mesh) await(name string, p *kube.Process, url string) {
	kube.Eventually(life, kube.Patience, func() string {
		if p.Ended() {
			life.Fatalf("%s ended", name)
		}
		request, err := http.NewRequestWithContext(life.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			return err.Error()
		}
		answer, err := kube.HTTP.Do(request)
		if err != nil {
			return err.Error()
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Sprintf("%s answers %s", name, answer.Status)
		}
		return ""
	})
}

// Built is the path of a program or library that `make build` makes.
func Built(name string) string {
	path := filepath.Join(machine.Root(life), "bin", name)
	if _, err := os.Stat(path); err != nil {
		life.Fatalf("%v (make build makes it)", err)
	}
	return path
}
