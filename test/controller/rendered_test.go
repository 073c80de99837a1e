package controller

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"istio.io/api/networking/v1alpha3"
	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"

	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
	"github.com/meltemi-mesh/meltemi/envoy-build/envoybin"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// TestEnvoyTakesWhatIsRendered has a real Envoy with the library judge the patches of
// package render's cases: what it refuses costs a listener of all services.
func TestEnvoyTakesWhatIsRendered(t *testing.T) { //nolint:tparallel // its parts are short, and the machine has few cores
	t.Parallel()
	root := machine.Root(t)
	envoy, err := envoybin.Find(t.Context(), "", filepath.Join(root, ".cache", "envoy"))
	if err != nil {
		t.Fatal(err)
	}
	library := filepath.Dir(built(t, "libmeltemi.so"))
	cases, err := filepath.Glob(filepath.Join(root, "controlplane", "render", "testdata", "*.yaml"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			var b bootstrap
			for _, f := range readFilters(t, file) {
				b.add(t, f)
			}
			if len(b.listeners) == 0 {
				return // a case in which all is refused
			}
			config := filepath.Join(t.TempDir(), "envoy.json")
			if err := os.WriteFile(config, b.json(t), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), envoy.Path, "--mode", "validate", "--log-level", "error", "-c", config)
			cmd.Env = append(os.Environ(), "ENVOY_DYNAMIC_MODULES_SEARCH_PATH="+library)
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v:\n%s", err, said)
			}
		})
	}
}

func readFilters(t *testing.T, file string) []*networkingv1alpha3.EnvoyFilter {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// The cases' stand-in for codecs that cannot recognise their protocol is not in the
	// library. Such a codec is alone on its port, so any other does.
	content = bytes.ReplaceAll(content, []byte("parley"), []byte("thrift"))
	r, err := manifest.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Read(file, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	filters := make([]*networkingv1alpha3.EnvoyFilter, len(r.Objects))
	for i, o := range r.Objects {
		filters[i] = o.Object.(*networkingv1alpha3.EnvoyFilter)
	}
	return filters
}

// object and list are JSON.
type (
	object = map[string]any
	list   = []any
)

// bootstrap is Envoy's configuration with the patches of EnvoyFilters in it, each as
// istiod would put it into what it makes itself.
type bootstrap struct {
	listeners, clusters list
}

func (b *bootstrap) add(t *testing.T, f *networkingv1alpha3.EnvoyFilter) {
	t.Helper()
	const hcm = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
	manager := object{"@type": "type.googleapis.com/" + hcm, "stat_prefix": f.Name}
	var inspector, network, http, routes list
	for _, p := range f.Spec.ConfigPatches {
		value := p.Patch.Value.AsMap()
		switch p.ApplyTo {
		case v1alpha3.EnvoyFilter_LISTENER_FILTER:
			inspector = list{value} // of IPv4 and of IPv6, one on each listener
		case v1alpha3.EnvoyFilter_NETWORK_FILTER:
			if p.Patch.Operation == v1alpha3.EnvoyFilter_Patch_MERGE {
				typed, _ := value["typed_config"].(object)
				maps.Copy(manager, typed)
			} else {
				network = append(network, value)
			}
		case v1alpha3.EnvoyFilter_HTTP_FILTER:
			http = append(http, value)
			b.asked(value)
		case v1alpha3.EnvoyFilter_HTTP_ROUTE:
			routes = append(routes, value)
		case v1alpha3.EnvoyFilter_CLUSTER:
			cluster := p.Match.GetCluster()
			b.cluster(cluster.GetService()+f.Name, value)
		default:
			t.Errorf("%s patches %s, which is not judged here", f.Name, p.ApplyTo)
		}
	}
	manager["route_config"] = object{"validate_clusters": false, "virtual_hosts": list{object{"name": "all", "domains": list{"*"}, "routes": routes}}}
	manager["http_filters"] = append(http, object{"name": "router", "typed_config": object{"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}})
	b.listeners = append(b.listeners, object{
		"name": f.Namespace + "/" + f.Name, "address": object{"socket_address": object{"address": "127.0.0.1", "port_value": 0}},
		"listener_filters": inspector,
		"filter_chains":    list{object{"filters": append(network, object{"name": "hcm", "typed_config": manager})}},
	})
}

// asked adds the cluster of a rate limit service, if a filter asks one.
func (b *bootstrap) asked(filter object) {
	typed, _ := filter["typed_config"].(object)
	service, _ := typed["rate_limit_service"].(object)
	grpc, _ := service["grpc_service"].(object)
	of, _ := grpc["envoy_grpc"].(object)
	if name, ok := of["cluster_name"].(string); ok {
		b.cluster(name, object{})
	}
}

// cluster adds a cluster of HTTP/2, unless it is there.
func (b *bootstrap) cluster(name string, patch object) {
	for _, c := range b.clusters {
		if c.(object)["name"] == name {
			return
		}
	}
	cluster := object{"name": name, "type": "STATIC", "load_assignment": object{"cluster_name": name}, "typed_extension_protocol_options": object{
		"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": object{
			"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
			"explicit_http_config": object{"http2_protocol_options": object{}},
		},
	}}
	maps.Copy(cluster, patch)
	b.clusters = append(b.clusters, cluster)
}

func (b *bootstrap) json(t *testing.T) []byte {
	t.Helper()
	text, err := json.MarshalIndent(object{"static_resources": object{"listeners": b.listeners, "clusters": b.clusters}}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}
