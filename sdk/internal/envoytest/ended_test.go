package envoytest

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestOneWayThenClose has clients that close their connection as soon as they have sent
// a one-way call, as those of Kitex do. Each call reaches the server, and no connection
// stays.
func TestOneWayThenClose(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := one(t, version, server)
		for i := range 200 {
			client := Dial(t, envoy.Port("rpc"))
			m := request(uint64(i), "fire")
			m.Kind = sdk.KindOneWay
			client.Send(m)
			_ = client.Close()
		}
		envoy.Eventually("cluster.server.upstream_rq_200", 200)
		server.Eventually(t, 200)
		envoy.Eventually("dynamicmodulescustom.meltemi_open_calls", 0)
		envoy.Eventually("http.rpc.downstream_cx_active", 0)
	})
}
