package redis

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/controlplane/library"
	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// TestGateway has a MetaRouter for a gateway and for sidecars. It becomes two
// VirtualServices, of which a gateway in Istio goes by its own.
func TestGateway(t *testing.T) {
	const port = 9090
	m := startMesh(t)
	address := m.address()
	m.aeraki(`
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gateway, namespace: shop}
spec:
  selector: {app: router}
  servers: [{hosts: ["*"], bind: %[1]s, port: {name: tcp-metaprotocol-thrift, number: %[2]d, protocol: TCP}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: orders, namespace: shop}
spec:
  hosts: [orders.shop.svc.cluster.local]
  addresses: [%[3]s]
  ports: [{name: tcp-metaprotocol-thrift, number: %[2]d, protocol: TCP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints:
  - {address: 127.0.0.1, ports: {tcp-metaprotocol-thrift: %[4]s}, labels: {version: v1}}
  - {address: 127.0.0.1, ports: {tcp-metaprotocol-thrift: %[5]s}, labels: {version: v2}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: orders, namespace: shop}
spec:
  host: orders.shop.svc.cluster.local
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: {name: orders, namespace: shop}
spec:
  hosts: [orders.shop.svc.cluster.local]
  gateways: [shop/gateway]
  routes:
  - {match: {attributes: {method: {exact: get}}}, route: [{destination: {host: orders.shop.svc.cluster.local, subset: v1}}]}
  - {route: [{destination: {host: orders.shop.svc.cluster.local, subset: v2}}]}`,
		address, port, m.address(), serve(t, "v1"), serve(t, "v2"))
	m.Apply(filters(t, m.migrate()))

	for _, version := range versions {
		p := m.startProxy(t, version, "router")
		p.awaitFilter(address, port, "envoy.filters.network.dynamic_modules")
		for method, want := range map[string]string{"get": "v1", "put": "v2"} {
			kube.Eventually(t, kube.Patience, func() string { // routes come after listeners
				out, err := exec.CommandContext(t.Context(), built(t, "meltemi"), "call", "thrift", fmt.Sprintf("%s:%d", address, port), method).CombinedOutput()
				if err != nil || !strings.Contains(string(out), want) {
					return fmt.Sprintf("%s: %s: %v: %s", version, method, err, out)
				}
				return ""
			})
			stat := fmt.Sprintf("cluster.outbound|%d|%s|orders.shop.svc.cluster.local;.upstream_rq_completed", port, want)
			if p.stat(stat) != 1 {
				t.Errorf("%s: %s=%d, want 1", version, stat, p.stat(stat))
			}
		}
		p.mustAccept()
		p.Stop() // the next one listens at the same address
	}
}

// filters are what the controller makes of manifests.
func filters(t *testing.T, manifests string) string {
	t.Helper()
	r, err := manifest.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Read("migrated", strings.NewReader(manifests)); err != nil {
		t.Fatal(err)
	}
	known, err := library.Parse(library.Builtin)
	if err != nil {
		t.Fatal(err)
	}
	var options translate.Options
	known.Options(&options)
	mesh, verdicts := translate.Translate(r.Resources(), options)
	for key, v := range verdicts {
		if !v.Accepted() {
			t.Errorf("%s %s: %s: %s", key.Kind, key.Name, v.Reason, v.Message)
		}
	}
	made, err := render.EnvoyFilters(mesh, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, filter := range made {
		text, err := yaml.Marshal(filter)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString("---\n")
		all.Write(text)
	}
	return all.String()
}

// serve runs a server that tells its name, and returns its port.
func serve(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimPrefix(machine.Serve(t, "thrift", "--name", name), "127.0.0.1:")
}

// built is the path of a program that `make build` makes.
func built(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(machine.Root(t), "bin", name)
}
