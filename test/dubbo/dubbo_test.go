// Package dubbo tests the Dubbo codec with real consumers and providers: the same
// calls are made directly and through one and two stock Envoys, and must give the
// same results.
package dubbo

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// calls is how many mixed calls are compared on each path.
const calls = 1000

var (
	java33          = peers.Java{Version: "3.3.6"}
	java33fastjson2 = peers.Java{Version: "3.3.6", Serialization: "fastjson2"}
	java27          = peers.Java{Version: "2.7.23"}
	java27fastjson  = peers.Java{Version: "2.7.23", Serialization: "fastjson"}
	dubboGo         = peers.DubboGo{}
)

// pairs are who calls whom. dubbo-go has no fastjson and no fastjson2, so it meets
// nobody who prefers those; it can make and serve all of the mixed calls.
var pairs = []struct{ consumer, provider peers.Peer }{
	{java33, java33},
	{java33fastjson2, java33fastjson2},
	{java27, java27},
	{java27fastjson, java27fastjson},
	{java33, java27},
	{java27, java33},
	{dubboGo, dubboGo},
	{dubboGo, java33},
	{java33, dubboGo},
}

// versions are the oldest and the newest supported Envoy.
var versions = []string{"1.39.3", "1.40.0"}

// TestCallsGiveTheSameResults compares mixed calls: text, objects, lists, maps, null,
// exceptions of all kinds, void, asynchronous, one-way, generic, attachments both
// ways, and large messages.
func TestCallsGiveTheSameResults(t *testing.T) {
	for _, pair := range pairs {
		t.Run(fmt.Sprintf("%v calls %v", pair.consumer, pair.provider), func(t *testing.T) {
			provider := peers.Serve(t, pair.provider)
			direct := peers.Call(t, pair.consumer, provider.Port, strconv.Itoa(calls), 8, 20*time.Second)
			if len(direct) != calls {
				t.Fatalf("%d lines of %d direct calls: %q", len(direct), calls, direct[:min(len(direct), 10)])
			}
			check(t, pair.consumer, direct)
			for _, version := range versions {
				t.Run(version, func(t *testing.T) { throughProxies(t, version, pair.consumer, provider.Port, direct) })
			}
			// Each call ran once on each path, the one-way ones too.
			executions(t, pair.consumer, provider.Port, 1+2*len(versions))
		})
	}
}

// throughProxies makes the calls through one proxy and through two, compares them with
// the direct ones, and looks at what Envoy counted.
func throughProxies(t *testing.T, version string, consumer peers.Peer, provider string, direct []string) {
	t.Helper()
	one := peers.Start(t, version, peers.Bridge("dubbo", provider))
	compare(t, "one proxy", direct, peers.Call(t, consumer, one.Port, strconv.Itoa(calls), 8, 20*time.Second))
	two := peers.Start(t, version, peers.Forward("dubbo", one.Port))
	compare(t, "two proxies", direct, peers.Call(t, consumer, two.Port, strconv.Itoa(calls), 8, 20*time.Second))

	oneway := methods()["oneway"]
	exactly := func(n int) func(int) bool { return func(got int) bool { return got == n } }
	two.Eventually("cluster.server.upstream_cx_total", "1 connection between the proxies for each worker", func(n int) bool { return n >= 1 && n <= 2 })
	two.Eventually("listener.127.0.0.1_0.downstream_cx_total", "1 connection of the consumer", exactly(1))
	two.Eventually("cluster.server.upstream_rq_200", fmt.Sprint(calls, " good responses"), exactly(calls))
	one.Eventually("cluster.server.upstream_cx_total", "no more connections than calls at a time", func(n int) bool { return n <= 2*(8+1) })
	for _, p := range []*peers.Proxy{one, two} {
		p.Eventually("dynamicmodulescustom.meltemi_calls", strconv.Itoa(calls), exactly(calls))
		p.Eventually("dynamicmodulescustom.meltemi_oneway_calls", strconv.Itoa(oneway), exactly(oneway))
		for _, zero := range []string{"open_calls", "decode_errors", "panics", "local_replies"} {
			p.Eventually("dynamicmodulescustom.meltemi_"+zero, "0", exactly(0))
		}
	}
}

// results are the beginnings of what the first direct calls must give.
var results = []string{
	"0 call 0", "1 grüße, 世界 😀 1", "2 ", "3 70000 characters", "4 person 4/4/1.3333333333333333/self/2",
	"5 [5, two, 3.5, null, true, [1099511627776, x]]", "6 {n=6, nested={k=v}, nothing=null}", "7 ", "8 1099511627784",
	"9 null", "10 void", "11 dev.meltemi.peer.DeclaredException: call 11", "12 dev.meltemi.peer.UndeclaredException: call 12", "13 java.lang.IllegalArgumentException: call 13",
	"14 later call 14", "15 sent", "16 call 16", "17 {lane=lane-17, tenant=blue, unicode=grüße 😀} call 17",
}

