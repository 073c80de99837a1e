package envoytest

import (
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// Probe is how the probe is an HTTP filter of Envoy.
type Probe struct {
	// Filter is the HTTP filter with that configuration in JSON, as the dynamic module
	// takes it: {"codec": ..., "config": ...}.
	Filter func(config string) map[string]any
	// Namespace is what Envoy's statistics put before the probe's metrics.
	Namespace string
}

// ProbeHost is an Envoy with the probe in it; hosttest.Host.
type ProbeHost struct {
	*Envoy
	probe  Probe
	server *Server
	client *Client
	calls  uint64
	logged int // what the log had when the check began

	listeners string // the file that Envoy has them from
}

// Start starts an Envoy with the probe in front of a server.
func (p Probe) Start(t *testing.T, version string, s hosttest.Setup) *ProbeHost {
	t.Helper()
	h := &ProbeHost{probe: p, server: Serve(t, Echo)}
	var routes []any
	for service, config := range s.Routes {
		r := Route("/"+service+"/", "server", nil)
		r["typed_per_filter_config"] = map[string]any{probe.Name: RouteFilter(probe.Name, config)}
		routes = append(routes, r)
	}
	routes = append(routes, Route("/", "server", nil))
	bootstrap := Bootstrap(nil, []any{
		Bridge("server", toy, h.server.Port), Cluster("check", ServeCheck(t)), HTTP2("grpc", ServeGRPC(t)),
	})
	h.listeners = filepath.Join(t.TempDir(), "listeners.json")
	h.listen(t, Listener("rpc", toy, routes, map[string]any{"http_filters": Filters(p.Filter(HostConfig(s.Config)))}))
	bootstrap["dynamic_resources"] = object{"lds_config": object{"resource_api_version": "V3", "path_config_source": object{"path": h.listeners}}}
	h.Envoy = Start(t, version, Library(t), bootstrap)
	h.client = Dial(t, h.Port("rpc"))
	return h
}

// listen tells Envoy its listeners. It looks at the file again when another takes its place.
func (h *ProbeHost) listen(t *testing.T, listeners ...any) {
	t.Helper()
	for _, l := range listeners {
		l.(map[string]any)["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener"
	}
	file := h.listeners + ".new"
	if err := os.WriteFile(file, []byte(toJSON(t, object{"resources": listeners})), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file, h.listeners); err != nil {
		t.Fatal(err)
	}
}

// Drop implements hosttest.Dropper: the probe's listener is removed. Envoy closes what is
// left of its connections after the time to drain.
func (h *ProbeHost) Drop(t *testing.T) {
	t.Helper()
	h.listen(t)
}

// with starts an Envoy with the probe on the listener "rpc", and these routes and
// clusters.
func (p Probe) with(t *testing.T, version, config string, routes, clusters []any, more map[string]any) *Envoy {
	t.Helper()
	hcm := map[string]any{"http_filters": Filters(p.Filter(HostConfig(config)))}
	maps.Copy(hcm, more)
	return Start(t, version, Library(t), Bootstrap([]any{Listener("rpc", toy, routes, hcm)}, clusters))
}

// HostConfig is the configuration of an HTTP filter with the filter's own in it.
func HostConfig(config string) string {
	if config == "" {
		return `{"codec":` + toy + `}`
	}
	return `{"codec":` + toy + `,"config":` + config + `}`
}

// ServeCheck starts the HTTP server that the checks want behind the cluster "check".
func ServeCheck(t testing.TB) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("x-check", r.Header.Get("x-method"))
		_, _ = w.Write(body)
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// Do implements hosttest.Host.
func (h *ProbeHost) Do(t *testing.T, c hosttest.Call) hosttest.Result {
	t.Helper()
	h.calls++
	m := hosttest.Toy(h.calls, c)
	before := len(h.server.Seen())
	start := time.Now()
	if c.OneWay {
		h.client.Send(m)
		return hosttest.Result{}
	}
	got := h.client.Call(m)
	took := time.Since(start)
	if got.ID != m.ID {
		t.Errorf("the answer is to call %d, not %d", got.ID, m.ID)
	}
	return hosttest.ToyResult(got, took, h.server.Seen()[before:])
}

// Metric implements hosttest.Host.
func (h *ProbeHost) Metric(_ *testing.T, name string, labels ...string) int {
	return h.Stat(h.probe.Stat(name, labels...))
}

// Stat is a metric of the probe as Envoy's statistics name it: labels are there as
// "name.value", and the names are known here.
func (p Probe) Stat(name string, labels ...string) string {
	parts := []string{p.Namespace + ".meltemi_" + probe.Name + "_" + name}
	for i, value := range labels {
		parts = append(parts, []string{"method", "code"}[i], value)
	}
	return strings.Join(parts, ".")
}

// Logs implements hosttest.Host.
func (h *ProbeHost) Logs() string { return h.Log()[h.logged:] }

// Again makes the host as good as new for the next check, where an Envoy is slow to
// start: its counters are at zero, and Logs returns what comes from here on.
func (h *ProbeHost) Again() {
	h.Post("/reset_counters")
	h.logged = len(h.Log())
}

// Told is a call with commands for the probe.
func Told(id uint64, request, response string) testcodec.Message {
	return hosttest.Toy(id, hosttest.Call{
		Service: "com.example.Echo", Method: "echo", Payload: "hello", Request: request, Response: response,
	})
}
