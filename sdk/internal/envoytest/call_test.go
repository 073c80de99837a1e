package envoytest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// each runs a test on the oldest and the newest supported Envoy.
func each(t *testing.T, f func(t *testing.T, version string)) {
	t.Helper()
	for _, v := range Versions {
		t.Run(v, func(t *testing.T) { f(t, v) })
	}
}

// one starts an Envoy with one listener "rpc" that leads to the server.
func one(t *testing.T, version string, server *Server) *Envoy {
	t.Helper()
	return Start(t, version, Library(t), Bootstrap(
		[]any{Listener("rpc", toy, []any{Route("/", "server", nil)}, nil)},
		[]any{Bridge("server", toy, server.Port)}))
}

func request(id uint64, payload string) testcodec.Message {
	return testcodec.Message{
		Kind: sdk.KindRequest, ID: id, Service: "com.example.Echo", Method: "echo", Payload: payload,
		Entries: [][2]string{{"Tenant", "blue"}},
	}
}

func TestCall(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := one(t, version, server)
		client := Dial(t, envoy.Port("rpc"))
		for i := range 10 {
			got := client.Call(request(uint64(i), fmt.Sprint("hello ", i)))
			if want := fmt.Sprint("hello ", i); got.ID != uint64(i) || got.Payload != want || got.Entry("Tenant") != "blue" {
				t.Fatalf("call %d: got %+v", i, got)
			}
		}
		if n := server.Connections.Load(); n != 1 {
			t.Errorf("ten calls in a row took %d connections to the server, want 1", n)
		}
		envoy.Eventually("dynamicmodulescustom.meltemi_calls", 10)
		envoy.Eventually("dynamicmodulescustom.meltemi_open_calls", 0)
		envoy.Eventually("cluster.server.upstream_rq_200", 10)
		if log := envoy.Log(); strings.Contains(log, "panic") {
			t.Error(log)
		}
	})
}
