package envoytest

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// withProbe starts an Envoy with the probe in the dynamic module.
func withProbe(t *testing.T, version, config string, routes, clusters []any, more map[string]any) *Envoy {
	t.Helper()
	return inModule.with(t, version, config, routes, clusters, more)
}

// What holds for the probe in any HTTP filter of Envoy.

func TestFilterChoosesTheRoute(t *testing.T)            { each(t, inModule.ChoosesTheRoute) }
func TestFilterSeesRepliesOfEnvoy(t *testing.T)         { each(t, inModule.SeesRepliesOfEnvoy) }
func TestFilterReplacesARefusal(t *testing.T)           { each(t, inModule.ReplacesARefusal) }
func TestFilterReadsResponsesThatStayOpen(t *testing.T) { each(t, inModule.ReadsResponsesThatStayOpen) }
func TestFilterUnderClientsThatLeave(t *testing.T)      { each(t, inModule.StandsClientsThatLeave) }

func TestFilterConfigurationIsRefusedAtLoad(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		for config, want := range map[string]string{
			`{"config":{"typo":1}}`:             `filter probe: configuration: json: unknown field "typo"`,
			`{"confg":{}}`:                      `unknown field "confg"`,
			`{"config":{"needs":"more"}}`:       `filter probe: needs: the probe has no more`,
			`{"config":{"twice":true}}`:         `metric "requests_total": it is defined twice`,
			`{"codec":{"name":"toy","oops":1}}`: `codec: configuration: json: unknown field "oops"`,
			`{"codec":{"name":"toi"}}`:          `unknown codec "toi"; this library knows toy`,
		} {
			bootstrap := Bootstrap([]any{Listener("rpc", toy, nil, map[string]any{"http_filters": Filters(Filter(probe.Name, config))})}, nil)
			if log, ok := Validate(t, version, Library(t), bootstrap); ok || !strings.Contains(log, want) {
				t.Errorf("%s: accepted %t, the log does not say %q:\n%s", config, ok, want, log)
			}
		}
		absent := Bootstrap([]any{Listener("rpc", toy, nil, map[string]any{"http_filters": Filters(Filter("absent", `{}`))})}, nil)
		if log, ok := Validate(t, version, Library(t), absent); ok || !strings.Contains(log, `unknown filter "absent"; this library knows probe`) {
			t.Errorf("an absent filter: accepted %t\n%s", ok, log)
		}
		route := Route("/", "server", nil)
		route["typed_per_filter_config"] = map[string]any{probe.Name: RouteFilter(probe.Name, `{"typo":1}`)}
		bad := Bootstrap([]any{Listener("rpc", toy, []any{route}, map[string]any{"http_filters": Filters(Filter(probe.Name, `{}`))})}, []any{Bridge("server", toy, 1)})
		if log, ok := Validate(t, version, Library(t), bad); ok || !strings.Contains(log, `route: filter probe: configuration: json: unknown field "typo"`) {
			t.Errorf("a route's configuration: accepted %t\n%s", ok, log)
		}
	})
}

// TestFilterInAccessLogs reads what a filter notes of calls in Envoy's access log.
func TestFilterInAccessLogs(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		path := filepath.Join(t.TempDir(), "access")
		envoy := withProbe(t, version, "", []any{Route("/", "server", nil)}, []any{Bridge("server", toy, server.Port)}, map[string]any{
			"access_log": []any{map[string]any{"name": "file", "typed_config": typed("envoy.extensions.access_loggers.file.v3.FileAccessLog", object{
				"path": path,
				"log_format": object{"text_format_source": object{
					"inline_string": "%DYNAMIC_METADATA(probe:who)% %DYNAMIC_METADATA(probe:number)% %RESPONSE_CODE_DETAILS% %REQ(x-rpc-do)%\n",
				}},
			})}},
		})
		client := Dial(t, envoy.Port("rpc"))
		client.Call(Told(1, "note:who=blue", ""))
		client.Call(Told(2, "note:who=red;reply:denied", ""))
		want := "\"blue\" 7 via_upstream note:who=blue\n\"red\" 7 meltemi_denied[probe] note:who=red;reply:denied\n"
		var got []byte
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if got, _ = os.ReadFile(path); len(got) >= len(want) {
				break
			}
		}
		if plain := strings.ReplaceAll(string(got), `"`, ""); plain != strings.ReplaceAll(want, `"`, "") {
			t.Errorf("the access log is %q, want %q", got, want)
		}
	})
}

