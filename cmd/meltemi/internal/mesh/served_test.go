package mesh

import (
	"os"
	"strings"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"go.yaml.in/yaml/v3"
)

const served = `
listeners:
- name: orders
  address: 127.0.0.1:0
  codec: dubbo
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: v1}}]}]}
- name: raw
  address: 127.0.0.1:0
  filter_chains: [{filters: []}]
clusters:
- {name: v1, codec: dubbo, endpoints: ["127.0.0.1:1"]}
- {name: metrics, endpoints: ["127.0.0.1:2"]}
stats_sinks:
- name: envoy.stat_sinks.metrics_service
  typed_config:
    "@type": type.googleapis.com/envoy.config.metrics.v3.MetricsServiceConfig
    transport_api_version: V3
    grpc_service: {envoy_grpc: {cluster_name: metrics}}
`

func parse(t *testing.T, file string) *Mesh {
	t.Helper()
	m, err := Parse([]byte(file), Check{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestResourcesServeRoutesApart(t *testing.T) {
	m := parse(t, served)
	resources, err := m.Resources(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(resources.Listeners) != 2 || len(resources.Routes) != 1 || resources.Routes[0].GetName() != "orders" {
		t.Fatalf("got %d listeners and routes %v", len(resources.Listeners), resources.Routes)
	}
	filters := resources.Listeners[0].GetFilterChains()[0].GetFilters()
	if len(filters) != 2 || filters[0].GetName() != "envoy.filters.network.dynamic_modules" {
		t.Fatalf("filters: %v", filters)
	}
	var hcm hcmv3.HttpConnectionManager
	if err := filters[1].GetTypedConfig().UnmarshalTo(&hcm); err != nil {
		t.Fatal(err)
	}
	if hcm.GetRds().GetRouteConfigName() != "orders" || hcm.GetRds().GetConfigSource().GetAds() == nil {
		t.Errorf("routes do not come from the discovery service: %v", hcm.GetRouteSpecifier())
	}
}

func TestClustersOfTheBootstrapArePinned(t *testing.T) {
	m := parse(t, served)
	resources, err := m.Resources(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(resources.Clusters) != 1 || resources.Clusters[0].GetName() != "v1" {
		t.Errorf("served clusters: %v, want v1 alone", resources.Clusters)
	}
	bootstrap := readBootstrapYAML(t, m)
	static := bootstrap.GetStaticResources().GetClusters()
	names := make([]string, 0, len(static))
	for _, c := range static {
		names = append(names, c.GetName())
	}
	if got := strings.Join(names, " "); got != "metrics meltemi_xds" {
		t.Errorf("static clusters: %s, want metrics meltemi_xds", got)
	}
}

func TestBootstrapHasAdminOfItsOwnOnlyIfMissing(t *testing.T) {
	if got := readBootstrapYAML(t, parse(t, served)).GetAdmin().GetAddress().GetSocketAddress(); got.GetAddress() != "127.0.0.1" || got.GetPortValue() != 0 {
		t.Errorf("admin at %v, want 127.0.0.1:0", got)
	}
	given := served + "admin: {address: {pipe: {path: /run/admin}}}\n"
	if got := readBootstrapYAML(t, parse(t, given)).GetAdmin().GetAddress().GetPipe().GetPath(); got != "/run/admin" {
		t.Errorf("the admin address of the file was lost: %q", got)
	}
	partly := served + "admin: {profile_path: /run/profile}\n"
	admin := readBootstrapYAML(t, parse(t, partly)).GetAdmin()
	if admin.GetProfilePath() != "/run/profile" || admin.GetAddress().GetSocketAddress() == nil {
		t.Errorf("admin: %v, want the profile path of the file and an address", admin)
	}
}

// readBootstrapYAML reads the bootstrap of m back through Envoy's type.
func readBootstrapYAML(t *testing.T, m *Mesh) *bootstrapv3.Bootstrap {
	t.Helper()
	out, err := m.Bootstrap("/run/xds.sock")
	if err != nil {
		t.Fatal(err)
	}
	root, problems := load(out)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	bootstrap, err := read(root, &bootstrapv3.Bootstrap{})
	if err != nil {
		t.Fatal(err)
	}
	if err := bootstrap.ValidateAll(); err != nil {
		t.Fatal(err)
	}
	return bootstrap
}

func TestJSONIsTheSameConfiguration(t *testing.T) {
	file, err := os.ReadFile("testdata/config/two-proxies.in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := parse(t, string(file))
	asJSON, err := m.JSON()
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := m.YAML()
	if err != nil {
		t.Fatal(err)
	}
	var fromJSON, fromYAML any
	if err := yaml.Unmarshal(asJSON, &fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(asYAML, &fromYAML); err != nil {
		t.Fatal(err)
	}
	a, b := mustYAML(t, fromJSON), mustYAML(t, fromYAML)
	if a != b {
		t.Errorf("JSON:\n%s\nYAML:\n%s", a, b)
	}
}

func mustYAML(t *testing.T, value any) string {
	t.Helper()
	out, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// FuzzParse: no file makes Parse panic, and what it accepts can be printed and read.
func FuzzParse(f *testing.F) {
	f.Add([]byte(served))
	f.Add([]byte("listeners: &a [{name: x, <<: *a}]"))
	f.Add([]byte("listeners: [{name: x, address: '::1:1', codec: {name: [1]}, route_config: {virtual_hosts: {}}}]"))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := Parse(file, Check{})
		if err != nil {
			return
		}
		if _, err := m.YAML(); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Resources(m); err != nil {
			t.Fatal(err)
		}
	})
}
