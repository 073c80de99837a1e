package redis

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// versions are the supported Envoys: the oldest and the newest.
var versions = []string{"1.39.3", "1.40.0"}

// proxy is a stock Envoy that istiod configures.
type proxy struct {
	*kube.Process
	t     *testing.T
	admin string
}

// object is a part of Envoy's configuration.
type object = map[string]any

// startProxy starts an Envoy of that version. The kind is sidecar or router.
func (m *mesh) startProxy(t *testing.T, version, kind string) *proxy {
	t.Helper()
	dir := t.TempDir()
	config, admin := filepath.Join(dir, "envoy.json"), filepath.Join(dir, "admin")
	text, err := json.Marshal(m.bootstrap(kind))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(machine.Root(t), ".cache", "envoy", version, "envoy"), "-c", config,
		"--use-dynamic-base-id", "--concurrency", "1", "--admin-address-path", admin, "--log-level", "warning")
	cmd.Env = append(os.Environ(), "ENVOY_DYNAMIC_MODULES_SEARCH_PATH="+filepath.Join(machine.Root(t), "bin"))
	p := &proxy{Process: kube.Begin(t, cmd), t: t}
	kube.Eventually(t, kube.Patience, func() string {
		if p.Ended() {
			t.Fatal("Envoy ended")
		}
		if p.admin == "" {
			address, err := os.ReadFile(admin)
			if err != nil || len(address) == 0 {
				return "Envoy has no page yet"
			}
			p.admin = "http://" + strings.TrimSpace(string(address))
		}
		if status, text := get(t, p.admin+"/ready"); status != http.StatusOK {
			return "Envoy is not ready: " + text
		}
		return ""
	})
	return p
}

// bootstrap is that of a proxy with interception NONE.
func (m *mesh) bootstrap(kind string) object {
	address := m.network + "1"
	source := object{"ads": object{}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
	socket := func(host string, port int) object {
		return object{"socket_address": object{"address": host, "port_value": port}}
	}
	return object{
		"node": object{
			"id":      fmt.Sprintf("%s~%s~%s-0.%s~%s.svc.cluster.local", kind, address, kind, namespace, namespace),
			"cluster": kind + "." + namespace,
			"metadata": object{
				"NAMESPACE": namespace, "CLUSTER_ID": "Kubernetes", "ISTIO_VERSION": "1.31.0", "INTERCEPTION_MODE": "NONE",
				"LABELS": object{"app": kind}, "INSTANCE_IPS": address, "MESH_ID": "cluster.local",
			},
		},
		"admin": object{"address": socket("127.0.0.1", 0)},
		"dynamic_resources": object{
			"lds_config": source, "cds_config": source,
			"ads_config": object{
				"api_type": "GRPC", "transport_api_version": "V3",
				"grpc_services": []any{object{"envoy_grpc": object{"cluster_name": "istiod"}}},
			},
		},
		"static_resources": object{"clusters": []any{object{
			"name": "istiod", "type": "STATIC", "connect_timeout": "1s",
			"typed_extension_protocol_options": object{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": object{
				"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
				"explicit_http_config": object{"http2_protocol_options": object{}},
			}},
			"load_assignment": object{"cluster_name": "istiod", "endpoints": []any{object{
				"lb_endpoints": []any{object{"endpoint": object{"address": socket("127.0.0.1", m.ads)}}},
			}}},
		}}},
	}
}

// awaitFilter waits until what listens at an address has that network filter first.
func (p *proxy) awaitFilter(address string, port int, filter string) {
	p.t.Helper()
	name := fmt.Sprintf("%s_%d", address, port)
	kube.Eventually(p.t, kube.Patience, func() string {
		p.mustAccept()
		var dump struct {
			Configs []struct {
				Active struct {
					Listener struct {
						Chains []struct {
							Filters []struct{ Name string }
						} `json:"filter_chains"`
					}
				} `json:"active_state"`
				Error json.RawMessage `json:"error_state"`
				Name  string
			}
		}
		_, text := get(p.t, p.admin+"/config_dump?resource=dynamic_listeners")
		if err := json.Unmarshal([]byte(text), &dump); err != nil {
			return err.Error()
		}
		names := make([]string, 0, len(dump.Configs))
		for _, l := range dump.Configs {
			names = append(names, l.Name)
			if l.Name != name {
				continue
			}
			if len(l.Error) > 0 {
				return string(l.Error)
			}
			for _, chain := range l.Active.Listener.Chains {
				if len(chain.Filters) > 0 && chain.Filters[0].Name == filter {
					return ""
				}
			}
			return fmt.Sprintf("%s has %v, not %s first", name, l.Active.Listener.Chains, filter)
		}
		return fmt.Sprintf("there is no listener %s, but %q", name, names)
	})
}

// mustAccept fails if Envoy has refused anything of istiod's.
func (p *proxy) mustAccept() {
	p.t.Helper()
	for _, refused := range []string{"cluster_manager.cds.update_rejected", "listener_manager.lds.update_rejected"} {
		if n := p.stat(refused); n != 0 {
			p.t.Fatalf("%s=%d:\n%s", refused, n, p.Output())
		}
	}
}

// stat is a counter of Envoy's, 0 if it has none of that name.
func (p *proxy) stat(name string) int {
	p.t.Helper()
	_, text := get(p.t, p.admin+"/stats")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				p.t.Fatalf("%s: %v", line, err)
			}
			return n
		}
	}
	return 0
}

// get returns a page, with status 0 if there is no answer.
func get(t *testing.T, url string) (status int, text string) {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(body)
}