// otherResults are those that are different with a consumer.
var otherResults = map[peers.Peer]map[int]string{
	// fastjson leaves out null, gives nested values in a class of its own, and makes no
	// exceptions of what it reads.
	java27fastjson: {
		5: `5 [5, two, 3.5, null, true, [1099511627776,"x"]]`, 6: `6 {n=6, nested={"k":"v"}}`,
		11: "11 org.apache.dubbo.rpc.RpcException", 12: "12 org.apache.dubbo.rpc.RpcException", 13: "13 org.apache.dubbo.rpc.RpcException",
		17: "17 {lane=lane-17, tenant=blue, unicode=grüße 😀} null",
	},
	// It does not show what its answers have attached.
	java27: {17: "17 {lane=lane-17, tenant=blue, unicode=grüße 😀} null"},
	// Go prints them differently.
	dubboGo: {
		3: "3 70000 bytes", 5: "5 [5 two 3.5 <nil> true [1099511627776 x]]", 6: "6 map[n:6 nested:map[k:v] nothing:<nil>]",
		9: "9 <nil>", 10: "10 <nil>",
	},
}

// check makes sure that the direct calls are what they should be, so that equal
// results mean something.
func check(t *testing.T, consumer peers.Peer, lines []string) {
	t.Helper()
	for n, want := range results {
		if other, ok := otherResults[consumer][n]; ok {
			want = other
		}
		if !strings.HasPrefix(lines[n], want) {
			t.Errorf("direct call: %q, want %q", lines[n], want)
		}
	}
}

func compare(t *testing.T, path string, want, got []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d lines, want %d", path, len(got), len(want))
	}
	wrong := 0
	for i := range min(len(got), len(want)) {
		if got[i] == want[i] {
			continue
		}
		if wrong++; wrong <= 5 {
			t.Errorf("%s:\n got %q\nwant %q", path, got[i], want[i])
		}
	}
	if wrong > 5 {
		t.Errorf("%s: %d calls of %d differ", path, wrong, len(want))
	}
}

// methods counts how often the calls of one path call each method.
func methods() map[string]int {
	counts := map[string]int{}
	for n := range calls {
		counts[[...]string{
			"echo", "echo", "echo", "echo", "person", "list", "map", "bytes", "add", "nothing", "noResult", "declared",
			"undeclared", "illegal", "async", "oneway", "echo", "attachments",
		}[n%18]]++
	}
	return counts
}

// executions checks how often the provider ran each method. One-way calls have no
// answer that would tell when they are through.
func executions(t *testing.T, consumer peers.Peer, port string, paths int) {
	t.Helper()
	want := methods()
	for method := range want {
		want[method] *= paths
	}
	var got string
	for range 20 {
		got = strings.Join(peers.Call(t, consumer, port, "executions", 1, 5*time.Second), "")
		missing := ""
		for method, n := range want {
			if !strings.Contains(got, fmt.Sprintf("%s=%d,", method, n)) && !strings.Contains(got, fmt.Sprintf("%s=%d}", method, n)) {
				missing = fmt.Sprintf("%s=%d", method, n)
			}
		}
		if missing == "" {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Errorf("executions are %s, want %v", got, want)
}

// TestIdleConnectionSurvives leaves a connection idle for longer than its heartbeats
// may go unanswered.
func TestIdleConnectionSurvives(t *testing.T) {
	for _, consumer := range []peers.Peer{java33, java27, dubboGo} {
		t.Run(consumer.String(), func(t *testing.T) {
			provider := peers.Serve(t, consumer)
			proxy := peers.Start(t, versions[0], peers.Bridge("dubbo", provider.Port))
			got := peers.Call(t, consumer, proxy.Port, "idle", 1, 5*time.Second)
			if fmt.Sprint(got) != "[before after]" {
				t.Errorf("got %q", got)
			}
			if n := proxy.Stat("dynamicmodulescustom.meltemi_heartbeats"); n < 3 {
				t.Errorf("%d heartbeats were answered, want at least 3", n)
			}
		})
	}
}

// TestHeartbeatsOfTheServer has a call take longer than a provider leaves its heartbeats
// unanswered: the bridge answers them, on the connection that waits for the reply.
func TestHeartbeatsOfTheServer(t *testing.T) {
	provider := peers.Serve(t, peers.DubboGo{Heartbeat: time.Second})
	proxy := peers.Start(t, versions[1], peers.Bridge("dubbo", provider.Port))
	got := peers.Call(t, dubboGo, proxy.Port, "sleep", 1, 20*time.Second, "6000")
	if fmt.Sprint(got) != "[slept 6000]" {
		t.Errorf("got %q", got)
	}
	// Both sides send one each second.
	if n := proxy.Stat("dynamicmodulescustom.meltemi_heartbeats"); n < 2*4 {
		t.Errorf("%d heartbeats were answered, want at least 8", n)
	}
}

// TestConsumerTimeoutIsAnsweredInTime has a provider that is too slow for the
// consumer: the error comes from the proxy, before the consumer gives up by itself.
func TestConsumerTimeoutIsAnsweredInTime(t *testing.T) {
	provider := peers.Serve(t, java33)
	// The margin is wide: the consumer counts from before it writes, and a busy machine
	// may take its time between.
	proxy := peers.Start(t, versions[1], peers.Bridge("{name: dubbo, deadline_margin: 400ms}", provider.Port))
	got := strings.Join(peers.Call(t, java33, proxy.Port, "sleep", 1, 1200*time.Millisecond, "4000"), "\n")
	if !strings.Contains(got, "upstream request timeout") && !strings.Contains(got, "downstream duration timeout") {
		t.Errorf("the consumer saw %q, not the proxy's error", got)
	}
}
