package wasmtest

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/envoytest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest"
)

// lacks are the capabilities that this host does not have (docs/hosts.md).
var lacks = []filter.Capability{
	filter.CallGRPC, filter.AnswerCalls, filter.RouteConfigs, filter.AccessLogs, filter.TraceTags, filter.System,
}

// TestFilterConformance runs the checks of hosts in Envoy's Wasm sandbox. Compiling the
// module takes Envoy seconds, so checks with the same setup share one.
func TestFilterConformance(t *testing.T) {
	probe := inWasm(t)
	each(t, func(t *testing.T, version string) {
		hosts, owner := map[string]*envoytest.ProbeHost{}, t
		hosttest.Run(t, func(t *testing.T, s hosttest.Setup) hosttest.Host {
			t.Helper()
			if hosts[s.Config] == nil {
				hosts[s.Config] = probe.Start(owner, version, s)
			}
			hosts[s.Config].Again()
			return hosts[s.Config]
		}, lacks...)
	})
}

// What holds for the probe in any HTTP filter of Envoy.

func TestFilterChoosesTheRoute(t *testing.T)       { each(t, inWasm(t).ChoosesTheRoute) }
func TestFilterSeesRepliesOfEnvoy(t *testing.T)    { each(t, inWasm(t).SeesRepliesOfEnvoy) }
func TestFilterReplacesARefusal(t *testing.T)      { each(t, inWasm(t).ReplacesARefusal) }
func TestFilterUnderClientsThatLeave(t *testing.T) { each(t, inWasm(t).StandsClientsThatLeave) }
func TestFilterReadsResponsesThatStayOpen(t *testing.T) {
	each(t, inWasm(t).ReadsResponsesThatStayOpen)
}

const toy = `{"name":"toy"}`

// start starts an Envoy with HTTP filters on the listener "rpc", in front of a server.
func start(t testing.TB, version string, server *envoytest.Server, more map[string]any, filters ...any) *envoytest.Envoy {
	t.Helper()
	hcm := map[string]any{"http_filters": envoytest.Filters(filters...)}
	maps.Copy(hcm, more)
	return envoytest.Start(t, version, envoytest.Library(t), envoytest.Bootstrap(
		[]any{envoytest.Listener("rpc", toy, []any{envoytest.Route("/", "server", nil)}, hcm)},
		[]any{envoytest.Bridge("server", toy, server.Port)}))
}

// TestConfigurationIsRefusedAtLoad has Envoy refuse what a filter cannot be made of, with
// the sentence in its log.
func TestConfigurationIsRefusedAtLoad(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		for _, tt := range []struct{ name, config, want string }{
			{"probe", `{"config":{"typo":1}}`, `filter probe: configuration: json: unknown field "typo"`},
			{"needs-answer", `{}`, `filter needs-answer needs "answer", which this host cannot do`},
			{"absent", `{}`, `unknown filter "absent"; this library knows probe, fatal`},
		} {
			refused(t, version, tt.name, tt.config, tt.want)
		}
	})
}

func refused(t *testing.T, version, name, config, want string) {
	t.Helper()
	bootstrap := envoytest.Bootstrap([]any{envoytest.Listener("rpc", toy, nil, map[string]any{
		"http_filters": envoytest.Filters(wasm(t, name, config, nil)),
	})}, nil)
	if log, ok := envoytest.Validate(t, version, envoytest.Library(t), bootstrap); ok || !strings.Contains(log, want) {
		t.Errorf("%s %s: accepted %t, the log does not say %q:\n%s", name, config, ok, want, log)
	}
}

// TestAccessLogs reads who refused, and what a filter noted, in Envoy's access log.
func TestAccessLogs(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := envoytest.Serve(t, envoytest.Echo)
		path := filepath.Join(t.TempDir(), "access")
		envoy := start(t, version, server, map[string]any{
			"access_log": []any{map[string]any{"name": "file", "typed_config": map[string]any{
				"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": path,
				"log_format": map[string]any{"text_format_source": map[string]any{
					"inline_string": "%FILTER_STATE(wasm.probe.who:PLAIN)% %FILTER_STATE(wasm.probe.number:PLAIN)% %RESPONSE_CODE_DETAILS%\n",
				}},
			}}},
		}, wasm(t, "probe", `{}`, nil))
		client := envoytest.Dial(t, envoy.Port("rpc"))
		client.Call(envoytest.Told(1, "note:who=blue", ""))
		client.Call(envoytest.Told(2, "note:who=red;reply:denied", ""))
		const want = "blue 7 via_upstream\nred 7 meltemi_denied[probe]\n"
		var got []byte
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if got, _ = os.ReadFile(path); len(got) >= len(want) {
				break
			}
		}
		if string(got) != want {
			t.Errorf("the access log is %q, want %q", got, want)
		}
	})
}

// TestLongMessages reads messages beyond Envoy's default buffer: a module cannot widen it,
// but the network filter in front has done so.
func TestLongMessages(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := envoytest.Serve(t, envoytest.Echo)
		envoy := start(t, version, server, nil, wasm(t, "probe", `{"config":{"payload":true}}`, nil))
		m := envoytest.Told(1, "arguments", "set:read=yes")
		m.Payload = strings.Repeat("x", 1_500_000)
		if got := envoytest.Dial(t, envoy.Port("rpc")).Call(m); got.Payload != m.Payload || got.Entry("argument-0") != "1500000 xxxxxxxxxx" || got.Entry("read") != "yes" {
			t.Errorf("got %v %s, %d bytes, argument %q", got.Status, got.Entry("cause"), len(got.Payload), got.Entry("argument-0"))
		}
	})
}

// TestBodiesThatEnvoyKeeps reads messages where Envoy's configuration does not say that a
// body is to come while headers are held.
func TestBodiesThatEnvoyKeeps(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := envoytest.Serve(t, envoytest.Echo)
		envoy := start(t, version, server, nil, wasm(t, "probe", `{"config":{"payload":true}}`, map[string]any{"allow_on_headers_stop_iteration": false}))
		got := envoytest.Dial(t, envoy.Port("rpc")).Call(envoytest.Told(1, "arguments", ""))
		if got.Entry("cause") != sdk.CauseInternal.String() || !strings.Contains(got.Payload, "allow_on_headers_stop_iteration has to be true") {
			t.Errorf("got %+v", got)
		}
	})
}
