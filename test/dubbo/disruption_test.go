package dubbo

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// TestRouteChangesUnderLoadLoseNoCall changes routes while a consumer calls without a
// pause. Its connection stays.
func TestRouteChangesUnderLoadLoseNoCall(t *testing.T) {
	for i, consumer := range []peers.Java{java33, java27} {
		t.Run(consumer.String(), func(t *testing.T) {
			provider := peers.Serve(t, consumer)
			mesh := peers.Bridge("dubbo", provider.Port)
			proxy := peers.Start(t, versions[i], mesh)
			load := consumer.StartClient(t, proxy.Port, "load", 4, 10*time.Second, "6")
			proxy.Eventually("dynamicmodulescustom.meltemi_replies", "some", func(n int) bool { return n > 100 })
			for n := range 5 {
				proxy.Change(strings.Replace(mesh, "route: {cluster: server}", fmt.Sprintf("route: {cluster: server, timeout: %ds}", 20+n), 1))
				time.Sleep(300 * time.Millisecond)
			}
			if got := load.Results(); len(got) == 0 || !strings.HasSuffix(got[0], " failed 0") {
				t.Errorf("%s", strings.Join(got, "\n"))
			}
		})
	}
}

// TestListenerChangeUnderLoadLosesNoCall changes the listener of one of two proxies,
// which drains its connections. The consumer is asked to go, and goes on with the
// other one. (Dubbo 2.7.23 cannot be given two direct addresses: its own
// ClassCastException ends each call.)
func TestListenerChangeUnderLoadLosesNoCall(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			provider := peers.Serve(t, java33)
			mesh := peers.Bridge("dubbo", provider.Port)
			changed, other := peers.Start(t, version, mesh), peers.Start(t, version, mesh)
			load := java33.StartClient(t, changed.Port+","+other.Port, "load", 4, 10*time.Second, "8")
			changed.Eventually("dynamicmodulescustom.meltemi_replies", "some", func(n int) bool { return n > 100 })
			changed.Change(strings.Replace(mesh, "  codec: dubbo\n  route", "  codec: dubbo\n  server_name: changed\n  route", 1))
			if got := load.Results(); len(got) == 0 || !strings.HasSuffix(got[0], " failed 0") {
				t.Errorf("%s", strings.Join(got, "\n"))
			}
			if n := changed.Stat("dynamicmodulescustom.meltemi_go_aways"); n < 1 {
				t.Errorf("%d go-aways: the listener was not drained, so nothing was tested", n)
			}
		})
	}
}

// retried is a mesh file whose route retries what Istio retries by default.
func retried(mesh string) string {
	return strings.Replace(mesh, "route: {cluster: server}",
		`route: {cluster: server, retry_policy: {retry_on: "connect-failure,refused-stream,unavailable,cancelled", num_retries: 2}}`, 1)
}

// TestProviderKilledInMidCall kills the one of two providers that is at work. The call
// fails at once, with the protocol's own error, and the other provider does not run it
// again, although the routes of both proxies retry.
func TestProviderKilledInMidCall(t *testing.T) {
	for _, version := range versions {
		for _, hops := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s through %d", version, hops), func(t *testing.T) {
				providers := map[string]*peers.Server{}
				endpoints := []string{}
				for range 2 {
					p := peers.Serve(t, java33)
					providers[p.Port] = p
					endpoints = append(endpoints, `"127.0.0.1:`+p.Port+`"`)
				}
				mesh := strings.Replace(peers.Bridge("dubbo", "0"), `"127.0.0.1:0"`, strings.Join(endpoints, ", "), 1)
				last := peers.Start(t, version, retried(mesh))
				first := last
				if hops == 2 {
					first = peers.Start(t, version, retried(peers.Forward("dubbo", last.Port)))
				}
				victim := java33.StartClient(t, first.Port, "sleep", 1, time.Minute, "50000")
				// Two calls warm the consumer up; the third is the one.
				last.Eventually("cluster.server.upstream_rq_total", "3", func(n int) bool { return n == 3 })
				last.Eventually("cluster.server.upstream_rq_active", "1", func(n int) bool { return n == 1 })
				var survivor string
				for port := range providers {
					if last.ActiveAt("server", "127.0.0.1:"+port) == 0 {
						survivor = port
					}
				}
				if survivor == "" {
					t.Fatal("neither provider is idle")
				}
				before := peers.Call(t, java33, survivor, "executions", 1, 20*time.Second)
				start := time.Now()
				for port, p := range providers {
					if port != survivor {
						p.Kill()
					}
				}
				if got := strings.Join(victim.Results(), "\n"); !strings.Contains(got, "connection termination") {
					t.Errorf("the consumer saw %q", got)
				}
				if took := time.Since(start); took > 20*time.Second {
					t.Errorf("it took %v", took)
				}
				for _, p := range []*peers.Proxy{first, last} {
					if n := p.Stat("cluster.server.upstream_rq_total"); n != 3 {
						t.Errorf("%d calls were sent on, want 3: the lost one was made again", n)
					}
				}
				after := peers.Call(t, java33, survivor, "executions", 1, 20*time.Second)
				if fmt.Sprint(after) != fmt.Sprint(before) {
					t.Errorf("the other provider ran %v before and %v after", before, after)
				}
			})
		}
	}
}

// TestConsumerKilledInMidCall kills a consumer that waits: its neighbour does not
// notice, and nothing is left open.
func TestConsumerKilledInMidCall(t *testing.T) {
	provider := peers.Serve(t, java33)
	proxy := peers.Start(t, versions[0], peers.Bridge("dubbo", provider.Port))
	neighbour := java33.StartClient(t, proxy.Port, "load", 2, 5*time.Second, "6")
	victim := java33.StartClient(t, proxy.Port, "sleep", 1, 60*time.Second, "30000")
	proxy.Eventually("cluster.server.upstream_rq_active", "3", func(n int) bool { return n >= 3 })
	victim.Kill()
	if got := neighbour.Results(); len(got) == 0 || !strings.HasSuffix(got[0], " failed 0") {
		t.Errorf("the neighbour: %s", strings.Join(got, "\n"))
	}
	proxy.Eventually("dynamicmodulescustom.meltemi_open_calls", "0", func(n int) bool { return n == 0 })
	proxy.Eventually("cluster.server.upstream_rq_active", "0", func(n int) bool { return n == 0 })
}

// TestProviderRestartUnderLoad restarts a provider while a consumer calls: calls fail
// only while there is no provider, and each with an error of the protocol.
func TestProviderRestartUnderLoad(t *testing.T) {
	first := peers.Serve(t, java33)
	proxy := peers.Start(t, versions[1], peers.Bridge("dubbo", first.Port))
	load := java33.StartClient(t, proxy.Port, "load", 2, 5*time.Second, "10")
	proxy.Eventually("dynamicmodulescustom.meltemi_replies", "some", func(n int) bool { return n > 100 })
	first.Kill()
	proxy.Eventually("dynamicmodulescustom.meltemi_local_replies", "some", func(n int) bool { return n > 0 })
	java33.StartServer(t, first.Port)
	before := proxy.Stat("cluster.server.upstream_rq_200")
	proxy.Eventually("cluster.server.upstream_rq_200", "more than before", func(n int) bool { return n > before+100 })
	got := load.Results()
	for _, line := range got[1:] {
		if !strings.Contains(line, "upstream connect error") {
			t.Errorf("a failure that is no error of the proxy: %s", line)
		}
	}
	proxy.Eventually("dynamicmodulescustom.meltemi_open_calls", "0", func(n int) bool { return n == 0 })
}
