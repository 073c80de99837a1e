package envoytest

import (
	"net"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestIdleTimeout has Envoy end a connection that is idle for longer than it allows, after
// the client was asked to go, but not while a call is open on it.
func TestIdleTimeout(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		const idle = 2 * time.Second
		server := Serve(t, func(conn net.Conn, m testcodec.Message) {
			time.Sleep(2 * idle)
			Echo(conn, m)
		})
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", toy, []any{Route("/", "server", nil)}, map[string]any{
				"common_http_protocol_options": map[string]any{"idle_timeout": "2s"},
			})}, []any{Bridge("server", toy, server.Port)}))
		client := Dial(t, envoy.Port("rpc"))
		if got := client.Call(request(1, "slow")); got.Payload != "slow" {
			t.Errorf("got %+v", got)
		}
		if got := client.Next(); got.Kind != sdk.KindGoAway {
			t.Errorf("got %+v", got)
		}
		if !client.Silent(callTimeout) {
			t.Errorf("the connection is open after %v without a call", callTimeout)
		}
		envoy.Eventually("http.rpc.downstream_cx_idle_timeout", 1)
	})
}