// TestUpstreamFilter runs the probe on the way to a host, in front of the bridge and of
// another proxy, once for each try.
func TestUpstreamFilter(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		var failing sync.Map // ids that fail once
		server := Serve(t, func(conn net.Conn, m testcodec.Message) {
			if m.Method == "flaky" {
				if _, again := failing.LoadOrStore(m.ID, true); !again {
					_, _ = conn.Write(testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: m.ID, Status: sdk.Unavailable, Payload: "not now"}))
					return
				}
			}
			Echo(conn, m)
		})
		retry := map[string]any{"retry_policy": map[string]any{"retry_on": "unavailable", "num_retries": 2}}
		far := one(t, version, server)
		for name, cluster := range map[string]map[string]any{
			"bridge": Bridge("hosts", toy, server.Port), "proxy": Cluster("hosts", far.Port("rpc")),
		} {
			t.Run(name, func(t *testing.T) {
				failing.Clear()
				envoy := Start(t, version, Library(t), Bootstrap(
					[]any{Listener("rpc", toy, []any{Route("/", "hosts", retry)}, nil)},
					[]any{UpstreamFilters(cluster, Filter(probe.Name, HostConfig("")))}))
				client := Dial(t, envoy.Port("rpc"))
				for i, tt := range []struct{ request, response, cause, key, value string }{
					{"set:tenant=green;facts", "set:seen=yes", "", "tenant", "green"},
					{"facts", "set:seen=yes", "", "seen", "yes"},
					{"go:10s,20ms;set:waited=yes", "go:10s,20ms", "", "waited", "yes"},
					{"reply:denied", "", "denied", "", ""},
					{"set:a=b", "reply:bad_response", "bad_response", "", ""},
					{"reset", "", "connection_lost", "", ""},
					{"panic", "", "internal", "", ""},
					{"go:20ms,10s", "", "timeout", "", ""},
				} {
					got := client.Call(Told(uint64(i), tt.request, tt.response))
					if got.Entry("cause") != tt.cause || got.ID != uint64(i) {
						t.Errorf("%s: got %+v, want cause %q", tt.request, got, tt.cause)
					}
					if got.Entry(tt.key) != tt.value {
						t.Errorf("%s: %s is %q, want %q", tt.request, tt.key, got.Entry(tt.key), tt.value)
					}
					if facts := got.Entry("facts"); facts != "" && !strings.Contains(facts, "cluster=hosts") {
						t.Errorf("facts: %s", facts)
					}
				}
				m := Told(100, "log-end", "")
				m.Method = "flaky"
				if got := client.Call(m); got.Status != sdk.OK {
					t.Errorf("got %+v", got)
				}
				// An upstream filter's metrics are the cluster's.
				const scope = "cluster.hosts."
				envoy.Eventually(scope+probeStat("ends_total", "flaky", "UNAVAILABLE"), 1)
				envoy.Eventually(scope+probeStat("ends_total", "flaky", "OK"), 1)
				envoy.Eventually(scope+probeStat("requests_total"), 10)
				envoy.Eventually(scope+probeStat("open"), 0)
				envoy.Eventually("cluster.hosts.upstream_rq_active", 0)
			})
		}
	})
}

// TestFilterReadsLongMessages reads messages beyond Envoy's default buffer.
func TestFilterReadsLongMessages(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := withProbe(t, version, `{"payload":true}`, []any{Route("/", "server", nil)}, []any{Bridge("server", toy, server.Port)}, nil)
		client := Dial(t, envoy.Port("rpc"))
		m := Told(1, "arguments;go:10s,50ms", "result")
		m.Payload = strings.Repeat("x", 6<<20)
		if got := client.Call(m); got.Payload != m.Payload || got.Entry("result") != "6291456 xxxxxxxxxx" {
			t.Errorf("got %v %s, %d bytes, result %q", got.Status, got.Entry("cause"), len(got.Payload), got.Entry("result"))
		}
	})
}

