package redis

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/controlplane/migrate"
	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// namespace is where services and clients are.
const namespace = "shop"

// meshConfig is istiod's. Nobody gives out certificates.
const meshConfig = `
trustDomain: cluster.local
rootNamespace: istio-system
enableTracing: false
enableAutoMtls: false
accessLogFile: ""
`

// mesh is a Kubernetes API and an istiod, and what is to be migrated.
type mesh struct {
	*kube.Cluster
	t   *testing.T
	ads int // where istiod gives proxies their configuration

	// network is a part of 127.0.0.0/8, with the dot at its end. It is any one, since Envoys
	// of two runs at one time would share what they listen at.
	network string
	next    int // host in the network

	before strings.Builder // Aeraki's resources, and Services
	egress []string        // of the sidecar: where it listens
}

// startMesh starts all but proxies and servers.
func startMesh(t *testing.T) *mesh {
	t.Helper()
	m := &mesh{
		Cluster: kube.Start(t), t: t, ads: machine.FreePort(t),
		network: fmt.Sprintf("127.%d.%d.", 1+rand.IntN(250), rand.IntN(250)), next: 1,
	}
	m.Define()
	for _, name := range []string{"istio-system", namespace} {
		m.Apply("{apiVersion: v1, kind: Namespace, metadata: {name: " + name + "}}")
	}
	m.istiod()
	return m
}

func (m *mesh) istiod() {
	m.t.Helper()
	config := filepath.Join(m.t.TempDir(), "mesh.yaml")
	if err := os.WriteFile(config, []byte(meshConfig), 0o600); err != nil {
		m.t.Fatal(err)
	}
	at := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
	pages := machine.FreePort(m.t)
	cmd := exec.Command(kube.Part(m.t, "pilot-discovery"), "discovery",
		"--meshConfig", config, "--kubeconfig", m.Kubeconfig("admin"), "--httpAddr", at(pages), "--grpcAddr", at(m.ads),
		"--monitoringAddr", at(machine.FreePort(m.t)), "--httpsAddr", "", "--secureGRPCAddr", "", "--ctrlz_port", "0")
	cmd.Env = append(os.Environ(), "POD_NAME=istiod-0", "POD_NAMESPACE=istio-system", "CLUSTER_ID=Kubernetes",
		"PILOT_CERT_PROVIDER=none", "ENABLE_CA_SERVER=false", "PILOT_ENABLE_GATEWAY_API=false",
		"PILOT_ENABLE_METADATA_EXCHANGE=false", "PILOT_ENABLE_ALPN_FILTER=false", // filters that only Istio's own build of Envoy has
		"INJECTION_WEBHOOK_CONFIG_NAME=", "VALIDATION_WEBHOOK_CONFIG_NAME=")
	istiod := kube.Begin(m.t, cmd)
	kube.Eventually(m.t, kube.Patience, func() string {
		if istiod.Ended() {
			m.t.Fatal("istiod ended")
		}
		status, text := get(m.t, "http://"+at(pages)+"/ready")
		if status == http.StatusOK {
			return ""
		}
		return "istiod is not ready: " + text
	})
}

// address is one that nobody else has.
func (m *mesh) address() string {
	m.next++
	return fmt.Sprint(m.network, m.next)
}

// aeraki adds resources to what is to be migrated, with %s for the values.
func (m *mesh) aeraki(format string, values ...any) {
	fmt.Fprintf(&m.before, "---\n"+format+"\n", values...)
}

// service adds a service of servers at ports of 127.0.0.1, and returns its address. Where
// nothing is intercepted, a Sidecar tells that proxies listen at it.
func (m *mesh) service(name, portName string, port int, servers ...string) string {
	address, ends := m.address(), make([]string, len(servers))
	for i, server := range servers {
		ends[i] = fmt.Sprintf("{address: 127.0.0.1, ports: {%s: %s}}", portName, server)
	}
	m.aeraki(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  hosts: [%[1]s.%[2]s.svc.cluster.local]
  addresses: [%[3]s]
  ports: [{name: %[4]s, number: %[5]d, protocol: TCP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [%[6]s]`, name, namespace, address, portName, port, strings.Join(ends, ", "))
	m.egress = append(m.egress, fmt.Sprintf("{port: {number: %d, name: %s, protocol: TCP}, bind: %s, captureMode: NONE, hosts: [./%s.%s.svc.cluster.local]}",
		port, portName, address, name, namespace))
	return address
}

// migrate migrates what was added, and applies it as a user would: what is not Aeraki's
// own, and over it what came of it, which it returns.
func (m *mesh) migrate() string {
	m.t.Helper()
	var input migrate.Input
	if err := input.Read("before.yaml", strings.NewReader(m.before.String())); err != nil {
		m.t.Fatal(err)
	}
	result, err := migrate.Migrate(&input, migrate.Options{Codecs: []string{"brpc", "dubbo", "thrift"}})
	if err != nil {
		m.t.Fatal(err)
	}
	for _, u := range m.Documents(m.before.String()) {
		if strings.Contains(u.GetAPIVersion(), "aeraki.io") {
			continue
		}
		if err := m.TryApply(u); err != nil {
			m.t.Fatalf("%s %s: %v", u.GetKind(), u.GetName(), err)
		}
	}
	var after strings.Builder
	for _, made := range result.Manifests {
		after.WriteString("---\n")
		after.Write(made.Text)
	}
	m.Apply(after.String())
	if len(m.egress) > 0 {
		m.Apply(fmt.Sprintf(`
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: clients, namespace: %s}
spec: {egress: [%s]}`, namespace, strings.Join(m.egress, ", ")))
	}
	m.before.Reset()
	return after.String()
}