// TestFilterLeavesOthersAlone has plain HTTP/2 on the port of the filter.
func TestFilterLeavesOthersAlone(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		envoy := Start(t, version, Library(t), Bootstrap([]any{Listener("rpc", "", []any{
			map[string]any{"match": map[string]any{"prefix": "/"}, "direct_response": map[string]any{"status": 200, "body": map[string]any{"inline_string": "plain"}}},
		}, map[string]any{"http_filters": Filters(Filter(probe.Name, HostConfig(`{"all":true,"payload":true}`)))})}, nil))
		a := newAttacker(t, envoy.Port("rpc"))
		for _, contentType := range []string{"", "text/plain", "application/grpc", "application/grpc+proto"} {
			_, _, body := a.send(attack{method: "POST", path: "/odd/path?x=1", headers: map[string]string{"content-type": contentType}, body: []byte("body")})
			if contentType == "text/plain" && string(body) != "plain" {
				t.Errorf("%q: the body is %q", contentType, body)
			}
		}
		envoy.Eventually("http.rpc.downstream_rq_completed", 4)
		if n := envoy.Stat(probeStat("requests_total")); n != 0 {
			t.Errorf("the filter saw %d of them", n)
		}
		// A path that the far edge would refuse must not get past a filter either.
		if _, cause, _ := a.send(attack{method: "POST", path: "/a/b?c", headers: map[string]string{"content-type": "application/grpc+toy"}, body: []byte("x")}); !strings.Contains(cause, "meltemi_malformed[probe]") {
			t.Errorf("the cause is %q", cause)
		}
	})
}

// TestFilterMetricsForPrometheus reads a filter's metrics as Prometheus does: labels are
// labels there.
func TestFilterMetricsForPrometheus(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := withProbe(t, version, "", []any{Route("/", "server", nil)}, []any{Bridge("server", toy, server.Port)}, nil)
		Dial(t, envoy.Port("rpc")).Call(Told(1, "set:a=b", ""))
		envoy.Eventually(probeStat("ends_total", "echo", "OK"), 1)
		const count = `envoy_dynamicmodulescustom_meltemi_probe_latency_ms_count{method="echo"} 1`
		text := ""
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline) && !strings.Contains(text, count); time.Sleep(100 * time.Millisecond) {
			text = envoy.Admin("/stats/prometheus?filter=meltemi_probe") // histograms come every five seconds
		}
		for _, want := range []string{
			`# TYPE envoy_dynamicmodulescustom_meltemi_probe_ends_total counter`,
			`envoy_dynamicmodulescustom_meltemi_probe_ends_total{method="echo",code="OK"} 1`,
			`# TYPE envoy_dynamicmodulescustom_meltemi_probe_open gauge`,
			`envoy_dynamicmodulescustom_meltemi_probe_open{} 0`,
			`# TYPE envoy_dynamicmodulescustom_meltemi_probe_latency_ms histogram`,
			count,
		} {
			if !strings.Contains(text, want+"\n") {
				t.Errorf("there is no %s in\n%s", want, text)
			}
		}
	})
}

// TestFilterIsAnsweredWhileItCollects has a peer that is slow to send a message: Envoy
// answers the call before the filter has collected it. What comes late is not shown to
// the filter, which is busy with the answer, and no server gets the call.
func TestFilterIsAnsweredWhileItCollects(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := withProbe(t, version, `{"payload":true}`, []any{Route("/", "server", nil)}, []any{Bridge("server", toy, server.Port)}, nil)
		a := newAttacker(t, envoy.Port("rpc"))
		message := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindRequest, ID: 1, Service: "s", Method: "m", Payload: "payload"})
		body, sender := io.Pipe()
		go func() {
			_, _ = sender.Write(message[:9])
			envoy.Eventually("http.rpc.downstream_rq_max_duration_reached", 1)
			_, _ = sender.Write(message[9:])
			_ = sender.Close()
		}()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.base+"/s/m", body)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"content-type": "application/grpc+toy", "te": "trailers", "grpc-timeout": "300m", "x-rpc-do": "set:a=b", "x-rpc-do-response": "go:10s,2s;set:seen=once",
		} {
			req.Header.Set(name, value)
		}
		resp, err := a.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got := resp.Header; got.Get("grpc-status") != "4" || got.Get("x-rpc-seen") != "once" {
			t.Errorf("the answer is %v", got)
		}
		envoy.Eventually(probeStat("open"), 0)
		if n := server.Calls.Load(); n != 0 {
			t.Errorf("the server got %d calls", n)
		}
	})
}
